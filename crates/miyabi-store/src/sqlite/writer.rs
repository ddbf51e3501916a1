//! The one writer: a task that owns the writing connection and commits what waits together.
//!
//! A commit costs one `fsync`, whatever is in it. While one is under way, other writes gather in the queue and go
//! into the next one, each behind a savepoint so that one that is refused takes nothing else with it. A caller that
//! stops waiting stops nothing: what it asked for is committed or not, as a whole.

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;
use miyabi_core::time::Timestamp;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connect;
use super::fault::{Fault, Reject};
use super::row::int;

/// Writes that wait for their commit; more wait in their callers. Far above the number of runs that work at once.
const QUEUE: usize = 256;

/// Writes in one commit: it stays short enough that nobody notices the wait for the one before.
const BATCH: usize = 64;

/// Time without a write after which the write-ahead log is brought into the database file.
const IDLE: Duration = Duration::from_secs(1);

/// The handle: put writes in, get answers when they are on the disk.
pub(crate) struct Writer {
    queue: mpsc::Sender<Box<dyn Job>>,
    committed: watch::Receiver<u64>,
}

/// What a write works with: the transaction, and the place of the last event of all.
pub(crate) struct Batch<'c> {
    /// The connection, inside the transaction.
    pub(crate) connection: &'c mut SqliteConnection,
    /// The place of the last event, those of this commit included.
    pub(crate) global_seq: u64,
}

impl Writer {
    /// Takes the database over for writing: from here on the writer before finds another epoch and stops.
    pub(crate) async fn take_over(
        database: PathBuf,
        mut connection: SqliteConnection,
        at: Timestamp,
        tasks: &TaskTracker,
        closing: CancellationToken,
    ) -> Result<Self, Fault> {
        let (epoch, global_seq) = next_epoch(&mut connection, at).await?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (changes, committed) = watch::channel(global_seq);
        let task = Task { database, connection: Some(connection), epoch, jobs, changes, closing };
        tasks.spawn(task.run());
        Ok(Self { queue, committed })
    }

    /// The place of the last event that is committed; changes with each commit that has events.
    pub(crate) fn committed(&self) -> watch::Receiver<u64> {
        self.committed.clone()
    }

    /// Performs a write and waits until it is on the disk. The write sees its own statements and those before it in
    /// the same commit; whatever it refuses is undone.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
        F: for<'b> FnOnce(&'b mut Batch<'_>) -> BoxFuture<'b, Result<T, Reject<E>>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Write { work, answer });
        if self.queue.send(job).await.is_err() {
            return Err(Fault::closed().into());
        }
        answered.await.unwrap_or_else(|_| Err(Fault::closed().into()))
    }
}

async fn next_epoch(connection: &mut SqliteConnection, at: Timestamp) -> Result<(i64, u64), Fault> {
    let sql =
        "update journal_head set epoch = epoch + 1, taken_at = ?1 where id = 1 returning epoch, global_seq";
    let (epoch, global_seq) =
        sqlx::query_as::<_, (i64, i64)>(sql).bind(int(at.as_millis())).fetch_one(connection).await?;
    Ok((epoch, global_seq.unsigned_abs()))
}

/// A write without its types.
trait Job: Send {
    /// Performs it inside a commit.
    fn run<'b>(self: Box<Self>, batch: &'b mut Batch<'_>) -> BoxFuture<'b, Ran>;
    /// Answers without performing it.
    fn give_up(self: Box<Self>, fault: Fault);
}

/// What became of a write inside its commit.
struct Ran {
    verdict: Verdict,
    /// Answers the caller, once the commit succeeded (`None`) or failed.
    answer: Box<dyn FnOnce(Option<Fault>) + Send>,
}

enum Verdict {
    Keep,
    Undo,
    Broken(Fault),
}

