//! What a stage came to, in a few words; what a run is doing now, in a few more.

use miyabi_core::gate::{Gate, Verdict};
use miyabi_core::run::event::FixCause;
use miyabi_core::run::planned::{plan_of, triage_of};
use miyabi_core::run::review::review_of;
use miyabi_core::run::state::StageMark;
use miyabi_core::run::step::{GateTarget, HealthPhase, SessionKey};
use miyabi_core::run::{RunState, Stage, Step, StepValue};

use crate::terminal::Lang;

/// A stage's name for people.
pub(crate) fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Issue => "Issue",
        Stage::Coordinate => "Coordinate",
        Stage::Generate => "Generate",
        Stage::Review => "Review",
        Stage::PullRequest => "Pull request",
        Stage::Deploy => "Deploy",
    }
}

/// What a stage came to.
pub(crate) fn outcome(state: &RunState, mark: &StageMark, lang: Lang) -> String {
    match mark.stage {
        Stage::Issue => triage_of(state).map_or_else(String::new, |triage| {
            lang.triaged(triage.kind.as_str(), triage.size.as_str(), triage.acceptance.len())
        }),
        Stage::Coordinate => plan_of(state).map_or_else(String::new, |plan| lang.planned(plan.tasks.len())),
        Stage::Generate => generated(state, lang),
        Stage::Review => reviewed(state, mark.round, lang),
        Stage::PullRequest => match (state.pull_request(), state.merged_commit()) {
            (Some((number, _)), Some(commit)) => lang.merged(number, short(commit)),
            (Some((number, _)), None) => lang.opened(number),
            _ => state.added.last().map_or_else(String::new, |(_, cause)| fix(cause, lang)),
        },
        Stage::Deploy => deployed(state, lang),
    }
}

/// The most that a commit's name is shown of.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

fn fix(cause: &FixCause, lang: Lang) -> String {
    match cause {
        FixCause::Review { .. } => lang.back_after_review(),
        FixCause::Person { .. } => lang.back_at_wish(),
        FixCause::Branch { .. } => lang.back_for_branch(),
    }
}

fn generated(state: &RunState, lang: Lang) -> String {
    let mut total = (0u32, 0u32, 0u32);
    for integrated in &state.integrated {
        let commit = state.ended.iter().rev().find_map(|(step, ended)| match (step, &ended.result) {
            (Step::Commit { task, .. }, Ok(StepValue::Committed(committed))) if *task == integrated.task => {
                Some(committed)
            }
            _ => None,
        });
        if let Some(commit) = commit {
            total.0 += commit.files;
            total.1 += commit.added;
            total.2 += commit.removed;
        }
    }
    lang.changed(total.0, total.1, total.2)
}

fn reviewed(state: &RunState, round: u32, lang: Lang) -> String {
    let review =
        state.head().zip(triage_of(state)).and_then(|(head, triage)| review_of(state, &triage, round, head));
    review.map_or_else(String::new, |review| lang.reviewed(review.score, review.findings.len()))
}

fn deployed(state: &RunState, lang: Lang) -> String {
    if let Some(Ok(_)) = state.ended.get(&Step::Rollback).map(|ended| &ended.result) {
        return lang.taken_back();
    }
    let url = match state.value(&Step::Activate) {
        Some(StepValue::Activated { url }) => url.as_deref(),
        _ => None,
    };
    let is_healthy = match state.value(&Step::CheckHealth { phase: HealthPhase::Watch }) {
        Some(StepValue::Health(health)) => health.healthy,
        _ => false,
    };
    match (url, is_healthy, state.value(&Step::Build)) {
        (Some(url), true, _) => lang.healthy(url),
        (Some(url), false, _) => url.to_owned(),
        (None, _, Some(StepValue::Built { release: None, .. })) => lang.nothing_to_deploy(),
        _ => String::new(),
    }
}

/// What is being done at this moment.
pub(crate) fn now(state: &RunState, lang: Lang) -> String {
    let mut running: Vec<String> = state
        .open
        .iter()
        .filter(|(_, open)| open.retry_at.is_none())
        .map(|(step, _)| describe(state, step, lang))
        .collect();
    running.dedup();
    let retry = state.open.values().find(|open| open.retry_at.is_some());
    match (running.len(), retry) {
        (0, Some(open)) => lang.tries_again(open.attempt + 1),
        (0..=2, _) => running.join(", "),
        (count, _) => format!("{}, {}", running[..2].join(", "), lang.and_more(count - 2)),
    }
}

fn describe(state: &RunState, step: &Step, lang: Lang) -> String {
    let of = |task: &dyn std::fmt::Display, what: String| format!("{task}: {what}");
    match step {
        Step::Ask { session: SessionKey::Generate { task }, .. } => of(task, lang.thinks()),
        Step::Ask { .. } | Step::Compact { .. } => lang.thinks(),
        Step::Call { session, index, .. } => {
            let open = state.sessions.get(session).and_then(|session| session.calls.get(*index as usize));
            let tool = open.map_or_else(|| "tool".to_owned(), |open| open.call.tool.clone());
            match session {
                SessionKey::Generate { task } => of(task, tool),
                _ => tool,
            }
        }
        Step::Gates { target: GateTarget::Task { task, .. } | GateTarget::Integration { task, .. } } => {
            of(task, lang.runs_gates())
        }
        Step::Gates { .. } => lang.runs_gates(),
        Step::SetUp { task } => of(task, lang.sets_up()),
        Step::Checkout { task } | Step::Commit { task, .. } | Step::Integrate { task, .. } => {
            let name = step.to_string();
            of(task, name.rsplit('/').next().unwrap_or_default().to_owned())
        }
        Step::Build => lang.builds(),
        Step::CheckHealth { .. } => lang.watches(),
        other => other.to_string().rsplit('/').next().unwrap_or_default().replace('_', " "),
    }
}

/// The gates that did not pass when a run ended on them, one line each.
pub(crate) fn red_gates(state: &RunState) -> Vec<String> {
    let report = state.ended.iter().rev().find_map(|(_, ended)| match &ended.result {
        Ok(StepValue::Gated(report)) if report.verdict() == Verdict::Fail => Some(report),
        _ => None,
    });
    let red = report.into_iter().flat_map(|report| report.with_verdict(Verdict::Fail));
    red.map(|result| format!("{}: {}", Gate::as_str(result.gate), result.detail)).collect()
}
