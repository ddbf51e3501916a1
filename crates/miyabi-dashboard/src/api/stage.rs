//! The six stages of a run.

use miyabi_core::run::spec::Template;
use miyabi_core::run::{RunState, Stage};
use miyabi_core::stop::Status;
use serde::{Deserialize, Serialize};

use super::Time;

/// How a stage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// It has not begun.
    Pending,
    /// Its agent works.
    Running,
    /// It needs a person.
    Waiting,
    /// It is done.
    Succeeded,
    /// The run failed in it.
    Failed,
    /// The run was stopped in it.
    Cancelled,
    /// The run ended before it began.
    Skipped,
}

/// A stage of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageView {
    /// Which one.
    pub stage: Stage,
    /// How it stands.
    pub state: StageState,
    /// How often it was entered.
    pub rounds: u32,
    /// When it was entered first.
    pub entered_at: Option<Time>,
}

impl StageView {
    /// All stages that the run's template has, in their order.
    pub(crate) fn all(state: &RunState) -> Vec<Self> {
        let all: &[Stage] = match state.spec.template {
            Template::Issue => &Stage::ALL,
            Template::Exec => &[Stage::Generate],
        };
        all.iter().map(|stage| Self::new(state, *stage)).collect()
    }

    fn new(state: &RunState, stage: Stage) -> Self {
        let marks = || state.stages.iter().filter(|mark| mark.stage == stage);
        Self {
            stage,
            state: stage_state(state, stage),
            rounds: u32::try_from(marks().count()).unwrap_or(u32::MAX),
            entered_at: marks().next().map(|mark| mark.at.into()),
        }
    }
}

fn stage_state(state: &RunState, stage: Stage) -> StageState {
    let is_entered = state.stages.iter().any(|mark| mark.stage == stage);
    let status = state.status();
    if !is_entered {
        return if status.has_ended() { StageState::Skipped } else { StageState::Pending };
    }
    // A fix takes a run back to an earlier stage; those behind it wait for it again.
    let Some(current) = state.stage() else {
        return StageState::Pending;
    };
    if stage < current {
        return StageState::Succeeded;
    }
    if stage > current {
        return if status.has_ended() { StageState::Skipped } else { StageState::Pending };
    }
    match status {
        Status::Queued => StageState::Pending,
        Status::Running => StageState::Running,
        Status::Waiting => StageState::Waiting,
        Status::Succeeded => StageState::Succeeded,
        Status::Failed => StageState::Failed,
        Status::Cancelled => StageState::Cancelled,
    }
}
