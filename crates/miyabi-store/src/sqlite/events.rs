//! Rows of `run_events`: the journal itself. Bytes are stored as they were hashed, and checked when they are read.

use miyabi_core::digest::Digest;
use miyabi_core::id::{ProjectId, RunId, TenantId};
use miyabi_core::port::journal::{Error, Scope, StoredEvent};
use miyabi_core::run::{Event, event};
use serde::Deserialize;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::fault::{Fault, Reject};
use super::row::{Columns, int};
use super::writer::Batch;

/// What the chain of every run begins with.
pub(crate) const GENESIS: Digest = Digest::from_bytes([0; 32]);

/// An event as it is stored.
pub(crate) struct Entry {
    seq: u64,
    at: u64,
    kind: &'static str,
    payload: String,
    /// The chain's head after it; set by [`link`].
    chain: Digest,
}

impl Entry {
    /// The bytes of an event. Fields keep the order of their declaration, so equal events have equal bytes.
    pub(crate) fn of(event: &Event) -> Result<Self, Fault> {
        let payload = serde_json::to_string(event)
            .map_err(|error| Fault::Unavailable(format!("an event has no JSON form: {error}")))?;
        Ok(Self {
            seq: event.seq,
            at: event.at.as_millis(),
            kind: event.body.kind(),
            payload,
            chain: GENESIS,
        })
    }
}

/// Hangs events behind the chain's head; returns the new head.
pub(crate) fn link(before: Digest, entries: &mut [Entry]) -> Digest {
    entries.iter_mut().fold(before, |before, entry| {
        entry.chain = before.chain(entry.payload.as_bytes());
        entry.chain
    })
}

/// Whose events they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) tenant: TenantId,
    pub(crate) project: ProjectId,
    pub(crate) run: RunId,
}

/// Writes linked events, each with the next place among all events.
pub(crate) async fn insert(
    batch: &mut Batch<'_>,
    owner: Owner,
    entries: Vec<Entry>,
) -> Result<(), Reject<Error>> {
    let sql = "insert into run_events \
               (global_seq, tenant_id, project_id, run_id, seq, kind, at, chain, payload) \
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    for entry in entries {
        batch.global_seq += 1;
        sqlx::query(sql)
            .bind(int(batch.global_seq))
            .bind(owner.tenant.to_string())
            .bind(owner.project.to_string())
            .bind(owner.run.to_string())
            .bind(int(entry.seq))
            .bind(entry.kind)
            .bind(int(entry.at))
            .bind(entry.chain.as_bytes().to_vec())
            .bind(entry.payload)
            .execute(&mut *batch.connection)
            .await?;
    }
    Ok(())
}

/// A run's events behind `after_seq`, checked from there to the head that the run's row names.
pub(crate) async fn load(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    run: RunId,
    after_seq: u64,
) -> Result<Vec<StoredEvent>, Error> {
    // One statement, so that the head and the events are of one moment. The event before the first gives the link
    // to check that one against.
    let sql = "select runs.seq as head_seq, runs.chain as head_chain, run_events.* \
               from runs left join run_events \
               on run_events.tenant_id = runs.tenant_id and run_events.run_id = runs.id and run_events.seq >= ?3 \
               where runs.tenant_id = ?1 and runs.id = ?2 order by run_events.seq";
    let rows = sqlx::query(sql)
        .bind(tenant.to_string())
        .bind(run.to_string())
        .bind(int(after_seq))
        .fetch_all(connection)
        .await
        .map_err(Fault::from)?;
    let first = rows.first().ok_or(Error::NotFound(run))?;
    let first = Columns::of("runs", first);
    let head = (first.number("head_seq")?, first.digest("head_chain")?);
    if after_seq > head.0 {
        return Ok(Vec::new());
    }
    let mut check = Check::new(run, after_seq);
    let mut events = Vec::with_capacity(rows.len());
    for row in &rows {
        events.extend(check.next(row)?);
    }
    check.end(head)?;
    Ok(events)
}

