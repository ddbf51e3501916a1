//! The serial merge queue: one run at a time merges into a branch, in the order in which they came.
//!
//! The compare-and-set of the merge itself is what keeps a branch right; the queue only spares runs from computing
//! candidates that another merge makes stale.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use miyabi_core::id::ProjectId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A place at the head of a branch's queue.
pub(crate) type Place = OwnedSemaphorePermit;

/// The queues of all branches. Tokio's semaphore is fair, so each is first come, first served.
#[derive(Default)]
pub(crate) struct MergeQueue {
    branches: Mutex<BTreeMap<(ProjectId, String), Arc<Semaphore>>>,
}

impl MergeQueue {
    /// Waits for the head of a branch's queue.
    pub(crate) async fn enter(&self, project: ProjectId, branch: &str) -> Option<Place> {
        let queue = {
            let mut branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(
                branches.entry((project, branch.to_owned())).or_insert_with(|| Arc::new(Semaphore::new(1))),
            )
        };
        queue.acquire_owned().await.ok()
    }
}
