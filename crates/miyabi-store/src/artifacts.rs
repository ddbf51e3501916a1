//! Artifacts on disk: one file per content, named by its SHA-256.
//!
//! A file appears under its name only when its bytes are on the disk, so a name that exists is a content that is
//! whole. All file work blocks and runs on the runtime's blocking threads.

mod files;
mod sweep;

use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use miyabi_core::digest::Digest;
use miyabi_core::port::artifacts::{Artifacts, Error};
use miyabi_core::time::Timestamp;
use tokio::sync::{Mutex, MutexGuard};

use crate::disk;
use crate::folder::Layout;
use files::Shelf;

pub(crate) use files::{is_whole, path_of};
pub(crate) use sweep::walk;
pub use sweep::{Swept, Total};

/// The artifacts of a data folder.
#[derive(Debug, Clone)]
pub struct DiskArtifacts {
    shelf: Arc<Shelf>,
    /// Held by whoever needs that nothing is removed.
    sweeps: Arc<Mutex<()>>,
}

impl DiskArtifacts {
    /// Opens the artifacts of a folder that this process owns, and removes what a killed process left half-written.
    /// Blocks for a few system calls.
    pub(crate) fn open(layout: &Layout) -> io::Result<Self> {
        let shelf = Arc::new(Shelf::open(layout.artifacts())?);
        Ok(Self { shelf, sweeps: Arc::default() })
    }

    /// Removes artifacts that `keep` does not want and that were last stored before `older_than`.
    ///
    /// An artifact is stored before the event that names it; the age protects those in between, so it must reach
    /// further back than the longest step.
    pub async fn sweep(
        &self,
        keep: impl Fn(&Digest) -> bool + Send + 'static,
        older_than: Timestamp,
    ) -> Result<Swept, Error> {
        let _alone = self.hold().await;
        self.blocking(move |shelf| sweep::sweep(shelf, keep, older_than)).await
    }

    /// Keeps sweeps waiting while the guard lives.
    pub(crate) async fn hold(&self) -> MutexGuard<'_, ()> {
        self.sweeps.lock().await
    }

    /// How many artifacts there are and how large they are together.
    pub async fn total(&self) -> Result<Total, Error> {
        self.blocking(|shelf| sweep::total(shelf.root())).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shelf) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let shelf = Arc::clone(&self.shelf);
        let done = tokio::task::spawn_blocking(move || work(&shelf)).await;
        done.map_err(io::Error::other).flatten().map_err(unavailable)
    }
}

#[async_trait]
impl Artifacts for DiskArtifacts {
    async fn put(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let bytes = bytes.to_vec();
        self.blocking(move |shelf| shelf.put(&bytes)).await
    }

    async fn put_file(&self, path: &Path) -> Result<Digest, Error> {
        let path = path.to_owned();
        self.blocking(move |shelf| shelf.put_file(&path)).await
    }

    async fn get(&self, digest: Digest) -> Result<Vec<u8>, Error> {
        let bytes = self.blocking(move |shelf| shelf.get(digest)).await?;
        let bytes = bytes.ok_or(Error::Missing(digest))?;
        if Digest::of(&bytes) == digest { Ok(bytes) } else { Err(Error::Corrupt(digest)) }
    }

    async fn read(&self, digest: Digest, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        let window = self.blocking(move |shelf| shelf.read(digest, offset, length)).await?;
        window.ok_or(Error::Missing(digest))
    }

    async fn size(&self, digest: Digest) -> Result<Option<u64>, Error> {
        self.blocking(move |shelf| shelf.size(digest)).await
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits `map_err`")]
fn unavailable(error: io::Error) -> Error {
    if disk::is_full(&error) { Error::Full } else { Error::Unavailable(error.to_string()) }
}
