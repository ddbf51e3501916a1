//! Guide the agents of a run, or answer their question.

use super::{Act, Caller, Error, Runs, may, record};
use crate::budget::estimate_tokens;
use crate::id::RunId;
use crate::run::{EventBody, RunState};

/// The longest guidance, in bytes: what goes into a conversation stays in it.
pub const MAX_GUIDANCE_BYTES: usize = 32 * 1024;

/// Says something to the agents that work on a run. It answers an open question, if there is one.
///
/// # Errors
/// [`Error::RunEnded`] when nobody is left to listen.
pub async fn steer(runs: &Runs, caller: &Caller, run: RunId, text: &str) -> Result<RunState, Error> {
    may(caller, Act::Steer)?;
    if !caller.actor.label.may_steer() {
        return Err(Error::Permission { name: caller.actor.name.clone(), act: Act::Steer.words() });
    }
    if text.trim().is_empty() || text.len() > MAX_GUIDANCE_BYTES {
        return Err(Error::invalid("text", format!("must have 1 to {MAX_GUIDANCE_BYTES} bytes")));
    }
    let digest = runs.artifacts.put(text.as_bytes()).await?;
    record::write(runs, caller, run, |state| {
        if let Some(stop) = &state.stop {
            return Err(Error::RunEnded { run, stop: stop.clone() });
        }
        let by = caller.actor.clone();
        Ok(vec![EventBody::Steered { by, text: digest, tokens: estimate_tokens(text) }])
    })
    .await
}
