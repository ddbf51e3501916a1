//! Rows of `secrets`: sealed values. What a seal is, is `crate::secrets`' matter.

use std::sync::Arc;

use async_trait::async_trait;
use miyabi_core::id::TenantId;
use miyabi_core::port::records::{Error, Secrets};
use miyabi_core::secret::Secret;
use miyabi_core::time::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::database::Database;
use super::fault::{Fault, Reject};
use super::row::{Columns, int};
use crate::disk;
use crate::secrets::Rewrapped;
use crate::secrets::keeper::KeyKeeper;
use crate::secrets::seal::{self, Sealed, Unreadable};

/// Secrets in SQLite, sealed with keys that are not.
pub(crate) struct SqliteSecrets {
    pub(crate) database: Arc<Database>,
    pub(crate) keys: Arc<KeyKeeper>,
}

#[async_trait]
impl Secrets for SqliteSecrets {
    async fn set(&self, tenant: TenantId, name: &str, value: &Secret, at: Timestamp) -> Result<(), Error> {
        self.on_keys(KeyKeeper::ensure).await?;
        let (keys, name, value) = (Arc::clone(&self.keys), name.to_owned(), value.clone());
        self.database
            .write(move |batch| {
                Box::pin(async move {
                    // Sealed in the order of commits: a change of the key that was committed before is seen here.
                    let ring = keys.ring().ok_or_else(no_key)?;
                    let sealed =
                        seal::seal(&ring, tenant, &name, &value).map_err(|error| unavailable(&error))?;
                    upsert(batch.connection, tenant, name, sealed, at).await
                })
            })
            .await
    }

    async fn get(&self, tenant: TenantId, name: &str) -> Result<Option<Secret>, Error> {
        let mut opened = self.open(tenant, name).await?;
        if matches!(opened, Some(Err(Unreadable::OtherKey))) {
            // The master key may have changed between reading the row and looking for its key.
            opened = self.open(tenant, name).await?;
        }
        opened.transpose().map_err(|why| Error::Corrupt {
            kind: "secret",
            name: name.to_owned(),
            why: why.as_str(),
        })
    }

    async fn list(&self, tenant: TenantId) -> Result<Vec<(String, Timestamp)>, Error> {
        let rows = sqlx::query("select name, set_at from secrets where tenant_id = ?1 order by name")
            .bind(tenant.to_string())
            .fetch_all(&mut *self.database.reader().await?)
            .await
            .map_err(Fault::from)?;
        let names = rows.iter().map(|row| {
            let columns = Columns::of("secrets", row);
            Ok((columns.get("name")?, columns.time("set_at")?))
        });
        Ok(names.collect::<Result<_, Fault>>()?)
    }

    async fn remove(&self, tenant: TenantId, name: &str) -> Result<bool, Error> {
        let name = name.to_owned();
        self.database
            .write(move |batch| {
                Box::pin(async move {
                    let done = sqlx::query("delete from secrets where tenant_id = ?1 and name = ?2")
                        .bind(tenant.to_string())
                        .bind(name)
                        .execute(&mut *batch.connection)
                        .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }
}

impl SqliteSecrets {
    async fn open(&self, tenant: TenantId, name: &str) -> Result<Option<Result<Secret, Unreadable>>, Fault> {
        let row = sqlx::query("select * from secrets where tenant_id = ?1 and name = ?2")
            .bind(tenant.to_string())
            .bind(name)
            .fetch_optional(&mut *self.database.reader().await?)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let sealed = read(&row)?;
        Ok(Some(match self.keys.ring() {
            Some(ring) => seal::open(&ring, tenant, name, &sealed),
            None => Err(Unreadable::OtherKey),
        }))
    }

    /// Draws a new key, wraps every secret's key with it, then forgets the keys before it. A crash in between loses
    /// nothing: the file holds old and new keys until no row needs the old ones.
    pub(crate) async fn rotate(&self) -> Result<Rewrapped, Error> {
        if !self.keys.has_file() {
            let why = "the operator brings the master key: open with the new one and the old one as retired";
            return Err(Error::Unavailable(why.into()));
        }
        self.on_keys(KeyKeeper::add).await?;
        let rewrapped = self.rewrap().await?;
        if rewrapped.lost == 0 {
            self.on_keys(KeyKeeper::forget_retired).await?;
        }
        Ok(rewrapped)
    }

    /// Wraps with the current key what is under another one.
    pub(crate) async fn rewrap(&self) -> Result<Rewrapped, Error> {
        let keys = Arc::clone(&self.keys);
        self.database.write(move |batch| Box::pin(rewrap(batch.connection, keys))).await
    }

    async fn on_keys(&self, work: fn(&KeyKeeper) -> std::io::Result<()>) -> Result<(), Error> {
        let keys = Arc::clone(&self.keys);
        let done = tokio::task::spawn_blocking(move || work(&keys)).await;
        done.map_err(std::io::Error::other).flatten().map_err(|error| unavailable(&error).into())
    }
}

async fn upsert(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    name: String,
    sealed: Sealed,
    at: Timestamp,
) -> Result<(), Reject<Error>> {
    let sql = "insert into secrets (tenant_id, name, key_id, wrapped_key, sealed, set_at) \
               values (?1, ?2, ?3, ?4, ?5, ?6) \
               on conflict (tenant_id, name) do update set key_id = excluded.key_id, \
               wrapped_key = excluded.wrapped_key, sealed = excluded.sealed, set_at = excluded.set_at";
    sqlx::query(sql)
        .bind(tenant.to_string())
        .bind(name)
        .bind(sealed.key_id)
        .bind(sealed.wrapped_key)
        .bind(sealed.sealed)
        .bind(int(at.as_millis()))
        .execute(connection)
        .await?;
    Ok(())
}

async fn rewrap(connection: &mut SqliteConnection, keys: Arc<KeyKeeper>) -> Result<Rewrapped, Reject<Error>> {
    let mut rewrapped = Rewrapped { moved: 0, lost: 0 };
    let Some(ring) = keys.ring() else {
        return Ok(rewrapped);
    };
    let sql =
        "select * from secrets where key_id <> ?1 -- every tenant: one master key wraps the keys of all";
    let rows = sqlx::query(sql).bind(ring.current_id()).fetch_all(&mut *connection).await?;
    for row in &rows {
        let columns = Columns::of("secrets", row);
        let (tenant, name) = (columns.word::<TenantId>("tenant_id")?, columns.get::<String>("name")?);
        let Ok(wrapped) = seal::rewrap(&ring, tenant, &name, &read(row)?) else {
            rewrapped.lost += 1;
            continue;
        };
        sqlx::query("update secrets set key_id = ?3, wrapped_key = ?4 where tenant_id = ?1 and name = ?2")
            .bind(tenant.to_string())
            .bind(name)
            .bind(ring.current_id())
            .bind(wrapped)
            .execute(&mut *connection)
            .await?;
        rewrapped.moved += 1;
    }
    Ok(rewrapped)
}

fn read(row: &SqliteRow) -> Result<Sealed, Fault> {
    let columns = Columns::of("secrets", row);
    Ok(Sealed {
        key_id: columns.get("key_id")?,
        wrapped_key: columns.get("wrapped_key")?,
        sealed: columns.get("sealed")?,
    })
}

fn no_key() -> Fault {
    Fault::Unavailable("there is no master key".into())
}

fn unavailable(error: &std::io::Error) -> Fault {
    if disk::is_full(error) {
        Fault::Full
    } else {
        Fault::Unavailable(format!("the master key can't be used: {error}"))
    }
}
