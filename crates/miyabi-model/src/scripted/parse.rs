//! Reads scripts and finds what is wrong with them, all problems at once and each with its place.

use std::fmt;

use globset::GlobBuilder;
use serde_json::Value;

use super::rule::{Rule, Script, ScriptedAnswer, ScriptedError};

/// A script is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The text is no TOML or JSON, or has a field of another type or name.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// The rules don't make sense.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Rules(Vec<ScriptProblem>),
}

/// One thing that is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptProblem {
    /// The rule's number, from 1; 0 for the script as a whole.
    pub rule: usize,
    /// The rule's name, if it has one.
    pub name: Option<String>,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for ScriptProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.rule, &self.name) {
            (0, _) => write!(f, "{}", self.problem),
            (rule, Some(name)) => write!(f, "rule {rule} (`{name}`): {}", self.problem),
            (rule, None) => write!(f, "rule {rule}: {}", self.problem),
        }
    }
}

impl Script {
    /// Reads a script in JSON (when it begins with a brace) or TOML, and checks it.
    ///
    /// # Errors
    /// The first error of syntax, or everything that is wrong with the rules.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let script: Self = if text.trim_start().starts_with('{') {
            serde_json::from_str(text)
                .map_err(|error| ScriptError::Syntax { line: error.line(), message: error.to_string() })?
        } else {
            toml::from_str(text).map_err(|error| {
                let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
                let line = before.matches('\n').count() + 1;
                ScriptError::Syntax { line, message: error.message().to_owned() }
            })?
        };
        script.check()?;
        Ok(script)
    }

    /// Checks a script that was put together in code.
    ///
    /// # Errors
    /// Everything that is wrong with the rules.
    pub fn check(&self) -> Result<(), ScriptError> {
        let mut problems = Vec::new();
        if self.rules.is_empty() {
            problems.push(ScriptProblem {
                rule: 0,
                name: None,
                problem: "the script has no rules".to_owned(),
            });
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let found = check_rule(rule);
            let name = || rule.name.clone();
            problems.extend(found.into_iter().map(|problem| ScriptProblem {
                rule: index + 1,
                name: name(),
                problem,
            }));
        }
        if problems.is_empty() { Ok(()) } else { Err(ScriptError::Rules(problems)) }
    }
}

fn check_rule(rule: &Rule) -> Vec<String> {
    let mut problems = Vec::new();
    if rule.answer.is_some() != rule.answers.is_empty() {
        problems.push("needs either `answer` or `answers`".to_owned());
    }
    if rule.times.is_some() && !rule.answers.is_empty() {
        problems.push("`times` says nothing beside `answers`, each of which is given once".to_owned());
    }
    if rule.times == Some(0) {
        problems.push("`times = 0` never answers".to_owned());
    }
    if rule.when.turn == Some(0) {
        problems.push("turns count from 1".to_owned());
    }
    if let Some(glob) = &rule.when.session
        && let Err(error) = GlobBuilder::new(glob).literal_separator(true).build()
    {
        problems.push(format!("`when.session` is no glob: {}", error.kind()));
    }
    problems.extend(rule.answer.iter().chain(&rule.answers).flat_map(check_answer));
    problems
}

fn check_answer(answer: &ScriptedAnswer) -> Vec<String> {
    let mut problems = Vec::new();
    if answer.text.is_some() && answer.json.is_some() {
        problems.push("an answer has `text` or `json`, not both".to_owned());
    }
    let says = answer.text.is_some() || answer.json.is_some() || !answer.tool_calls.is_empty();
    match &answer.error {
        Some(_) if says => problems.push("an answer with `error` says nothing else".to_owned()),
        None if !says => problems.push("an answer needs `text`, `json`, `tool_calls` or `error`".to_owned()),
        Some(error) if error.status.is_some() == error.kind.is_some() => {
            problems.push("an `error` has either `status` or `kind`".to_owned());
        }
        Some(ScriptedError { status: Some(status), .. }) if !(400..600).contains(status) => {
            problems.push(format!("`error.status` is {status}, not from 400 to 599"));
        }
        _ => {}
    }
    for call in &answer.tool_calls {
        if call.name.is_empty() {
            problems.push("a tool call has no name".to_owned());
        }
        match (&call.arguments, &call.broken) {
            (Some(_), Some(_)) => {
                problems.push("a tool call has `arguments` or `broken`, not both".to_owned());
            }
            (Some(Value::Object(_)) | None, _) => {}
            (Some(_), None) => problems.push("the `arguments` of a tool call are a table".to_owned()),
        }
        let broken = call.broken.as_deref();
        if broken.is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()) {
            problems.push("`broken` arguments must not be JSON".to_owned());
        }
    }
    problems
}