struct Write<T, E, F> {
    work: F,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Write<T, E, F>
where
    T: Send + 'static,
    E: From<Fault> + Send + 'static,
    F: for<'b> FnOnce(&'b mut Batch<'_>) -> BoxFuture<'b, Result<T, Reject<E>>> + Send,
{
    fn run<'b>(self: Box<Self>, batch: &'b mut Batch<'_>) -> BoxFuture<'b, Ran> {
        let Self { work, answer } = *self;
        let work = work(batch);
        Box::pin(async move {
            let (verdict, result) = match work.await {
                Ok(value) => (Verdict::Keep, Ok(value)),
                Err(Reject::Refused(error)) => (Verdict::Undo, Err(error)),
                Err(Reject::Broken(fault)) => (Verdict::Broken(fault.clone()), Err(fault.into())),
            };
            let answer = Box::new(move |fault: Option<Fault>| {
                // Nobody listens when the caller stopped waiting.
                let _ = answer.send(fault.map_or(result, |fault| Err(fault.into())));
            });
            Ran { verdict, answer }
        })
    }

    fn give_up(self: Box<Self>, fault: Fault) {
        let _ = self.answer.send(Err(fault.into()));
    }
}

struct Task {
    database: PathBuf,
    /// `None` after a failure: a new connection begins without what the old one left behind.
    connection: Option<SqliteConnection>,
    epoch: i64,
    jobs: mpsc::Receiver<Box<dyn Job>>,
    changes: watch::Sender<u64>,
    closing: CancellationToken,
}

impl Task {
    /// Runs until it is told to close, or all handles are gone, and the queue is empty.
    async fn run(mut self) {
        let mut is_dirty = true;
        loop {
            // All branches are cancel-safe: a job is received whole or stays in the queue.
            tokio::select! {
                biased;
                job = self.jobs.recv() => {
                    let Some(first) = job else { break };
                    self.commit(first).await;
                    is_dirty = true;
                }
                () = self.closing.cancelled(), if !self.jobs.is_closed() => self.jobs.close(),
                () = tokio::time::sleep(IDLE), if is_dirty => {
                    // Passive: it waits for nobody. A later one does what a reader held up.
                    self.checkpoint("pragma wal_checkpoint(passive)").await;
                    is_dirty = false;
                }
            }
        }
        self.checkpoint("pragma wal_checkpoint(truncate)").await;
        if let Some(connection) = self.connection.take() {
            // The data is safe in the log; closing only tidies up.
            let _ = connection.close().await;
        }
    }

    async fn commit(&mut self, first: Box<dyn Job>) {
        let mut jobs = vec![first];
        while jobs.len() < BATCH
            && let Ok(job) = self.jobs.try_recv()
        {
            jobs.push(job);
        }
        let mut ran = Vec::with_capacity(jobs.len());
        let mut jobs = jobs.into_iter();
        let fault = self.perform(&mut jobs, &mut ran).await.err();
        if let Some(fault) = &fault {
            if *fault != Fault::Fenced {
                tracing::warn!(?fault, "a commit failed");
            }
            self.connection = None;
        }
        for answer in ran {
            answer(fault.clone());
        }
        for job in jobs {
            job.give_up(fault.clone().unwrap_or_else(Fault::closed));
        }
    }

    /// One transaction over all jobs. On an error nothing of it is stored.
    async fn perform(
        &mut self,
        jobs: &mut std::vec::IntoIter<Box<dyn Job>>,
        ran: &mut Vec<Box<dyn FnOnce(Option<Fault>) + Send>>,
    ) -> Result<(), Fault> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect::writer(&self.database).await?),
        };
        // A transaction that begins by reading and then writes fails at once when another one wrote meanwhile,
        // whatever the busy timeout; so it takes the write lock first.
        execute(connection, "begin immediate").await?;
        let head = "select epoch, global_seq from journal_head where id = 1";
        let (epoch, before) = sqlx::query_as::<_, (i64, i64)>(head).fetch_one(&mut *connection).await?;
        if epoch != self.epoch {
            return Err(Fault::Fenced);
        }
        let before = before.unsigned_abs();
        let mut batch = Batch { connection, global_seq: before };
        let is_alone = jobs.len() == 1;
        let mut has_changes = false;
        for job in jobs {
            let at = batch.global_seq;
            if !is_alone {
                execute(batch.connection, "savepoint job").await?;
            }
            let Ran { verdict, answer } = job.run(&mut batch).await;
            ran.push(answer);
            match verdict {
                Verdict::Keep => has_changes = true,
                Verdict::Undo => {
                    batch.global_seq = at;
                    if !is_alone {
                        execute(batch.connection, "rollback to job").await?;
                    }
                }
                Verdict::Broken(fault) => return Err(fault),
            }
            if !is_alone {
                execute(batch.connection, "release job").await?;
            }
        }
        if !has_changes {
            return execute(batch.connection, "rollback").await;
        }
        let Batch { connection, global_seq } = batch;
        if global_seq > before {
            sqlx::query("update journal_head set global_seq = ?1 where id = 1")
                .bind(int(global_seq))
                .execute(&mut *connection)
                .await?;
        }
        execute(connection, "commit").await?;
        if global_seq > before {
            self.changes.send_replace(global_seq);
        }
        Ok(())
    }

    async fn checkpoint(&mut self, pragma: &'static str) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        if let Err(error) = execute(connection, pragma).await {
            tracing::debug!(?error, "the write-ahead log stays as it is for now");
        }
    }
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), Fault> {
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}
