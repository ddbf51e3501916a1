//! Runs, as lists show them.

use miyabi_core::id::{ProjectId, RunId};
use miyabi_core::port::journal::RunRow;
use miyabi_core::run::{RunState, Stage};
use miyabi_core::stop::{self, Status, StopKind};
use serde::{Deserialize, Serialize};

use super::{Money, Time};

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The repository it works on.
    pub project_id: ProjectId,
    /// A few words.
    pub title: String,
    /// The issue it solves.
    pub issue: Option<u64>,
    /// The state in one word.
    pub state: Status,
    /// The stage it is in, or ended in.
    pub stage: Option<Stage>,
    /// How it ended.
    pub stop: Option<Stop>,
    /// Questions that wait for a person, by name.
    pub waits_for: Vec<String>,
    /// The pull request.
    pub pull_request: Option<u64>,
    /// What it cost so far.
    pub cost: Money,
    /// Tokens it used.
    pub tokens: u64,
    /// Time in which it worked, in milliseconds.
    pub active_ms: u64,
    /// Whether a script stands in for a model.
    pub is_scripted: bool,
    /// When it was asked for.
    pub created_at: Time,
    /// When something happened last.
    pub updated_at: Time,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Why.
    pub kind: StopKind,
    /// What happened, in one line.
    pub cause: String,
    /// The exit code of a command that followed the run to this end.
    pub exit_code: u8,
}

impl From<&stop::Stop> for Stop {
    fn from(stop: &stop::Stop) -> Self {
        Self { kind: stop.kind, cause: stop.cause.clone(), exit_code: stop.kind.exit_code() }
    }
}

impl From<RunRow> for Run {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.run_id,
            project_id: row.project,
            title: row.title,
            issue: row.issue,
            state: row.status,
            stage: row.stage,
            stop: row.stop.as_ref().map(Stop::from),
            waits_for: row.waits_for,
            pull_request: row.pull_request,
            cost: row.cost_usd_micros.into(),
            tokens: row.tokens,
            active_ms: row.active_ms,
            is_scripted: row.is_scripted,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl From<&RunState> for Run {
    fn from(state: &RunState) -> Self {
        RunRow::of(state).into()
    }
}
