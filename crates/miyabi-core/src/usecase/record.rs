//! Reading a run's state and writing to its journal beside the engine, which writes to the same journal.

use super::{Caller, Error, Runs};
use crate::id::RunId;
use crate::port::journal::{self, RunRow, StoredEvent};
use crate::run::apply::{apply, replay};
use crate::run::event::VERSION;
use crate::run::{Event, EventBody, RunState};

/// How often a write is tried against an engine that keeps writing. Each loss means that the engine went on, so a
/// long series of them is a busy run, not a dead one.
const TRIES: u32 = 32;

/// A run's events and what they add up to.
pub(super) async fn load(
    runs: &Runs,
    caller: &Caller,
    run: RunId,
) -> Result<(Vec<StoredEvent>, RunState), Error> {
    let stored = match runs.journal.load(caller.tenant, run, 0).await {
        Ok(stored) => stored,
        Err(journal::Error::NotFound(_)) => return Err(Error::not_found("run", run)),
        Err(error) => return Err(error.into()),
    };
    if stored.is_empty() {
        return Err(Error::not_found("run", run));
    }
    let seq = stored.first().map_or(0, |stored| stored.event.seq);
    let state = replay(run, stored.iter().map(|stored| &stored.event));
    let state = state.ok_or(journal::Error::Corrupt { run, seq })?;
    Ok((stored, state))
}

/// Writes what `decide` makes of the run's state, again and again until nobody wrote in between. No event means that
/// there is nothing to write.
pub(super) async fn write(
    runs: &Runs,
    caller: &Caller,
    run: RunId,
    decide: impl Fn(&RunState) -> Result<Vec<EventBody>, Error> + Send + Sync,
) -> Result<RunState, Error> {
    let mut last = None;
    for _ in 0..TRIES {
        let (_, mut state) = load(runs, caller, run).await?;
        let bodies = decide(&state)?;
        if bodies.is_empty() {
            return Ok(state);
        }
        let expected = state.seq;
        let at = runs.clock.now();
        let number = (expected + 1..).zip(bodies);
        let events: Vec<Event> =
            number.map(|(seq, body)| Event { v: VERSION, run_id: run, seq, at, body }).collect();
        for event in &events {
            apply(&mut state, event);
        }
        match runs.journal.append(expected, &events, &RunRow::of(&state)).await {
            Ok(()) => return Ok(state),
            Err(error @ journal::Error::Conflict { .. }) => last = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(last.map_or_else(|| Error::not_found("run", run), Error::from))
}
