//! Stop a run. What it did so far is kept.

use super::{Act, Caller, Error, Runs, may, record};
use crate::id::RunId;
use crate::run::{EventBody, RunState};

/// Asks a run to stop; asking twice is the same as once.
///
/// # Errors
/// [`Error::RunEnded`] when it has ended already.
pub async fn stop_run(runs: &Runs, caller: &Caller, run: RunId) -> Result<RunState, Error> {
    may(caller, Act::Stop)?;
    record::write(runs, caller, run, |state| {
        if let Some(stop) = &state.stop {
            return Err(Error::RunEnded { run, stop: stop.clone() });
        }
        if state.cancelled_by.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![EventBody::CancelRequested { by: caller.actor.clone() }])
    })
    .await
}
