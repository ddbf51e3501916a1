//! Why a snapshot could not be made or brought back.

use std::io;

use miyabi_core::digest::Digest;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::artifacts;

/// A snapshot could not be made or brought back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is more than may be stored.
    #[error("the checkout has {what}")]
    TooLarge {
        /// What there is too much of, and how much is allowed.
        what: String,
    },
    /// A file could not be read or written.
    #[error("could not {action} `{path}`: {source}")]
    File {
        /// A verb, such as `read`.
        action: &'static str,
        /// The path in the checkout, for people.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The artifact is no snapshot, or of a version that this program does not know.
    #[error("artifact `{digest}` is no snapshot that can be read: {reason}")]
    Unreadable {
        /// The artifact.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// A stored content is not what it should be.
    #[error("the stored content of `{path}` is damaged")]
    Damaged {
        /// The path in the checkout, for people.
        path: String,
    },
    /// The folder to export to is not empty.
    #[error("the folder to export to is not empty")]
    NotEmpty,
    /// Artifacts could not be stored or read.
    #[error(transparent)]
    Artifacts(#[from] artifacts::Error),
}

impl Error {
    pub(super) fn at(action: &'static str, path: &[u8]) -> impl Fn(io::Error) -> Self {
        let path = if path.is_empty() { ".".to_owned() } else { crate::files::shown(path) };
        move |source| Self::File { action, path: path.clone(), source }
    }

    /// The failure of a step that ran into this.
    pub(crate) fn into_failure(self) -> Failure {
        let message = self.to_string();
        match self {
            Self::TooLarge { .. } => Failure::permanent(ErrorCode::RepositoryTooLarge, message),
            Self::File { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Failure::retry(ErrorCode::StoreFull, message)
                }
                // Somebody took the right to read or write it; trying again changes nothing.
                io::ErrorKind::PermissionDenied => Failure::permanent(ErrorCode::RequestInvalid, message),
                _ => Failure::retry(ErrorCode::StoreUnavailable, message),
            },
            Self::Unreadable { .. } | Self::Damaged { .. } => {
                Failure::permanent(ErrorCode::StoreCorrupt, message)
            }
            Self::NotEmpty => Failure::permanent(ErrorCode::RequestInvalid, message),
            Self::Artifacts(error) => error.into_failure(),
        }
    }
}
