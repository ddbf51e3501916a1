//! How connections are made: one that writes, a few that only read.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

/// SQLite up to 3.51.2 can lose a commit when a checkpoint and a reset of the write-ahead log meet.
pub(crate) const OLDEST_LIBRARY: (u32, u32, u32) = (3, 51, 3);

/// How long a statement waits for a lock. Only backups made by others and the one writer ever take one, each briefly.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Readers at the same time: each is a thread and a page cache; lists and event streams share them.
const READERS: u32 = 4;

/// The size to which the write-ahead log is cut after a checkpoint, in bytes.
const LOG_LIMIT_BYTES: u32 = 16 * 1024 * 1024;

fn options(database: &Path) -> SqliteConnectOptions {
    // A commit is on the disk when it returns: `normal` would be faster by a factor of ten and may lose the last
    // commits when the power fails. No statement is logged: they carry nothing that the events don't say.
    SqliteConnectOptions::new()
        .filename(database)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("trusted_schema", "off")
        .disable_statement_logging()
}

/// A connection that may write, to a file that exists.
pub(crate) async fn writer(database: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = options(database).pragma("journal_size_limit", LOG_LIMIT_BYTES.to_string());
    SqliteConnection::connect_with(&options).await
}

/// A connection of its own that can't write, outside of the pool.
pub(crate) async fn reader(database: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnection::connect_with(&options(database).read_only(true)).await
}

/// Connections that can't write, made when they are needed.
pub(crate) fn readers(database: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(BUSY_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options(database).read_only(true))
}

/// Whether a library's version, such as `3.51.3`, is one that we trust with a journal.
pub(crate) fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u32>);
    let mut next = || parts.next().and_then(Result::ok).unwrap_or(0);
    let found = (next(), next(), next());
    found >= OLDEST_LIBRARY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_with_the_log_reset_bug_are_refused() {
        for (version, expected) in [
            ("3.51.3", true),
            ("3.52.0", true),
            ("4.0", true),
            ("3.51.2", false),
            ("3.9.99", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }
}
