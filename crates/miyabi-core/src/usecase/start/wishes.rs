//! What a caller wants otherwise than configured, and what becomes of it.

use std::collections::BTreeMap;

use crate::budget::Budget;
use crate::config::Config;
use crate::money::UsdMicros;
use crate::policy::Mode;
use crate::port::model::ModelName;
use crate::project::Project;
use crate::run::spec::{Autonomy, Limits, RunSpec, Template};
use crate::sandbox::SandboxLevel;
use crate::usecase::FieldProblem;

/// What writes the change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EngineWish {
    /// A model with tools.
    #[default]
    Loop,
    /// A patch.
    Patch {
        /// The patch; `None` takes the one that the task's text carries.
        patch: Option<String>,
    },
    /// A configured recipe.
    Recipe {
        /// Its name.
        name: String,
    },
}

/// What a caller wants otherwise than configured; `None` is "as configured".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wishes {
    /// What writes the change.
    pub engine: EngineWish,
    /// The last stage it enters by itself.
    pub autonomy: Option<Autonomy>,
    /// How much a person wants to be asked.
    pub mode: Option<Mode>,
    /// The cage.
    pub sandbox: Option<SandboxLevel>,
    /// Money.
    pub cost_usd_micros: Option<UsdMicros>,
    /// Tokens.
    pub tokens: Option<u64>,
    /// Model requests of one conversation.
    pub turns: Option<u32>,
    /// Working time, in milliseconds.
    pub wall_ms: Option<u64>,
    /// Models by role, or for all roles under `default`.
    pub models: BTreeMap<String, ModelName>,
    /// Tasks that work at the same time.
    pub parallel: Option<u32>,
    /// The branch it starts from and merges into.
    pub branch: Option<String>,
    /// Bring the change to the user's own checkout.
    pub apply: Option<bool>,
    /// Run the gates. Only headless tasks can do without.
    pub gates: Option<bool>,
    /// Whether somebody can be asked. Default: yes, but not for headless tasks.
    pub attended: Option<bool>,
}

/// The part of a run's order that wishes and configuration make together.
pub(super) struct Order {
    pub(super) autonomy: Autonomy,
    pub(super) mode: Mode,
    pub(super) sandbox: SandboxLevel,
    pub(super) budget: Budget,
    pub(super) limits: Limits,
    pub(super) branch: String,
    pub(super) apply: bool,
    pub(super) gates: bool,
    pub(super) attended: bool,
}

impl Wishes {
    /// The order that follows, or everything that is wrong.
    pub(super) fn order(
        &self,
        config: &Config,
        project: &Project,
        template: Template,
    ) -> Result<Order, Vec<FieldProblem>> {
        let problems = self.problems(template);
        if !problems.is_empty() {
            return Err(problems);
        }
        let is_exec = template == Template::Exec;
        Ok(Order {
            autonomy: self.autonomy.unwrap_or(config.run.autonomy),
            mode: self.mode.unwrap_or(config.policy.mode),
            sandbox: self.sandbox.unwrap_or(config.sandbox.level),
            budget: self.budget(&config.budget.caps()),
            limits: self.limits(&config.run.limits()),
            branch: self.branch.clone().unwrap_or_else(|| project.branch.clone()),
            apply: self.apply.unwrap_or(config.run.apply && !is_exec),
            gates: self.gates.unwrap_or(true),
            attended: self.attended.unwrap_or(!is_exec),
        })
    }

    /// Lays the wishes over an order that was given before.
    pub(in crate::usecase) fn change(&self, spec: &mut RunSpec) -> Result<(), Vec<FieldProblem>> {
        let problems = self.problems(spec.template);
        if !problems.is_empty() {
            return Err(problems);
        }
        spec.autonomy = self.autonomy.unwrap_or(spec.autonomy);
        spec.policy.mode = self.mode.unwrap_or(spec.policy.mode);
        spec.sandbox = self.sandbox.unwrap_or(spec.sandbox);
        spec.budget = self.budget(&spec.budget);
        spec.limits = self.limits(&spec.limits);
        spec.branch = self.branch.clone().unwrap_or_else(|| spec.branch.clone());
        spec.apply_to_checkout = self.apply.unwrap_or(spec.apply_to_checkout);
        spec.gates = self.gates.unwrap_or(spec.gates);
        spec.attended = self.attended.unwrap_or(spec.attended);
        Ok(())
    }

    fn budget(&self, before: &Budget) -> Budget {
        Budget {
            cost_usd_micros: self.cost_usd_micros.unwrap_or(before.cost_usd_micros),
            tokens: self.tokens.unwrap_or(before.tokens),
            turns: self.turns.unwrap_or(before.turns),
            wall_ms: self.wall_ms.unwrap_or(before.wall_ms),
        }
    }

    fn limits(&self, before: &Limits) -> Limits {
        Limits { parallel: self.parallel.unwrap_or(before.parallel), ..before.clone() }
    }

    fn problems(&self, template: Template) -> Vec<FieldProblem> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, message: String| {
            problems.push(FieldProblem { field: field.to_owned(), message });
        };
        if self.parallel.is_some_and(|parallel| !(1..=64).contains(&parallel)) {
            wrong("parallel", "must be 1 to 64".into());
        }
        if self.turns == Some(0) {
            wrong("budget.turns", "must be at least 1".into());
        }
        if self.wall_ms == Some(0) {
            wrong("budget.wall_s", "must be at least 1".into());
        }
        if self.branch.as_deref().is_some_and(|branch| !is_branch(branch)) {
            wrong("branch", "is not the name of a branch".into());
        }
        if self.gates == Some(false) && template == Template::Issue {
            wrong("gates", "can be left out by headless tasks only".into());
        }
        let roles = || ["default"].into_iter().chain(crate::config::section::ROLES);
        for role in self.models.keys().filter(|role| !roles().any(|known| known == role.as_str())) {
            let message = match crate::config::nearest(role, roles()) {
                Some(near) => format!("is not a role; did you mean `{near}`?"),
                None => format!("is not a role; there are {}", roles().collect::<Vec<_>>().join(", ")),
            };
            wrong(&format!("models.{role}"), message);
        }
        problems
    }
}

/// Whether a text can be the name of a branch, by git's own rules (`git check-ref-format --branch`).
fn is_branch(name: &str) -> bool {
    let parts_fit = name.split('/').all(|part| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock")
    });
    let has_bad = name.contains(|letter: char| letter.is_control() || " ~^:?*[\\".contains(letter));
    let bad_words = name.contains("..") || name.contains("@{") || name == "@" || name.starts_with('-');
    parts_fit && !has_bad && !bad_words && name.len() <= 255
}

#[cfg(test)]
mod tests {
    use super::is_branch;

    #[test]
    fn branch_names_follow_gits_rules() {
        for name in ["main", "release/1.2", "topic-1", "日本語"] {
            assert!(is_branch(name), "{name}");
        }
        for name in
            ["", "-x", "a..b", "a b", "/a", "a/", "a//b", ".a", "a.lock", "a~1", "@", "a@{1}", "a\n", "a\\b"]
        {
            assert!(!is_branch(name), "{name}");
        }
    }
}
