//! The port to the journal: the runs' events and the list that is projected from them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{ProjectId, RunId, TenantId};
use crate::money::UsdMicros;
use crate::run::{Event, RunState, Stage};
use crate::stop::{Status, Stop};
use crate::time::Timestamp;

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else wrote to the run meanwhile: load, decide again.
    #[error("run `{run}` is at event {actual}, not at {expected}")]
    Conflict {
        /// The run.
        run: RunId,
        /// Where the writer believed it to be.
        expected: u64,
        /// Where it is.
        actual: u64,
    },
    /// Another process took over; this one must write nothing any more.
    #[error("another process took over the data folder")]
    Fenced,
    /// No such run for this tenant.
    #[error("no run `{0}`")]
    NotFound(RunId),
    /// An event was written by a newer program.
    #[error("run `{run}` has events of form {version}, which this program does not know")]
    Newer {
        /// The run.
        run: RunId,
        /// The event's version.
        version: u16,
    },
    /// What is stored is not what was written.
    #[error("the journal of run `{run}` is damaged at event {seq}")]
    Corrupt {
        /// The run.
        run: RunId,
        /// The first event that does not fit.
        seq: u64,
    },
    /// No space is left.
    #[error("no space is left for the journal")]
    Full,
    /// The database failed or is locked; trying again may help.
    #[error("the journal can't be reached: {0}")]
    Unavailable(String),
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// The run.
    pub run_id: RunId,
    /// Who owns it.
    pub tenant: TenantId,
    /// The repository it works on.
    pub project: ProjectId,
    /// A few words.
    pub title: String,
    /// The issue it solves.
    pub issue: Option<u64>,
    /// The state in one word.
    pub status: Status,
    /// The stage it is in.
    pub stage: Option<Stage>,
    /// How it ended.
    pub stop: Option<Stop>,
    /// Questions that wait for a person, by name.
    pub waits_for: Vec<String>,
    /// The pull request.
    pub pull_request: Option<u64>,
    /// The last event.
    pub seq: u64,
    /// What it cost.
    pub cost_usd_micros: UsdMicros,
    /// Tokens it used.
    pub tokens: u64,
    /// Time in which it worked, in milliseconds.
    pub active_ms: u64,
    /// Whether a script stands in for a model.
    pub is_scripted: bool,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When something happened last.
    pub updated_at: Timestamp,
}

impl RunRow {
    /// The row of a run's state.
    pub fn of(state: &RunState) -> Self {
        Self {
            run_id: state.run_id,
            tenant: state.spec.tenant,
            project: state.spec.project,
            title: state.spec.title.clone(),
            issue: state.spec.issue,
            status: state.status(),
            stage: state.stage(),
            stop: state.stop.clone(),
            waits_for: state.pending_approvals().map(|(name, _)| name.to_owned()).collect(),
            pull_request: state.pull_request().map(|(number, _)| number),
            seq: state.seq,
            cost_usd_micros: state.ledger.spent,
            tokens: state.ledger.tokens,
            active_ms: state.active_ms,
            is_scripted: state.spec.models.values().any(|model| model.scripted),
            created_at: state.created_at,
            updated_at: state.updated_at,
        }
    }
}

/// An event with its place among all runs' events.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Counted over all runs in the order of commits, without a gap that fills later.
    pub global_seq: u64,
    /// The hash chain's head after this event: a digest over all events of the run up to it.
    pub chain: Digest,
    /// The event.
    pub event: Event,
}

/// Which runs' events or rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All tenants'. For the engine alone; never for a caller from outside.
    All,
    /// All of a tenant.
    Tenant(TenantId),
    /// Those of a project.
    Project(TenantId, ProjectId),
    /// One run.
    Run(TenantId, RunId),
}

/// Which runs a list shows, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those of a project.
    pub project: Option<ProjectId>,
    /// Only those in one of these states; empty for all.
    pub statuses: Vec<Status>,
    /// Only those made after this time.
    pub since: Option<Timestamp>,
    /// Only those older than this run: where the last page ended.
    pub before: Option<RunId>,
    /// At most so many.
    pub limit: u32,
}

/// The journal of all runs. One writer at a time; every write carries that writer's fencing number.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes a new run's first events and its row, in one transaction.
    async fn create(&self, events: &[Event], row: &RunRow) -> Result<(), Error>;

    /// Writes events behind `expected_seq` and the row after them, in one transaction. When this returns they are on
    /// the disk.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the run is not at `expected_seq`; nothing was written then.
    async fn append(&self, expected_seq: u64, events: &[Event], row: &RunRow) -> Result<(), Error>;

    /// A run's events behind a place in its journal, oldest first, each checked against the hash chain.
    async fn load(&self, tenant: TenantId, run: RunId, after_seq: u64) -> Result<Vec<StoredEvent>, Error>;

    /// Events of a scope behind a place in the order of all events, oldest first.
    async fn tail(&self, scope: Scope, after_global: u64, limit: u32) -> Result<Vec<StoredEvent>, Error>;

    /// The place of the last event of all.
    async fn last_global(&self) -> Result<u64, Error>;

    /// Resolves when there may be events behind that place. A hint: look again, and expect to find nothing at times.
    async fn changed(&self, after_global: u64);

    /// A run's row.
    async fn find(&self, tenant: TenantId, run: RunId) -> Result<Option<RunRow>, Error>;

    /// Rows, newest first.
    async fn list(&self, tenant: TenantId, filter: &RunFilter) -> Result<Vec<RunRow>, Error>;

    /// Runs of all tenants that have not ended, oldest first: what a worker takes up when it starts.
    async fn unfinished(&self) -> Result<Vec<RunRow>, Error>;
}
