//! What is asked and in which tasks it is done.

use miyabi_core::plan::Task;
use miyabi_core::run::event::FixCause;
use miyabi_core::run::planned::{plan_of, task_of};
use miyabi_core::run::step::SessionKey;
use miyabi_core::run::{RunState, Step, StepValue};
use miyabi_core::triage::{self, IssueKind, Risk, Size};
use serde::{Deserialize, Serialize};

/// What the Issue agent found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triage {
    /// What the issue asks for.
    pub kind: IssueKind,
    /// Parts of the project it is about.
    pub areas: Vec<String>,
    /// How large the change will be.
    pub size: Size,
    /// What can go wrong.
    pub risk: Risk,
    /// What must hold for the issue to be solved, and whether that was proven; `null` while nobody knows.
    pub acceptance: Vec<Acceptance>,
    /// Questions without whose answers the work can't begin.
    pub missing: Vec<String>,
    /// Issues that ask for the same.
    pub duplicates: Vec<u64>,
    /// How sure the agent is of what it is least sure of, in percent.
    pub confidence_percent: u8,
}

/// Something that must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// What.
    pub text: String,
    /// Whether its proof held the last time it was run.
    pub is_proven: Option<bool>,
}

impl Triage {
    pub(crate) fn new(state: &RunState, triage: &triage::Triage) -> Self {
        let acceptance = triage.acceptance.iter().enumerate().map(|(index, text)| Acceptance {
            text: text.clone(),
            is_proven: state.proofs.get(&index).copied(),
        });
        Self {
            kind: triage.kind,
            areas: triage.areas.clone(),
            size: triage.size,
            risk: triage.risk,
            acceptance: acceptance.collect(),
            missing: triage.missing.clone(),
            duplicates: triage.duplicates.clone(),
            confidence_percent: triage.confidence.lowest().1,
        }
    }
}

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It waits for others, or for its turn.
    Pending,
    /// CodeGen works on it, or its change is checked.
    Running,
    /// Its change is part of the run's.
    Integrated,
    /// The run ended before it was done.
    Unfinished,
}

/// A task of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskView {
    /// Its name within the run.
    pub key: String,
    /// A few words.
    pub title: String,
    /// What must be true when it is done.
    pub goal: String,
    /// Globs of the files it may change.
    pub touches: Vec<String>,
    /// Tasks that come before it.
    pub depends_on: Vec<String>,
    /// Its share of the budget, in percent.
    pub budget_percent: u8,
    /// Why it was added after planning: `review`, `person` or `branch`.
    pub added_for: Option<String>,
    /// How it stands.
    pub state: TaskState,
    /// Answers of the model that worked on it.
    pub turns: u32,
    /// The run's head with its change; `null` while it has none.
    pub commit: Option<String>,
    /// Files it changed.
    pub files: u32,
    /// Lines it added.
    pub added: u32,
    /// Lines it removed.
    pub removed: u32,
}

impl TaskView {
    /// All tasks, those of the plan first.
    pub(crate) fn all(state: &RunState) -> Vec<Self> {
        let planned = plan_of(state).map(|plan| plan.tasks).unwrap_or_default();
        let added = state
            .added
            .iter()
            .filter_map(|(task, cause)| Some(Self::new(state, &task_of(state, &task.key)?, Some(cause))));
        planned.iter().map(|task| Self::new(state, task, None)).chain(added).collect()
    }

    fn new(state: &RunState, task: &Task, cause: Option<&FixCause>) -> Self {
        let key = &task.key;
        let session = state.sessions.get(&SessionKey::Generate { task: key.clone() });
        let committed = state.ended.iter().rev().find_map(|(step, ended)| match (step, &ended.result) {
            (Step::Commit { task: of, .. }, Ok(StepValue::Committed(committed))) if of == key => {
                Some(committed)
            }
            _ => None,
        });
        let integrated = state.integrated.iter().find(|integrated| integrated.task == *key);
        let has_begun = state.open.keys().chain(state.ended.keys()).any(|step| step.task() == Some(key));
        let task_state = match (integrated.is_some(), state.stop.is_some(), has_begun) {
            (true, _, _) => TaskState::Integrated,
            (false, true, _) => TaskState::Unfinished,
            (false, false, true) => TaskState::Running,
            (false, false, false) => TaskState::Pending,
        };
        let added_for = cause.map(|cause| match cause {
            FixCause::Review { .. } => "review",
            FixCause::Person { .. } => "person",
            FixCause::Branch { .. } => "branch",
        });
        Self {
            key: key.to_string(),
            title: task.title.clone(),
            goal: task.goal.clone(),
            touches: task.touches.clone(),
            depends_on: task.depends_on.iter().map(ToString::to_string).collect(),
            budget_percent: task.budget_percent,
            added_for: added_for.map(str::to_owned),
            state: task_state,
            turns: session.map_or(0, |session| session.turn),
            commit: integrated.and_then(|integrated| integrated.commit.clone()),
            files: committed.map_or(0, |committed| committed.files),
            added: committed.map_or(0, |committed| committed.added),
            removed: committed.map_or(0, |committed| committed.removed),
        }
    }
}
