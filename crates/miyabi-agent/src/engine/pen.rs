//! Writes a run's journal and keeps the state in step with it.

use std::sync::Arc;
use std::time::Duration;

use miyabi_core::id::{RunId, TenantId};
use miyabi_core::port::clock::Clock;
use miyabi_core::port::journal::{Error, Journal, RunRow};
use miyabi_core::run::apply::{apply, replay};
use miyabi_core::run::event::VERSION;
use miyabi_core::run::{Event, EventBody, RunState};
use tokio_util::sync::CancellationToken;

/// Pauses between tries while the journal can't be written: nothing may be lost, and nothing else can be done.
const PATIENCE: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

/// A run's state and the right to write its journal.
pub(crate) struct Pen {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    tenant: TenantId,
    run: RunId,
    pub(crate) state: RunState,
}

impl Pen {
    /// Loads a run.
    pub(crate) async fn load(
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        tenant: TenantId,
        run: RunId,
    ) -> Result<Self, Error> {
        let state = load_state(journal.as_ref(), tenant, run).await?;
        Ok(Self { journal, clock, tenant, run, state })
    }

    /// Folds in what others have written.
    pub(crate) async fn refresh(&mut self) -> Result<(), Error> {
        for stored in self.journal.load(self.tenant, self.run, self.state.seq).await? {
            apply(&mut self.state, &stored.event);
        }
        Ok(())
    }

    /// Writes events, all or none. `false`: somebody else wrote first, the state is fresh now, decide again.
    pub(crate) async fn write(
        &mut self,
        bodies: Vec<EventBody>,
        cancel: &CancellationToken,
    ) -> Result<bool, Error> {
        let before = self.state.seq;
        let at = self.clock.now();
        let events: Vec<Event> = (before + 1..)
            .zip(bodies)
            .map(|(seq, body)| Event { v: VERSION, run_id: self.run, seq, at, body })
            .collect();
        for event in &events {
            apply(&mut self.state, event);
        }
        let row = RunRow::of(&self.state);
        let mut pauses = PATIENCE.iter().chain(std::iter::repeat(&PATIENCE[PATIENCE.len() - 1]));
        loop {
            match self.journal.append(before, &events, &row).await {
                Ok(()) => return Ok(true),
                Err(Error::Conflict { .. }) => {
                    self.state = load_state(self.journal.as_ref(), self.tenant, self.run).await?;
                    return Ok(false);
                }
                Err(error @ (Error::Full | Error::Unavailable(_))) => {
                    tracing::error!(run.id = %self.run, %error, "the journal can't be written; work waits");
                    let pause = pauses.next().copied().unwrap_or(PATIENCE[0]);
                    let until =
                        self.clock.now().plus_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
                    tokio::select! {
                        () = cancel.cancelled() => return Err(error),
                        () = self.clock.sleep_until(until) => {}
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes events that must not be lost, such as a result: on top of whatever others have written.
    pub(crate) async fn insist(
        &mut self,
        bodies: Vec<EventBody>,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        while !self.write(bodies.clone(), cancel).await? {
            if self.state.stop.is_some() {
                break;
            }
        }
        Ok(())
    }
}

async fn load_state(journal: &dyn Journal, tenant: TenantId, run: RunId) -> Result<RunState, Error> {
    let events = journal.load(tenant, run, 0).await?;
    replay(run, events.iter().map(|stored| &stored.event)).ok_or(Error::NotFound(run))
}
