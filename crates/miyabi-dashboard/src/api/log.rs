//! A run's journal as lines for people. Programs read the events themselves.

use std::collections::BTreeMap;

use miyabi_core::digest::Digest;
use miyabi_core::port::journal::StoredEvent;
use miyabi_core::run::event::{ApprovalSubject, Decision, FixCause};
use miyabi_core::run::step::SessionKey;
use miyabi_core::run::{EventBody, Stage, Step, StepValue};
use serde::{Deserialize, Serialize};

use super::step::{contents, summary};
use super::{ArtifactRef, Time};

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Every step.
    Debug,
    /// Changes of state, and steps with a result worth knowing.
    Info,
    /// Something failed and was coped with, or a person is needed.
    Warn,
    /// Something failed for good.
    Error,
}

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The event's place in the run's journal.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// How much it matters.
    pub level: LogLevel,
    /// The event's kind.
    pub kind: String,
    /// The stage it belongs to.
    pub stage: Option<Stage>,
    /// The task it belongs to.
    pub task: Option<String>,
    /// The step it is about.
    pub step: Option<String>,
    /// The agent that worked: `issue`, `coordinator`, `codegen`, `review`, `pr`, `deployment`.
    pub agent: Option<String>,
    /// What happened, in one line.
    pub message: String,
    /// Contents that it names.
    pub artifacts: Vec<ArtifactRef>,
}

impl LogLine {
    /// A run's events from its beginning as lines. Names of tools are known from the answers that asked for them.
    pub(crate) fn all(events: &[StoredEvent]) -> Vec<Self> {
        let mut tools = BTreeMap::new();
        events.iter().map(|stored| Self::new(stored, &mut tools)).collect()
    }

    fn new(stored: &StoredEvent, tools: &mut BTreeMap<(SessionKey, u32, u32), String>) -> Self {
        let (event, body) = (&stored.event, &stored.event.body);
        note_tools(body, tools);
        let step = body.step();
        let stage = match body {
            EventBody::StageEntered { stage, .. } => Some(*stage),
            _ => step.map(Step::stage),
        };
        let (level, message) = words(body, tools);
        let artifacts =
            named(body).into_iter().map(|(name, digest)| ArtifactRef { name: name.into(), digest });
        Self {
            seq: event.seq,
            at: event.at.into(),
            level,
            kind: body.kind().to_owned(),
            stage,
            task: step.and_then(Step::task).map(ToString::to_string),
            step: step.map(ToString::to_string),
            agent: step.and_then(session).map(|session| session.role().to_owned()),
            message,
            artifacts: artifacts.collect(),
        }
    }
}

fn session(step: &Step) -> Option<&SessionKey> {
    match step {
        Step::Ask { session, .. } | Step::Call { session, .. } | Step::Compact { session, .. } => {
            Some(session)
        }
        _ => None,
    }
}

fn note_tools(body: &EventBody, tools: &mut BTreeMap<(SessionKey, u32, u32), String>) {
    if let EventBody::StepFinished { step: Step::Ask { session, turn }, value, .. } = body
        && let StepValue::Turn(answer) = value.as_ref()
    {
        let numbered = (0..).zip(&answer.calls);
        tools.extend(numbered.map(|(index, call)| ((session.clone(), *turn, index), call.tool.clone())));
    }
}

/// The contents that an event names.
fn named(body: &EventBody) -> Vec<(&'static str, Digest)> {
    match body {
        EventBody::StepFinished { value, .. } => contents(value),
        EventBody::RunCreated { spec } => vec![("text", spec.text)],
        EventBody::Steered { text, .. } => vec![("text", *text)],
        EventBody::ApprovalDecided { note: Some(note), .. } => vec![("note", *note)],
        _ => Vec::new(),
    }
}

fn words(body: &EventBody, tools: &BTreeMap<(SessionKey, u32, u32), String>) -> (LogLevel, String) {
    use LogLevel::{Debug, Error, Info, Warn};
    let again = |attempt: u32| if attempt > 1 { format!(", try {attempt}") } else { String::new() };
    match body {
        EventBody::RunCreated { spec } => (Info, format!("asked for: {}", spec.title)),
        EventBody::RunStarted => (Info, "a worker took it up".into()),
        EventBody::StageEntered { stage, round: 0 } => (Info, format!("stage {} begins", stage.as_str())),
        EventBody::StageEntered { stage, round } => {
            (Info, format!("stage {} begins again, round {round}", stage.as_str()))
        }
        EventBody::StepStarted { step, attempt, .. } => {
            (Debug, format!("{} begins{}", title(step, tools), again(*attempt)))
        }
        EventBody::StepFinished { step, value, .. } => {
            let level = if matches!(step, Step::Ask { .. } | Step::Call { .. }) { Debug } else { Info };
            (
                level,
                match summary(value) {
                    Some(summary) => format!("{}: {summary}", title(step, tools)),
                    None => format!("{}: done", title(step, tools)),
                },
            )
        }
        EventBody::StepFailed { step, failure, retry_at: Some(_), .. } => {
            (Warn, format!("{} failed and is tried again: {}", title(step, tools), failure.message))
        }
        EventBody::StepFailed { step, failure, .. } => {
            (Error, format!("{} failed: {}", title(step, tools), failure.message))
        }
        EventBody::StepLost { step, .. } => {
            (Warn, format!("{}: the process ended while it was open", title(step, tools)))
        }
        EventBody::CallRefused { step, reason } => {
            (Warn, format!("{} was refused: {reason}", title(step, tools)))
        }
        EventBody::OutputMasked { session, .. } => {
            (Debug, format!("old tool output of {session} is left out from now on"))
        }
        EventBody::TaskAdded { task, cause } => {
            let why = match cause {
                FixCause::Review { .. } => "after review",
                FixCause::Person { .. } => "at a person's wish",
                FixCause::Branch { .. } => "because the branch moved",
            };
            (Info, format!("task {} was added {why}: {}", task.key, task.title))
        }
        EventBody::ApprovalRequested { request, .. } => {
            let what = match &request.subject {
                ApprovalSubject::Question { text, .. } => format!("asks: {text}"),
                _ => format!("asks a person: {}", request.reason),
            };
            (Warn, what)
        }
        EventBody::ApprovalDecided { approval, decision, by, .. } => {
            let word = match decision {
                Decision::Approved => "approved",
                Decision::ChangesRequested => "wants changes to",
                Decision::Rejected => "rejected",
            };
            (Info, format!("{} {word} {approval}", by.name))
        }
        EventBody::Steered { by, .. } => (Info, format!("{} guides the agents", by.name)),
        EventBody::BudgetWarned { percent } => (Warn, format!("{percent} % of the budget is used")),
        EventBody::BudgetExceeded { .. } => (Error, "the budget is used up".into()),
        EventBody::DeadlinePassed => (Error, "the time is used up".into()),
        EventBody::CancelRequested { by } => (Info, format!("{} wants it to stop", by.name)),
        EventBody::RunEnded { stop } => {
            let level = if stop.kind.exit_code() == 0 { Info } else { Error };
            (level, format!("ended as {}: {}", stop.kind.as_str(), stop.cause))
        }
    }
}

/// A step as people read it: calls by their tool, all others by their name.
fn title(step: &Step, tools: &BTreeMap<(SessionKey, u32, u32), String>) -> String {
    let tool = match step {
        Step::Call { session, turn, index } => tools.get(&(session.clone(), *turn, *index)),
        _ => None,
    };
    tool.map_or_else(|| step.to_string(), |tool| format!("{tool} ({step})"))
}
