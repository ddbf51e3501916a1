//! Rows of `idempotency`.

use std::sync::Arc;

use async_trait::async_trait;
use miyabi_core::digest::Digest;
use miyabi_core::id::TenantId;
use miyabi_core::port::records::{Error, Idempotency, Recorded};
use miyabi_core::time::Timestamp;
use sqlx::SqliteConnection;

use super::database::Database;
use super::fault::{Fault, Reject};
use super::row::{Columns, int};

/// Answers by idempotency key in SQLite.
pub(crate) struct SqliteIdempotency {
    pub(crate) database: Arc<Database>,
}

#[async_trait]
impl Idempotency for SqliteIdempotency {
    async fn look_up(&self, tenant: TenantId, key: &str, request: Digest) -> Result<Recorded, Error> {
        let mut reader = self.database.reader().await?;
        Ok(look_up(&mut reader, tenant, key, request).await?)
    }

    async fn note(
        &self,
        tenant: TenantId,
        key: &str,
        request: Digest,
        answer: &[u8],
        at: Timestamp,
    ) -> Result<(), Error> {
        let (key, answer) = (key.to_owned(), answer.to_vec());
        self.database
            .write(move |batch| {
                Box::pin(async move {
                    match look_up(batch.connection, tenant, &key, request).await? {
                        // The first answer stays: whoever asks again gets what was answered first.
                        Recorded::Replay(_) => Ok(()),
                        Recorded::Mismatch => Err(Reject::Refused(Error::Exists {
                            kind: "another request under the idempotency key",
                            name: key,
                        })),
                        Recorded::Fresh => insert(batch.connection, tenant, key, request, answer, at).await,
                    }
                })
            })
            .await
    }
}

async fn look_up(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    key: &str,
    request: Digest,
) -> Result<Recorded, Fault> {
    let row = sqlx::query("select request, answer from idempotency where tenant_id = ?1 and key = ?2")
        .bind(tenant.to_string())
        .bind(key.to_owned())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok(Recorded::Fresh);
    };
    let columns = Columns::of("idempotency", &row);
    if columns.digest("request")? != request {
        return Ok(Recorded::Mismatch);
    }
    Ok(Recorded::Replay(columns.get("answer")?))
}

async fn insert(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    key: String,
    request: Digest,
    answer: Vec<u8>,
    at: Timestamp,
) -> Result<(), Reject<Error>> {
    let sql =
        "insert into idempotency (tenant_id, key, request, answer, noted_at) values (?1, ?2, ?3, ?4, ?5)";
    sqlx::query(sql)
        .bind(tenant.to_string())
        .bind(key)
        .bind(request.as_bytes().to_vec())
        .bind(answer)
        .bind(int(at.as_millis()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets answers noted before a time; how many.
pub(crate) async fn forget_before(database: &Database, time: Timestamp) -> Result<u64, Error> {
    database
        .write(move |batch| {
            Box::pin(async move {
                let sql = "delete from idempotency where noted_at < ?1 -- every tenant: the keys expire for all alike";
                let done = sqlx::query(sql)
                    .bind(int(time.as_millis()))
                    .execute(&mut *batch.connection)
                    .await?;
                Ok(done.rows_affected())
            })
        })
        .await
}
