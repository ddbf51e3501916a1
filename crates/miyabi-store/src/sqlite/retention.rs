//! Removal of ended runs, and what the database weighs.

use miyabi_core::id::{RunId, TenantId};
use miyabi_core::port::journal::Error;
use sqlx::SqliteConnection;

use super::database::Database;
use super::fault::{Fault, Reject};

/// Removes an ended run's events and row in one transaction; whether there were any.
pub(crate) async fn remove_run(database: &Database, tenant: TenantId, run: RunId) -> Result<bool, Error> {
    database.write(move |batch| Box::pin(async move { remove(batch.connection, tenant, run).await })).await
}

async fn remove(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    run: RunId,
) -> Result<bool, Reject<Error>> {
    let sql = "delete from run_events where tenant_id = ?1 and run_id = ?2 and exists (select 1 from runs \
               where tenant_id = ?1 and id = ?2 and stop_kind is not null)";
    sqlx::query(sql).bind(tenant.to_string()).bind(run.to_string()).execute(&mut *connection).await?;
    let sql = "delete from runs where tenant_id = ?1 and id = ?2 and stop_kind is not null";
    let done =
        sqlx::query(sql).bind(tenant.to_string()).bind(run.to_string()).execute(&mut *connection).await?;
    Ok(done.rows_affected() == 1)
}

/// All tenants that have runs.
pub(crate) async fn tenants(database: &Database) -> Result<Vec<TenantId>, Fault> {
    let sql = "select distinct tenant_id from runs order by tenant_id -- every tenant: clean-ups concern the whole folder";
    let mut reader = database.reader().await?;
    let rows = sqlx::query_scalar::<_, String>(sql).fetch_all(&mut *reader).await?;
    rows.iter().map(|text| text.parse().map_err(|_| Fault::damaged("runs", "tenant_id"))).collect()
}

/// The number of the last migration, and the database's size in bytes.
pub(crate) async fn facts(database: &Database) -> Result<(u64, u64), Fault> {
    let mut reader = database.reader().await?;
    let number = async |connection: &mut SqliteConnection, sql: &'static str| {
        let found = sqlx::query_scalar::<_, i64>(sql).fetch_one(connection).await?;
        Ok::<_, Fault>(found.unsigned_abs())
    };
    let format = number(&mut reader, "pragma user_version").await?;
    let pages = number(&mut reader, "pragma page_count").await?;
    let page_bytes = number(&mut reader, "pragma page_size").await?;
    Ok((format, pages.saturating_mul(page_bytes)))
}
