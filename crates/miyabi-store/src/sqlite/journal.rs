//! The journal port over `run_events` and `runs`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miyabi_core::id::{RunId, TenantId};
use miyabi_core::port::journal::{Error, Journal, RunFilter, RunRow, Scope, StoredEvent};
use miyabi_core::run::Event;

use super::database::Database;
use super::events::{self, Entry, GENESIS, Owner};
use super::fault::{Fault, Reject};
use super::runs;
use super::writer::Batch;

/// How long a missed wake-up can stay unnoticed.
const NET: Duration = Duration::from_secs(2);

/// The journal in SQLite.
pub(crate) struct SqliteJournal {
    pub(crate) database: Arc<Database>,
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn create(&self, events: &[Event], row: &RunRow) -> Result<(), Error> {
        if events.is_empty() {
            return Err(Error::Corrupt { run: row.run_id, seq: 1 });
        }
        let entries = entries(0, events, row)?;
        let row = row.clone();
        self.database.write(move |batch| Box::pin(create(batch, entries, row))).await
    }

    async fn append(&self, expected_seq: u64, events: &[Event], row: &RunRow) -> Result<(), Error> {
        let entries = entries(expected_seq, events, row)?;
        let row = row.clone();
        self.database.write(move |batch| Box::pin(append(batch, expected_seq, entries, row))).await
    }

    async fn load(&self, tenant: TenantId, run: RunId, after_seq: u64) -> Result<Vec<StoredEvent>, Error> {
        events::load(&mut *self.database.reader().await?, tenant, run, after_seq).await
    }

    async fn tail(&self, scope: Scope, after_global: u64, limit: u32) -> Result<Vec<StoredEvent>, Error> {
        events::tail(&mut *self.database.reader().await?, scope, after_global, limit).await
    }

    async fn last_global(&self) -> Result<u64, Error> {
        Ok(last_global(&self.database).await?)
    }

    async fn changed(&self, after_global: u64) {
        let mut committed = self.database.committed();
        loop {
            let woken = tokio::time::timeout(NET, committed.wait_for(|last| *last > after_global)).await;
            let woken = woken.map(|found| found.is_ok());
            match woken {
                Ok(true) => return,
                // The store is closed; the net still sets the caller's pace.
                Ok(false) => tokio::time::sleep(NET).await,
                Err(_) => {}
            }
            // A database that can't be read is worth looking at too: the caller then learns why.
            if last_global(&self.database).await.is_ok_and(|last| last <= after_global) {
                continue;
            }
            return;
        }
    }

    async fn find(&self, tenant: TenantId, run: RunId) -> Result<Option<RunRow>, Error> {
        Ok(runs::find(&mut *self.database.reader().await?, tenant, run).await?)
    }

    async fn list(&self, tenant: TenantId, filter: &RunFilter) -> Result<Vec<RunRow>, Error> {
        Ok(runs::list(&mut *self.database.reader().await?, tenant, filter).await?)
    }

    async fn unfinished(&self) -> Result<Vec<RunRow>, Error> {
        Ok(runs::unfinished(&mut *self.database.reader().await?).await?)
    }
}

/// The stored form of events that follow each other behind `after_seq` and end where the row stands. Anything else
/// would be found as damage when it is read, so it is not written.
fn entries(after_seq: u64, events: &[Event], row: &RunRow) -> Result<Vec<Entry>, Error> {
    for (event, seq) in events.iter().zip(after_seq + 1..) {
        if event.seq != seq || event.run_id != row.run_id {
            return Err(Error::Corrupt { run: row.run_id, seq });
        }
    }
    let last = after_seq + events.len() as u64;
    if row.seq != last {
        return Err(Error::Corrupt { run: row.run_id, seq: last });
    }
    Ok(events.iter().map(Entry::of).collect::<Result<_, Fault>>()?)
}

fn owner(row: &RunRow) -> Owner {
    Owner { tenant: row.tenant, project: row.project, run: row.run_id }
}

async fn create(batch: &mut Batch<'_>, mut entries: Vec<Entry>, row: RunRow) -> Result<(), Reject<Error>> {
    if let Some((actual, _)) = runs::head(batch.connection, row.tenant, row.run_id).await? {
        return Err(Reject::Refused(Error::Conflict { run: row.run_id, expected: 0, actual }));
    }
    let chain = events::link(GENESIS, &mut entries);
    runs::insert(batch.connection, &row, chain).await?;
    events::insert(batch, owner(&row), entries).await
}

async fn append(
    batch: &mut Batch<'_>,
    expected: u64,
    mut entries: Vec<Entry>,
    row: RunRow,
) -> Result<(), Reject<Error>> {
    let run = row.run_id;
    let (actual, before) =
        runs::head(batch.connection, row.tenant, run).await?.ok_or(Reject::Refused(Error::NotFound(run)))?;
    if actual != expected {
        let conflict = Error::Conflict { run, expected, actual };
        return Err(Reject::Refused(conflict));
    }
    let chain = events::link(before, &mut entries);
    if !runs::update(batch.connection, &row, chain).await? {
        // The row names another project than the run was created in.
        return Err(Reject::Refused(Error::NotFound(run)));
    }
    events::insert(batch, owner(&row), entries).await
}

async fn last_global(database: &Database) -> Result<u64, Fault> {
    let last = sqlx::query_scalar::<_, i64>("select global_seq from journal_head where id = 1")
        .fetch_one(&mut *database.reader().await?)
        .await?;
    Ok(last.unsigned_abs())
}