/// Events of a scope behind a place, oldest first. Without the events between them their chain can't be followed;
/// `load` does that.
pub(crate) async fn tail(
    connection: &mut SqliteConnection,
    scope: Scope,
    after_global: u64,
    limit: u32,
) -> Result<Vec<StoredEvent>, Error> {
    let after = int(after_global);
    let query = match scope {
        Scope::All => sqlx::query(
            "select * from run_events where global_seq > ?1 order by global_seq limit ?2 \
             -- every tenant: the engine follows all runs",
        )
        .bind(after)
        .bind(limit),
        Scope::Tenant(tenant) => sqlx::query(
            "select * from run_events where tenant_id = ?1 and global_seq > ?2 order by global_seq limit ?3",
        )
        .bind(tenant.to_string())
        .bind(after)
        .bind(limit),
        Scope::Project(tenant, project) => sqlx::query(
            "select * from run_events where tenant_id = ?1 and global_seq > ?2 and project_id = ?4 \
             order by global_seq limit ?3",
        )
        .bind(tenant.to_string())
        .bind(after)
        .bind(limit)
        .bind(project.to_string()),
        // Within a run both orders are one. Going back from the end finds the place in as many steps as there are
        // new events, where an index for it would cost every write.
        Scope::Run(tenant, run) => sqlx::query(
            "select * from run_events where tenant_id = ?1 and run_id = ?4 and seq > coalesce( \
               (select seq from run_events where tenant_id = ?1 and run_id = ?4 and global_seq <= ?2 \
                order by seq desc limit 1), 0) \
             order by seq limit ?3",
        )
        .bind(tenant.to_string())
        .bind(after)
        .bind(limit)
        .bind(run.to_string()),
    };
    let rows = query.fetch_all(connection).await.map_err(Fault::from)?;
    rows.iter().map(stored).collect()
}

fn stored(row: &SqliteRow) -> Result<StoredEvent, Error> {
    let columns = Columns::of("run_events", row);
    let (run, seq) = (columns.word("run_id")?, columns.number("seq")?);
    let event = decode(run, seq, columns.get("payload")?)?;
    Ok(StoredEvent { global_seq: columns.number("global_seq")?, chain: columns.digest("chain")?, event })
}

/// Follows the chain of one run over its rows in their order.
pub(crate) struct Check {
    run: RunId,
    /// Place and chain of the last event that was looked at; `None` before the row that stands before the first
    /// wanted one.
    last: Option<(u64, Digest)>,
    after_seq: u64,
}

impl Check {
    /// Begins behind `after_seq`; if that is not 0, the first row is the event of that place, taken on trust.
    pub(crate) fn new(run: RunId, after_seq: u64) -> Self {
        Self { run, last: (after_seq == 0).then_some((0, GENESIS)), after_seq }
    }

    /// The next row's event; `None` for the one that is only the beginning, and for a run without events.
    pub(crate) fn next(&mut self, row: &SqliteRow) -> Result<Option<StoredEvent>, Error> {
        let columns = Columns::of("run_events", row);
        let expected = self.last.map_or(self.after_seq, |(seq, _)| seq + 1);
        let run = self.run;
        let corrupt = || Error::Corrupt { run, seq: expected };
        let Some(seq) = columns.maybe_number("seq").map_err(|_| corrupt())? else {
            return Ok(None);
        };
        let chain = columns.digest("chain").map_err(|_| corrupt())?;
        if seq != expected {
            return Err(corrupt());
        }
        let Some((_, before)) = self.last.replace((seq, chain)) else {
            return Ok(None);
        };
        // As bytes: a damaged text need not be UTF-8 any more.
        let payload = columns.get::<&[u8]>("payload").map_err(|_| corrupt())?;
        if before.chain(payload) != chain {
            return Err(corrupt());
        }
        let event = decode(self.run, seq, payload)?;
        let global_seq = columns.number("global_seq").map_err(|_| corrupt())?;
        Ok(Some(StoredEvent { global_seq, chain, event }))
    }

    /// Compares the last event with the head that the run's row names: an end that was cut off is damage too.
    pub(crate) fn end(&self, head: (u64, Digest)) -> Result<(), Error> {
        if self.last == Some(head) {
            return Ok(());
        }
        let seq = self.last.map_or(self.after_seq, |(seq, _)| seq + 1);
        Err(Error::Corrupt { run: self.run, seq })
    }
}

/// The version alone, for events whose form is not known here.
#[derive(Deserialize)]
struct Version {
    v: u16,
}

fn decode(run: RunId, seq: u64, payload: &[u8]) -> Result<Event, Error> {
    match serde_json::from_slice::<Event>(payload) {
        Ok(event) if event.v > event::VERSION => Err(Error::Newer { run, version: event.v }),
        Ok(event) if event.run_id == run && event.seq == seq => Ok(event),
        Ok(_) => Err(Error::Corrupt { run, seq }),
        Err(_) => Err(match serde_json::from_slice::<Version>(payload) {
            Ok(Version { v }) if v > event::VERSION => Error::Newer { run, version: v },
            _ => Error::Corrupt { run, seq },
        }),
    }
}
