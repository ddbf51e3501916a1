//! The store: what it holds, and cleaning it up.

use std::collections::BTreeSet;

use miyabi_core::id::RunId;
use miyabi_core::port::retention::{StoreFacts, Swept, Total};
use miyabi_core::usecase::gc;
use serde::{Deserialize, Serialize};

/// What the store is and holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreInfo {
    /// The number of the last migration.
    pub schema_version: u64,
    /// The size of the database, in bytes.
    pub database_bytes: u64,
    /// Stored contents.
    pub artifacts: ArtifactTotal,
}

/// Contents and their size together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactTotal {
    /// How many.
    pub count: u64,
    /// Their size, in bytes.
    pub size_bytes: u64,
}

impl From<Total> for ArtifactTotal {
    fn from(total: Total) -> Self {
        Self { count: total.count, size_bytes: total.size_bytes }
    }
}

impl From<StoreFacts> for StoreInfo {
    fn from(facts: StoreFacts) -> Self {
        Self {
            schema_version: facts.schema_version,
            database_bytes: facts.database_bytes,
            artifacts: facts.artifacts.into(),
        }
    }
}

/// Cleans up by the operator's policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GcRequest {
    /// Only tell what would go.
    pub dry_run: bool,
    /// Ended runs whose unmerged change is given up.
    pub discard: BTreeSet<RunId>,
}

impl From<GcRequest> for gc::CollectGarbage {
    fn from(request: GcRequest) -> Self {
        Self { dry_run: request.dry_run, discard: request.discard }
    }
}

/// What went, or would go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Whether it only would go.
    pub dry_run: bool,
    /// Records of ended runs.
    pub runs: Vec<RunId>,
    /// Checkouts, as `run/task`.
    pub checkouts: Vec<String>,
    /// Ended runs that are kept because their change is neither merged nor given up.
    pub kept_for_their_change: Vec<RunId>,
    /// Contents that went; `null` when it was not looked.
    pub artifacts_removed: Option<ArtifactTotal>,
    /// Contents that are left; `null` when it was not looked.
    pub artifacts_kept: Option<ArtifactTotal>,
    /// Old releases.
    pub releases: u32,
}

impl Collected {
    pub(crate) fn new(dry_run: bool, collected: gc::Collected) -> Self {
        let swept: Option<Swept> = collected.artifacts;
        Self {
            dry_run,
            runs: collected.runs,
            checkouts: collected.checkouts.iter().map(ToString::to_string).collect(),
            kept_for_their_change: collected.kept_for_their_change,
            artifacts_removed: swept.map(|swept| swept.removed.into()),
            artifacts_kept: swept.map(|swept| swept.kept.into()),
            releases: collected.releases,
        }
    }
}
