//! The engine: takes up runs that have not ended and drives each to its end.
//!
//! It knows nothing of what a run means - `decide` says that - and nothing of how a step is performed. It leases,
//! writes intents and results, waits, and recovers.

mod driver;
mod pen;
mod queue;

use std::collections::BTreeMap;
use std::sync::Arc;

use miyabi_core::id::RunId;
use miyabi_core::port::journal::{Error as JournalError, Journal, RunRow, Scope};
use miyabi_core::run::EventBody;
use miyabi_core::stop::Status;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::perform::Performer;
use queue::MergeQueue;

/// Events read at once while watching the journal.
const WATCH_BATCH: u32 = 256;

/// Numbers of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Runs that work at the same time; others stay queued.
    pub concurrent_runs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { concurrent_runs: 4 }
    }
}

/// Drives all runs of a data folder. There is one per data folder; the store's lock sees to that.
pub struct Engine {
    shared: Arc<Shared>,
    active: BTreeMap<RunId, Active>,
    drivers: TaskTracker,
}

/// What all drivers share.
pub(crate) struct Shared {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) performer: Arc<Performer>,
    pub(crate) merge_queue: MergeQueue,
    permits: Arc<Semaphore>,
}

struct Active {
    wake: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Engine {
    /// An engine that writes to this journal and performs steps through this performer.
    pub fn new(journal: Arc<dyn Journal>, performer: Performer, options: Options) -> Self {
        let shared = Shared {
            journal,
            performer: Arc::new(performer),
            merge_queue: MergeQueue::default(),
            permits: Arc::new(Semaphore::new(options.concurrent_runs.max(1))),
        };
        Self { shared: Arc::new(shared), active: BTreeMap::new(), drivers: TaskTracker::new() }
    }

    /// Drives runs until cancelled. Steps in flight are ended then; the next start finds them open in the journal.
    ///
    /// # Errors
    /// When the journal can't be read at the start, or another process has taken over.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), JournalError> {
        let mut seen = self.shared.journal.last_global().await?;
        for row in self.shared.journal.unfinished().await? {
            self.take_up(&row, &cancel);
        }
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                () = self.shared.journal.changed(seen) => {}
            }
            match self.watch(&mut seen, &cancel).await {
                Ok(()) => {}
                Err(JournalError::Fenced) => {
                    cancel.cancel();
                    break;
                }
                // `changed` polls too, so a database that is away for a while is asked again, not hammered.
                Err(error) => tracing::warn!(%error, "the journal can't be watched"),
            }
        }
        self.drivers.close();
        self.drivers.wait().await;
        Ok(())
    }

    /// Wakes or starts the drivers of runs that somebody else wrote to.
    async fn watch(&mut self, seen: &mut u64, cancel: &CancellationToken) -> Result<(), JournalError> {
        let events = self.shared.journal.tail(Scope::All, *seen, WATCH_BATCH).await?;
        for stored in &events {
            *seen = stored.global_seq;
            let run = stored.event.run_id;
            if !is_from_outside(&stored.event.body) {
                continue;
            }
            match self.active.get(&run) {
                Some(active) if !active.task.is_finished() => active.wake.notify_one(),
                _ => self.take_up_again(run, cancel).await?,
            }
        }
        self.active.retain(|_, active| !active.task.is_finished());
        Ok(())
    }

    async fn take_up_again(&mut self, run: RunId, cancel: &CancellationToken) -> Result<(), JournalError> {
        let rows = self.shared.journal.unfinished().await?;
        if let Some(row) = rows.iter().find(|row| row.run_id == run) {
            self.take_up(row, cancel);
        }
        Ok(())
    }

    fn take_up(&mut self, row: &RunRow, cancel: &CancellationToken) {
        let wake = Arc::new(Notify::new());
        let driver = driver::Driver::new(Arc::clone(&self.shared), row.tenant, row.run_id, Arc::clone(&wake));
        let permits = Arc::clone(&self.shared.permits);
        let cancel = cancel.child_token();
        let needs_permit = row.status != Status::Waiting;
        let task = self.drivers.spawn(async move {
            // A run that waits for a person is only looked at; it takes a place when it works again.
            let permit = if needs_permit {
                tokio::select! {
                    () = cancel.cancelled() => return,
                    permit = permits.acquire_owned() => permit.ok(),
                }
            } else {
                None
            };
            driver.drive(cancel).await;
            drop(permit);
        });
        self.active.insert(row.run_id, Active { wake, task });
    }
}

/// Events that no driver writes by itself: somebody asked for something.
fn is_from_outside(body: &EventBody) -> bool {
    matches!(
        body,
        EventBody::RunCreated { .. }
            | EventBody::ApprovalDecided { .. }
            | EventBody::Steered { .. }
            | EventBody::CancelRequested { .. }
    )
}
