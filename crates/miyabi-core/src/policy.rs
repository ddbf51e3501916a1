//! What may happen without a person. Pure rules over facts; never over a model's words.

use globset::GlobBuilder;
use serde::{Deserialize, Serialize};

/// How much a person wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A person approves the plan, the change and the deployment.
    Manual,
    /// A person approves the change, and what a rule names.
    #[default]
    Auto,
    /// A person approves only what may never go without one: protected paths, unproven changes, disputed reviews.
    Turbo,
}

/// What the policy says about a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolVerdict {
    /// Go on.
    #[default]
    Allow,
    /// A person decides.
    Ask,
    /// Never; the model is told so.
    Deny,
}

/// A rule about tools: the first whose pattern fits decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolRule {
    /// A glob over tool names, such as `shell` or `git__*`.
    pub tool: String,
    /// What it says.
    pub verdict: ToolVerdict,
}

/// Paths that need a person's approval whatever the mode: what could switch off the checks or steer the agents.
pub const PROTECTED_PATHS: &[&str] = &[
    ".github/**",
    ".gitlab-ci.yml",
    ".circleci/**",
    "**/CODEOWNERS",
    ".miyabi/**",
    "**/AGENTS.md",
    "**/CLAUDE.md",
    "**/SKILL.md",
    ".gitattributes",
    ".gitmodules",
    ".ci/**",
    "deploy/**",
];

/// The policy of a run: set by the operator; a repository can only add to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Policy {
    /// How much a person wants to be asked.
    pub mode: Mode,
    /// Rules about tools, first match wins; no match allows.
    pub tools: Vec<ToolRule>,
    /// Globs of protected paths beside [`PROTECTED_PATHS`].
    pub protected_paths: Vec<String>,
}

/// An act that may need a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act<'a> {
    /// Begin work on a plan.
    Plan,
    /// Open and merge a change.
    Change {
        /// Files that need a person's approval.
        protected_paths: &'a [String],
        /// Gates that could not be checked.
        has_unknown_gates: bool,
    },
    /// Bring a merged change to a target.
    Deploy,
}

impl Policy {
    /// Why a person must approve this act; `None` when it may go on.
    pub fn reason_to_ask(&self, act: Act<'_>) -> Option<String> {
        match act {
            Act::Plan => (self.mode == Mode::Manual).then(|| "the policy asks for the plan".into()),
            Act::Deploy => (self.mode == Mode::Manual).then(|| "the policy asks for each deployment".into()),
            Act::Change { protected_paths: [path, ..], .. } => Some(format!("`{path}` is protected")),
            Act::Change { has_unknown_gates: true, .. } => Some("not every gate could be checked".into()),
            Act::Change { .. } => {
                (self.mode != Mode::Turbo).then(|| "the policy asks for each change".into())
            }
        }
    }

    /// What the policy says about a call of this tool.
    pub fn tool_verdict(&self, tool: &str) -> ToolVerdict {
        let rule = self.tools.iter().find(|rule| glob_matches(&rule.tool, tool));
        rule.map_or(ToolVerdict::Allow, |rule| rule.verdict)
    }

    /// Whether a change of this file needs a person's approval.
    pub fn is_protected(&self, path: &str) -> bool {
        let own = self.protected_paths.iter().map(String::as_str);
        PROTECTED_PATHS.iter().copied().chain(own).any(|glob| glob_matches(glob, path))
    }
}

/// Whether a glob fits a text; a broken glob fits everything, so that a typing error protects too much, not too little.
fn glob_matches(glob: &str, text: &str) -> bool {
    let built = GlobBuilder::new(glob).literal_separator(true).case_insensitive(true).build();
    built.map_or(true, |glob| glob.compile_matcher().is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Act<'_> = Act::Change { protected_paths: &[], has_unknown_gates: false };

    #[test]
    fn modes_ask_for_what_they_say() {
        let asks = |mode, act| Policy { mode, ..Policy::default() }.reason_to_ask(act).is_some();
        for (act, manual, auto, turbo) in
            [(Act::Plan, true, false, false), (PLAIN, true, true, false), (Act::Deploy, true, false, false)]
        {
            assert_eq!(
                [asks(Mode::Manual, act), asks(Mode::Auto, act), asks(Mode::Turbo, act)],
                [manual, auto, turbo],
                "{act:?}"
            );
        }
    }

    #[test]
    fn no_mode_lets_protected_or_unproven_changes_pass() {
        let turbo = Policy { mode: Mode::Turbo, ..Policy::default() };
        let paths = [".github/workflows/ci.yml".to_owned()];
        let protected = Act::Change { protected_paths: &paths, has_unknown_gates: false };
        let unknown = Act::Change { protected_paths: &[], has_unknown_gates: true };
        assert!(turbo.reason_to_ask(protected).is_some());
        assert!(turbo.reason_to_ask(unknown).is_some());
    }

    #[test]
    fn protected_paths_are_found_in_any_case_and_depth() {
        let policy = Policy { protected_paths: vec!["infra/**".into()], ..Policy::default() };
        for path in
            [".github/workflows/a.yml", "docs/codeowners", "a/b/AGENTS.md", "infra/x/y.tf", ".GitHub/x"]
        {
            assert!(policy.is_protected(path), "{path}");
        }
        for path in ["src/main.rs", "docs/guide.md", "github/x"] {
            assert!(!policy.is_protected(path), "{path}");
        }
    }

    #[test]
    fn first_tool_rule_wins() {
        let rule = |tool: &str, verdict| ToolRule { tool: tool.into(), verdict };
        let tools = vec![rule("shell", ToolVerdict::Ask), rule("*", ToolVerdict::Deny)];
        let policy = Policy { tools, ..Policy::default() };
        assert_eq!(policy.tool_verdict("shell"), ToolVerdict::Ask);
        assert_eq!(policy.tool_verdict("read"), ToolVerdict::Deny);
        assert_eq!(Policy::default().tool_verdict("read"), ToolVerdict::Allow);
    }
}
