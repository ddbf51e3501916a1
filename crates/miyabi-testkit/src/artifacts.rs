//! Artifacts in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use miyabi_core::digest::Digest;
use miyabi_core::port::artifacts::{Artifacts, Error};

/// Contents by digest, gone with the process.
#[derive(Debug, Default)]
pub struct MemoryArtifacts(Mutex<BTreeMap<Digest, Vec<u8>>>);

impl MemoryArtifacts {
    /// Digests of everything that was stored.
    pub fn digests(&self) -> Vec<Digest> {
        self.0.lock().unwrap().keys().copied().collect()
    }

    /// Loses an artifact, as a broken disk would.
    pub fn lose(&self, digest: Digest) {
        self.0.lock().unwrap().remove(&digest);
    }

    /// Changes what is stored under a digest, as a broken disk would.
    pub fn corrupt(&self, digest: Digest, bytes: &[u8]) {
        self.0.lock().unwrap().insert(digest, bytes.to_vec());
    }
}

#[async_trait]
impl Artifacts for MemoryArtifacts {
    async fn put(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let digest = Digest::of(bytes);
        self.0.lock().unwrap().insert(digest, bytes.to_vec());
        Ok(digest)
    }

    async fn put_file(&self, path: &Path) -> Result<Digest, Error> {
        // Read in one go on the test's own thread: test files are small.
        let bytes = std::fs::read(path).map_err(|error| Error::Unavailable(error.to_string()))?;
        self.put(&bytes).await
    }

    async fn get(&self, digest: Digest) -> Result<Vec<u8>, Error> {
        let found = self.0.lock().unwrap().get(&digest).cloned();
        let bytes = found.ok_or(Error::Missing(digest))?;
        if Digest::of(&bytes) == digest { Ok(bytes) } else { Err(Error::Corrupt(digest)) }
    }

    async fn read(&self, digest: Digest, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        let stored = self.0.lock().unwrap();
        let bytes = stored.get(&digest).ok_or(Error::Missing(digest))?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(length).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }

    async fn size(&self, digest: Digest) -> Result<Option<u64>, Error> {
        Ok(self.0.lock().unwrap().get(&digest).map(|bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_stored_is_checked_when_it_is_read() {
        let artifacts = MemoryArtifacts::default();
        let digest = artifacts.put(b"hello").await.unwrap();
        assert_eq!(artifacts.get(digest).await.unwrap(), b"hello");
        assert_eq!(artifacts.read(digest, 3, 10).await.unwrap(), b"lo");
        assert_eq!(artifacts.read(digest, 9, 10).await.unwrap(), b"");
        artifacts.corrupt(digest, b"other");
        assert!(matches!(artifacts.get(digest).await, Err(Error::Corrupt(_))));
        artifacts.lose(digest);
        assert!(matches!(artifacts.get(digest).await, Err(Error::Missing(_))));
    }
}
