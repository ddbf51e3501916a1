//! What a run's triage and plan are, wherever they came from.

use super::spec::Template;
use super::state::RunState;
use super::step::{SessionKey, Step};
use super::value::{Judgement, StepValue};
use crate::plan::{Plan, Task, TaskKey};
use crate::triage::{Confidence, IssueKind, Risk, Size, Triage};

/// The run's triage, once there is one.
pub fn triage_of(state: &RunState) -> Option<Triage> {
    if state.spec.template == Template::Exec {
        return Some(single_task(&state.spec.title).0);
    }
    if let Some(StepValue::Planned { triage, .. }) = state.value(&Step::PlanByRules) {
        return Some(triage.clone());
    }
    match state.sessions.get(&SessionKey::Issue)?.accepted.as_ref()? {
        Judgement::Triage(triage) => Some(triage.clone()),
        _ => None,
    }
}

/// The run's plan without the tasks that were added later, once there is one.
pub fn plan_of(state: &RunState) -> Option<Plan> {
    if state.spec.template == Template::Exec {
        return Some(single_task(&state.spec.title).1);
    }
    if let Some(StepValue::Planned { plan, .. }) = state.value(&Step::PlanByRules) {
        return Some(plan.clone());
    }
    match state.sessions.get(&SessionKey::Coordinate)?.accepted.as_ref()? {
        Judgement::Plan(plan) => Some(plan.clone()),
        _ => None,
    }
}

/// A task of the run, planned or added.
pub fn task_of(state: &RunState, key: &TaskKey) -> Option<Task> {
    let added = state.added.iter().map(|(task, _)| task).find(|task| task.key == *key);
    added.cloned().or_else(|| plan_of(state)?.tasks.into_iter().find(|task| task.key == *key))
}

/// A headless task needs no planner.
pub(crate) fn single_task(title: &str) -> (Triage, Plan) {
    let sure = Confidence { kind: 100, size: 100, acceptance: 100, risk: 100 };
    let triage = Triage {
        kind: IssueKind::Chore,
        areas: Vec::new(),
        size: Size::Small,
        acceptance: Vec::new(),
        duplicates: Vec::new(),
        missing: Vec::new(),
        risk: Risk::Low,
        confidence: sure,
        runnable: true,
    };
    let task = Task {
        key: TaskKey("t1".into()),
        title: title.to_owned(),
        goal: title.to_owned(),
        touches: vec!["**".into()],
        depends_on: Vec::new(),
        covers: Vec::new(),
        budget_percent: 100,
    };
    (triage, Plan { tasks: vec![task] })
}
