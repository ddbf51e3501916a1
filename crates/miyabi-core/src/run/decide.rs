//! What a run's state calls for. No input, no output, no clock, no chance: equal states give equal commands.

use super::event::EventBody;
use super::flow::{Flow, Pause};
use super::state::RunState;
use super::step::Step;
use crate::budget::{Admission, Cap, Reserve};
use crate::stop::{Stop, StopKind};
use crate::time::Timestamp;

/// The used share of a cap at which the agents are told, in percent.
const WARN_PERCENT: u64 = 80;

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Write this event, then ask again.
    Record(EventBody),
    /// Write the step's intent, perform it, write its result.
    Start {
        /// The step.
        step: Step,
        /// Which try, counted from 1.
        attempt: u32,
        /// Not before this time.
        not_before: Option<Timestamp>,
    },
    /// End all steps that run; their results are not waited for.
    CancelOpen,
}

/// What this state calls for. Commands that are carried out already are not repeated; a caller that performs all of
/// them and folds the results in comes to the run's end.
pub fn decide(state: &RunState) -> Vec<Command> {
    if state.stop.is_some() {
        return Vec::new();
    }
    if let Some(stop) = halt(state) {
        return end(state, stop);
    }
    if !state.is_started {
        return Vec::new();
    }
    let percent = state.ledger.used_percent(&state.spec.budget);
    if !state.is_warned && percent >= WARN_PERCENT {
        return vec![Command::Record(EventBody::BudgetWarned { percent })];
    }
    let mut flow = Flow::new(state);
    match flow.run() {
        Ok(()) => end(state, Stop::new(StopKind::Done, "all stages are done")),
        Err(Pause::Stop(stop)) => end(state, stop),
        Err(Pause::Pending) => flow.into_commands(),
    }
}

/// Whether a model call with this worst case may begin.
pub fn admit(state: &RunState, reserve: &Reserve) -> Admission {
    state.ledger.admit(&state.spec.budget, reserve)
}

fn halt(state: &RunState) -> Option<Stop> {
    let budget = &state.spec.budget;
    if let Some(by) = &state.cancelled_by {
        return Some(Stop::new(StopKind::Cancelled, format!("stopped by {}", by.name)));
    }
    if state.is_overdue {
        let cause = format!("worked for {} s, the limit; the work so far is kept", budget.wall_ms / 1000);
        return Some(Stop::new(StopKind::TimeLimit, cause));
    }
    state.exceeded.map(|cap| match cap {
        Cap::Cost => {
            let cause = format!(
                "spent {} of {}; the work so far is kept",
                state.ledger.spent, budget.cost_usd_micros
            );
            Stop::new(StopKind::BudgetExhausted, cause)
        }
        Cap::Tokens => {
            let cause =
                format!("used {} of {} tokens; the work so far is kept", state.ledger.tokens, budget.tokens);
            Stop::new(StopKind::TokenLimit, cause)
        }
    })
}

fn end(state: &RunState, stop: Stop) -> Vec<Command> {
    let runs = state.open.values().any(|open| open.retry_at.is_none());
    if runs { vec![Command::CancelOpen] } else { vec![Command::Record(EventBody::RunEnded { stop })] }
}
