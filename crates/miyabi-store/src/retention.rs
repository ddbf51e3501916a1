//! The retention ports over the store: removes what a use case decided may go, and tells what is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use miyabi_core::digest::Digest;
use miyabi_core::id::{RunId, TenantId};
use miyabi_core::port::retention::{
    ArtifactRetention, RunRetention, StoreFacts, StoreInfo, Swept as PortSwept, Total as PortTotal,
};
use miyabi_core::port::{artifacts, journal, records};
use miyabi_core::time::Timestamp;

use crate::artifacts::{DiskArtifacts, Total};
use crate::sqlite::database::Database;
use crate::sqlite::fault::Fault;
use crate::sqlite::{idempotency, retention};

/// Removes from and looks at one store.
pub(crate) struct StoreRetention {
    pub(crate) database: Arc<Database>,
    pub(crate) artifacts: DiskArtifacts,
}

#[async_trait]
impl RunRetention for StoreRetention {
    async fn remove_run(&self, tenant: TenantId, run: RunId) -> Result<bool, journal::Error> {
        retention::remove_run(&self.database, tenant, run).await
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, journal::Error> {
        Ok(retention::tenants(&self.database).await?)
    }

    async fn forget_answers(&self, before: Timestamp) -> Result<u64, records::Error> {
        idempotency::forget_before(&self.database, before).await
    }
}

#[async_trait]
impl ArtifactRetention for StoreRetention {
    async fn sweep(
        &self,
        keep: BTreeSet<Digest>,
        older_than: Timestamp,
    ) -> Result<PortSwept, artifacts::Error> {
        let swept = self.artifacts.sweep(move |digest| keep.contains(digest), older_than).await?;
        Ok(PortSwept { removed: swept.removed.into(), kept: swept.kept.into() })
    }

    async fn total(&self) -> Result<PortTotal, artifacts::Error> {
        Ok(self.artifacts.total().await?.into())
    }
}

#[async_trait]
impl StoreInfo for StoreRetention {
    async fn facts(&self) -> Result<StoreFacts, records::Error> {
        let (schema_version, database_bytes) = retention::facts(&self.database).await?;
        let total = self.artifacts.total().await;
        let total = total.map_err(|error| Fault::Unavailable(error.to_string()))?;
        Ok(StoreFacts { schema_version, database_bytes, artifacts: total.into() })
    }
}

impl From<Total> for PortTotal {
    fn from(total: Total) -> Self {
        Self { count: total.count, size_bytes: total.size_bytes }
    }
}
