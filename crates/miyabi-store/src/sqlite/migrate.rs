//! The database's format: numbered steps that only go forward. SQLite's `user_version` says how many are done.

use sqlx::{AssertSqlSafe, SqliteConnection};

/// All steps, in their order. A step that was released is never changed; a new one is added behind.
const STEPS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_journal.sql"),
    include_str!("../../migrations/sqlite/0002_projects.sql"),
    include_str!("../../migrations/sqlite/0003_forge.sql"),
    include_str!("../../migrations/sqlite/0004_secrets.sql"),
    include_str!("../../migrations/sqlite/0005_idempotency.sql"),
];

/// The format that this program writes.
#[expect(clippy::cast_possible_truncation, reason = "a handful of steps")]
pub(crate) const FORMAT: u32 = STEPS.len() as u32;

/// The format of a database; 0 when it is empty.
pub(crate) async fn format(connection: &mut SqliteConnection) -> Result<u32, sqlx::Error> {
    sqlx::query_scalar("pragma user_version").fetch_one(connection).await
}

/// Takes the missing steps, each in a transaction of its own together with the number it leads to.
pub(crate) async fn upgrade(connection: &mut SqliteConnection, from: u32) -> Result<(), sqlx::Error> {
    for (step, number) in STEPS.iter().zip(1..).skip(from as usize) {
        let sql = format!("begin immediate;\n{step}\npragma user_version = {number};\ncommit;");
        if let Err(error) = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await {
            // The connection is given up by the caller; this only ends the transaction sooner.
            let _ = sqlx::raw_sql("rollback").execute(connection).await;
            return Err(error);
        }
    }
    Ok(())
}
