//! An open database: the writer, the readers, and how both begin and end.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use futures::future::BoxFuture;
use miyabi_core::time::Timestamp;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, SqliteConnection};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fault::{Fault, Reject};
use super::writer::{Batch, Writer};
use super::{connect, migrate};
use crate::error::Error;
use crate::folder::Layout;

/// The database of a data folder that this process owns.
pub(crate) struct Database {
    writer: Writer,
    readers: SqlitePool,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Database {
    /// Opens the database, makes it if there is none, brings an older format up to date (after a backup), and takes
    /// over the right to write.
    pub(crate) async fn open(layout: &Layout, at: Timestamp) -> Result<Self, Error> {
        let path = layout.database();
        // SQLite would make it with the mode that the umask allows; its side files get the mode of this one.
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        file.map_err(Error::file("open the database file", &path))?;

        let fails = |act| move |fault: Fault| Error::of(act, fault);
        let mut connection =
            connect::writer(&path).await.map_err(|error| fails("open the database")(error.into()))?;
        check_library(&mut connection).await?;
        prepare(&mut connection, layout, at).await?;

        let (tasks, closing) = (TaskTracker::new(), CancellationToken::new());
        let writer = Writer::take_over(path.clone(), connection, at, &tasks, closing.clone())
            .await
            .map_err(fails("take the database over"))?;
        tasks.close();
        Ok(Self { writer, readers: connect::readers(&path), tasks, closing })
    }

    /// A connection that only reads.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, Fault> {
        Ok(self.readers.acquire().await?)
    }

    /// See [`Writer::write`].
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
        F: for<'b> FnOnce(&'b mut Batch<'_>) -> BoxFuture<'b, Result<T, Reject<E>>> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// See [`Writer::committed`].
    pub(crate) fn committed(&self) -> watch::Receiver<u64> {
        self.writer.committed()
    }

    /// Commits what waits, brings the write-ahead log into the database file and closes all connections. Whoever
    /// comes later is told that the store is closed.
    pub(crate) async fn close(&self) {
        // The last connection to go tidies up, and only the writer may; so the readers go first.
        self.readers.close().await;
        self.closing.cancel();
        self.tasks.wait().await;
    }
}

async fn check_library(connection: &mut SqliteConnection) -> Result<(), Error> {
    let version = sqlx::query_scalar::<_, String>("select sqlite_version()")
        .fetch_one(connection)
        .await
        .map_err(|error| Error::of("ask for SQLite's version", error.into()))?;
    if connect::is_new_enough(&version) {
        return Ok(());
    }
    Err(Error::Library { found: version })
}

/// Brings the format up to date. Changes nothing in a database of a newer program.
async fn prepare(connection: &mut SqliteConnection, layout: &Layout, at: Timestamp) -> Result<(), Error> {
    let found = migrate::format(connection)
        .await
        .map_err(|error| Error::of("read the database's format", error.into()))?;
    if found > migrate::FORMAT {
        return Err(Error::Newer { path: layout.root().to_owned(), found, known: migrate::FORMAT });
    }
    let mode = sqlx::query_scalar::<_, String>("pragma journal_mode = wal")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| Error::of("switch to a write-ahead log", error.into()))?;
    if mode != "wal" {
        let why = Fault::Unavailable(format!("the file system allows only `{mode}`"));
        return Err(Error::of("switch to a write-ahead log", why));
    }
    if found == migrate::FORMAT {
        return Ok(());
    }
    if found > 0 {
        let name = format!("miyabi-format-{found}-{}.db", at.as_millis());
        let copy = layout.backups().join(name);
        copy_into(connection, &copy).await?;
        tracing::info!(from = found, to = migrate::FORMAT, backup = %copy.display(), "upgrading the database");
    }
    migrate::upgrade(connection, found).await.map_err(|error| Error::of("upgrade the database", error.into()))
}

/// A consistent copy of the whole database in one new file, on the disk when this returns.
pub(crate) async fn copy_into(connection: &mut SqliteConnection, target: &Path) -> Result<(), Error> {
    let path = target.to_str().ok_or_else(|| {
        let why = Fault::Unavailable("the path is not UTF-8".into());
        Error::of("copy the database", why)
    })?;
    sqlx::query("vacuum into ?1")
        .bind(path)
        .execute(connection)
        .await
        .map_err(|error| Error::of("copy the database", error.into()))?;
    let target = target.to_owned();
    let synced = tokio::task::spawn_blocking(move || {
        std::fs::File::open(&target)?.sync_all()?;
        crate::disk::sync_parent(&target)
    });
    let synced = synced.await.map_err(std::io::Error::other).flatten();
    synced.map_err(|error| Error::of("copy the database", Fault::Unavailable(error.to_string())))
}
