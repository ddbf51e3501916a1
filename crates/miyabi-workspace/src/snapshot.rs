//! Snapshots of a checkout: all files that git would not ignore, byte for byte, as one artifact that can be brought back.
//!
//! ```text
//! walk ── stamps known? ──> digest            manifest: names, modes, digests      (one artifact, small after the first)
//!            └─ no: read ──> pack ──────────> contents, one after another          (one artifact per snapshot with news)
//! ```
//!
//! Contents that are new since the last snapshot are stored together, because thousands of small artifacts cost
//! thousands of syncs. The first manifest of a checkout is whole, those after it say what differs from it. There is
//! deliberately no git here: a task may have written anything, its `.git` included.

mod error;
mod export;
mod fetch;
mod ignore;
mod manifest;
mod memory;
mod restore;
mod take;
mod walk;

use std::sync::Arc;

use miyabi_core::port::artifacts::Artifacts;

pub use self::error::Error;
pub(crate) use self::export::export;
pub use self::manifest::references;
pub(crate) use self::memory::Memory;
pub(crate) use self::restore::{Place, restore};
pub(crate) use self::take::{Source, take};
pub(crate) use self::walk::{Seen, Tracked, walk};

/// How large what is stored may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Files, links and folders.
    pub entries: usize,
    /// Folders within each other.
    pub depth: usize,
    /// Bytes that one snapshot may add to what is stored.
    pub new_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 500_000, depth: 128, new_bytes: 8 * 1024 * 1024 * 1024 }
    }
}

/// Artifacts, shared.
pub(crate) type Store = Arc<dyn Artifacts>;
