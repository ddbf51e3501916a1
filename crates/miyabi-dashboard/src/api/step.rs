//! Steps of a run, one entry per try, in the order in which they began.

use std::collections::BTreeMap;

use miyabi_core::digest::Digest;
use miyabi_core::error::{self, ErrorCode};
use miyabi_core::run::step::SessionKey;
use miyabi_core::run::value::{CallRef, Candidate};
use miyabi_core::run::{Effect, Stage, Step, StepValue};
use miyabi_core::usecase::run::{RunDetail, StepOutcome, StepRecord};
use serde::{Deserialize, Serialize};

use super::{Money, Time};

/// How a try of a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It is being performed.
    Running,
    /// It was performed.
    Succeeded,
    /// It failed.
    Failed,
    /// The process ended while it was open.
    Lost,
    /// The run ended while it was open.
    Cancelled,
}

/// Why a try failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable name.
    pub code: ErrorCode,
    /// What happened.
    pub message: String,
}

impl From<&error::Failure> for Failure {
    fn from(failure: &error::Failure) -> Self {
        Self { code: failure.code, message: failure.message.clone() }
    }
}

/// Some stored content that a step named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRef {
    /// What it is: `answer`, `arguments`, `result`, `log`, `diff`, `snapshot`, `summary`.
    pub name: String,
    /// Its content.
    pub digest: Digest,
}

/// One try of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// The step's name within the run: `generate/t1/turn/3/call/0`.
    pub name: String,
    /// Which try, counted from 1.
    pub attempt: u32,
    /// The stage it belongs to.
    pub stage: Stage,
    /// The task it works on.
    pub task: Option<String>,
    /// What may be done about it after a crash.
    pub effect: Effect,
    /// How it stands.
    pub state: StepState,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// What came of it, in one line.
    pub summary: Option<String>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// When it is tried again.
    pub retry_at: Option<Time>,
    /// The tool that was called.
    pub tool: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens that the answer used, input and output.
    pub tokens: u64,
    /// What that cost.
    pub cost: Money,
    /// Contents that it named.
    pub artifacts: Vec<ArtifactRef>,
}

/// A call's place: the conversation, the answer, the number within it.
type CallPlace = (SessionKey, u32, u32);

impl StepView {
    /// All steps of a run.
    pub(crate) fn all(detail: &RunDetail) -> Vec<Self> {
        let mut calls: BTreeMap<CallPlace, &CallRef> = BTreeMap::new();
        for record in &detail.steps {
            if let (Step::Ask { session, turn }, StepOutcome::Finished(value)) =
                (&record.step, &record.outcome)
                && let StepValue::Turn(answer) = value.as_ref()
            {
                let numbered = (0..).zip(&answer.calls);
                calls.extend(numbered.map(|(index, call)| ((session.clone(), *turn, index), call)));
            }
        }
        detail.steps.iter().map(|record| Self::new(record, &calls)).collect()
    }

    fn new(record: &StepRecord, calls: &BTreeMap<CallPlace, &CallRef>) -> Self {
        let call = match &record.step {
            Step::Call { session, turn, index } => calls.get(&(session.clone(), *turn, *index)),
            _ => None,
        };
        let (mut failure, mut retry_at, mut value) = (None, None, None);
        let state = match &record.outcome {
            StepOutcome::Running => StepState::Running,
            StepOutcome::Finished(finished) => {
                value = Some(finished.as_ref());
                StepState::Succeeded
            }
            StepOutcome::Failed { failure: why, retry_at: at } => {
                failure = Some(Failure::from(why));
                retry_at = *at;
                StepState::Failed
            }
            StepOutcome::Lost => StepState::Lost,
            StepOutcome::Cancelled => StepState::Cancelled,
        };
        let spent = record.spent();
        let named = call.map(|call| ("arguments", call.arguments));
        let artifacts = named.into_iter().chain(value.map(contents).unwrap_or_default());
        Self {
            name: record.step.to_string(),
            attempt: record.attempt,
            stage: record.step.stage(),
            task: record.step.task().map(ToString::to_string),
            effect: record.effect,
            state,
            started_at: record.started_at.into(),
            ended_at: record.ended_at.map(Time::from),
            duration_ms: record.ended_at.map(|at| at.millis_since(record.started_at)),
            summary: value.and_then(summary),
            failure,
            retry_at: retry_at.map(Time::from),
            tool: call.map(|call| call.tool.clone()),
            model: spent.map(|spent| spent.model.0.clone()),
            tokens: spent.map_or(0, |spent| spent.usage.input_tokens + spent.usage.output_tokens),
            cost: spent.map(|spent| spent.cost_usd_micros).unwrap_or_default().into(),
            artifacts: artifacts
                .map(|(name, digest)| ArtifactRef { name: name.to_owned(), digest })
                .collect(),
        }
    }
}

