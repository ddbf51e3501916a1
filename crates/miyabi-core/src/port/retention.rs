//! The ports to removal: what the other ports keep for ever unless somebody decides otherwise. What may go is decided
//! by `usecase::gc`; these methods only remove, and refuse what would lose work.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::checkouts::CheckoutId;
use super::{artifacts, journal, records};
use crate::digest::Digest;
use crate::error::Failure;
use crate::id::{RunId, TenantId};
use crate::time::Timestamp;

/// Removal of journals.
#[async_trait]
pub trait RunRetention: Send + Sync {
    /// Removes an ended run's events and row; whether there were any. A run that has not ended is left alone.
    async fn remove_run(&self, tenant: TenantId, run: RunId) -> Result<bool, journal::Error>;

    /// Tenants that have runs, for clean-ups that concern the whole data folder.
    async fn tenants(&self) -> Result<Vec<TenantId>, journal::Error>;

    /// Forgets answers to requests by idempotency key that were noted before a time; how many.
    async fn forget_answers(&self, before: Timestamp) -> Result<u64, records::Error>;
}

/// Things and their size together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// How many.
    pub count: u64,
    /// Their size, in bytes.
    pub size_bytes: u64,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// What was removed.
    pub removed: Total,
    /// What is left.
    pub kept: Total,
}

/// Removal of contents.
#[async_trait]
pub trait ArtifactRetention: Send + Sync {
    /// Removes contents that are not to be kept and were last stored before a time. A content that is stored again
    /// meanwhile stays.
    async fn sweep(&self, keep: BTreeSet<Digest>, older_than: Timestamp) -> Result<Swept, artifacts::Error>;

    /// All contents together.
    async fn total(&self) -> Result<Total, artifacts::Error>;
}

/// What checkouts there are.
#[async_trait]
pub trait CheckoutRetention: Send + Sync {
    /// All checkouts on the disk, those of runs nobody knows any more included.
    async fn list_checkouts(&self) -> Result<Vec<CheckoutId>, Failure>;

    /// The contents without which a stored snapshot of files can't be brought back; none for bytes that are no
    /// snapshot.
    fn references(&self, snapshot: &[u8]) -> Vec<Digest>;
}

/// What the store is: for people, not for decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFacts {
    /// The number of the last migration.
    pub schema_version: u64,
    /// The size of the database, in bytes.
    pub database_bytes: u64,
    /// The contents.
    pub artifacts: Total,
}

/// Facts about the store.
#[async_trait]
pub trait StoreInfo: Send + Sync {
    /// Looks at the store now.
    async fn facts(&self) -> Result<StoreFacts, records::Error>;
}
