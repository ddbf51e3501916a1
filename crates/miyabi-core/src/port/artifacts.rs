//! The port to artifacts: contents by digest.

use std::path::Path;

use async_trait::async_trait;

use crate::digest::Digest;

/// Why an artifact could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none of this digest.
    #[error("no artifact `{0}`")]
    Missing(Digest),
    /// What is stored is not what the digest names.
    #[error("artifact `{0}` does not match its digest")]
    Corrupt(Digest),
    /// No space is left.
    #[error("no space is left for artifacts")]
    Full,
    /// The disk failed.
    #[error("artifacts can't be reached: {0}")]
    Unavailable(String),
}

/// Contents by digest. Storing the same content twice stores it once; what is stored never changes.
#[async_trait]
pub trait Artifacts: Send + Sync {
    /// Stores some bytes; when this returns they are on the disk.
    async fn put(&self, bytes: &[u8]) -> Result<Digest, Error>;

    /// Stores a file's bytes without holding them in memory. The file is left alone.
    async fn put_file(&self, path: &Path) -> Result<Digest, Error>;

    /// The whole content, checked against the digest.
    async fn get(&self, digest: Digest) -> Result<Vec<u8>, Error>;

    /// Some bytes from an offset; fewer at the end. Not checked against the digest.
    async fn read(&self, digest: Digest, offset: u64, length: usize) -> Result<Vec<u8>, Error>;

    /// The content's size in bytes; `None` if there is none.
    async fn size(&self, digest: Digest) -> Result<Option<u64>, Error>;
}

impl Error {
    /// The failure of a step that ran into this.
    pub fn into_failure(self) -> crate::error::Failure {
        use crate::error::{ErrorCode, Failure};
        let message = self.to_string();
        match self {
            Self::Missing(_) => Failure::permanent(ErrorCode::ArtifactMissing, message),
            Self::Corrupt(_) => Failure::permanent(ErrorCode::StoreCorrupt, message),
            Self::Full => Failure::retry(ErrorCode::StoreFull, message),
            Self::Unavailable(_) => Failure::retry(ErrorCode::StoreUnavailable, message),
        }
    }
}
