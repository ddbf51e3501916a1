//! What happened: events of a run, a project or all runs, in the order in which they were written.

use super::{Act, Caller, Error, Runs, may};
use crate::id::{ProjectId, RunId};
use crate::port::journal::{Scope, StoredEvent};

/// The most events read at once.
pub const MAX_EVENTS: u32 = 500;

/// Whose events are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Those of all runs of the caller's tenant.
    All,
    /// Those of a project's runs.
    Project(ProjectId),
    /// Those of one run.
    Run(RunId),
}

impl Watch {
    fn scope(self, caller: &Caller) -> Scope {
        match self {
            Self::All => Scope::Tenant(caller.tenant),
            Self::Project(project) => Scope::Project(caller.tenant, project),
            Self::Run(run) => Scope::Run(caller.tenant, run),
        }
    }
}

/// Events behind a place in the order of all events, oldest first, at most `limit`. Empty when there are none yet.
///
/// # Errors
/// Only those of the store.
pub async fn read_events(
    runs: &Runs,
    caller: &Caller,
    watch: Watch,
    after_global: u64,
    limit: u32,
) -> Result<Vec<StoredEvent>, Error> {
    may(caller, Act::ReadRuns)?;
    let limit = limit.clamp(1, MAX_EVENTS);
    Ok(runs.journal.tail(watch.scope(caller), after_global, limit).await?)
}

/// The place of the last event of all: where somebody begins who only wants what comes from now on.
///
/// # Errors
/// Only those of the store.
pub async fn last_event(runs: &Runs, caller: &Caller) -> Result<u64, Error> {
    may(caller, Act::ReadRuns)?;
    Ok(runs.journal.last_global().await?)
}

/// All events of a run, oldest first.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn read_run(runs: &Runs, caller: &Caller, run: RunId) -> Result<Vec<StoredEvent>, Error> {
    may(caller, Act::ReadRuns)?;
    Ok(super::record::load(runs, caller, run).await?.0)
}