/// The contents that a step's value names.
pub(super) fn contents(value: &StepValue) -> Vec<(&'static str, Digest)> {
    let logs = |evidence: &[miyabi_core::gate::Evidence]| {
        evidence.iter().map(|evidence| ("log", evidence.log)).collect::<Vec<_>>()
    };
    match value {
        StepValue::Opened(opened) => vec![("instructions", opened.instructions)],
        StepValue::Turn(turn) => {
            let opening = turn.opening.as_ref().map(|opening| ("opening", opening.digest));
            opening.into_iter().chain([("answer", turn.answer)]).collect()
        }
        StepValue::Called(called) => {
            let snapshot = called.snapshot.map(|snapshot| ("snapshot", snapshot));
            [("result", called.result)].into_iter().chain(snapshot).collect()
        }
        StepValue::Compacted { summary, .. } => vec![("summary", *summary)],
        StepValue::CheckedOut { snapshot, .. } | StepValue::Refreshed { snapshot, .. } => {
            vec![("snapshot", *snapshot)]
        }
        StepValue::Ran { evidence, snapshot } => {
            logs(evidence).into_iter().chain([("snapshot", *snapshot)]).collect()
        }
        StepValue::Gated(report) => {
            let evidence = report.results.iter().flat_map(|result| &result.evidence);
            evidence.map(|evidence| ("log", evidence.log)).collect()
        }
        StepValue::Analysed { diff, .. } => vec![("diff", *diff)],
        StepValue::Built { evidence, .. } => logs(evidence),
        _ => Vec::new(),
    }
}

/// A step's value in one line; `None` where there is nothing to tell.
pub(super) fn summary(value: &StepValue) -> Option<String> {
    let short = |commit: &str| commit.get(..12).unwrap_or(commit).to_owned();
    Some(match value {
        StepValue::Opened(opened) => format!("at {}", short(&opened.base)),
        StepValue::Planned { plan, .. } => count(plan.tasks.len(), "task"),
        StepValue::Turn(turn) if turn.calls.is_empty() => return None,
        StepValue::Turn(turn) => {
            let tools: Vec<_> = turn.calls.iter().map(|call| call.tool.as_str()).collect();
            format!("calls {}", tools.join(", "))
        }
        StepValue::Called(called) if called.is_error => "the tool failed".into(),
        StepValue::Ran { evidence, .. } => count(evidence.len(), "command"),
        StepValue::Committed(committed) => match &committed.commit {
            Some(commit) => format!(
                "{}: {}, +{} −{}",
                short(commit),
                count(committed.files as usize, "file"),
                committed.added,
                committed.removed
            ),
            None => "nothing changed".into(),
        },
        StepValue::Gated(report) => {
            let red = report.results.iter().find(|result| result.verdict != miyabi_core::gate::Verdict::Pass);
            match red {
                Some(result) => format!("{}: {}", result.gate.as_str(), result.detail),
                None => format!("{} passed", count(report.results.len(), "gate")),
            }
        }
        StepValue::Candidate(Candidate::Conflict { files, .. }) => {
            format!("conflicts in {}", files.join(", "))
        }
        StepValue::Refreshed { conflicts, .. } => count(conflicts.len(), "conflict"),
        StepValue::Analysed { findings, .. } => count(findings.len(), "finding"),
        StepValue::PullRequest { number, .. } => format!("#{number}"),
        StepValue::Candidate(Candidate::Clean { commit, .. })
        | StepValue::Merged { commit: Some(commit) } => short(commit),
        StepValue::Merged { commit: None } => "the branch had moved".into(),
        StepValue::Applied { skipped } => skipped.clone().unwrap_or_else(|| "applied".into()),
        StepValue::Built { release, .. } => release.clone().unwrap_or_else(|| "nothing to deploy".into()),
        StepValue::Previous { release } => release.clone().unwrap_or_else(|| "none before".into()),
        StepValue::Activated { url } => url.clone().unwrap_or_else(|| "active".into()),
        StepValue::Health(health) => health.detail.clone(),
        StepValue::Called(_)
        | StepValue::Compacted { .. }
        | StepValue::CheckedOut { .. }
        | StepValue::Done => {
            return None;
        }
    })
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
