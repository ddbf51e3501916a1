//! Why a file could not be read or written.

use std::io;

use miyabi_core::error::{ErrorCode, Failure};
use rustix::io::Errno;

use super::shown;
use crate::git::NameError;

/// A file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The path is not one that may be used.
    #[error(transparent)]
    Path(#[from] NameError),
    /// The path leads through a link, or to something that is no regular file.
    #[error("`{path}` is no regular file, or a part of its path is no folder")]
    NotAFile {
        /// The path, for people.
        path: String,
    },
    /// The file is larger than asked for.
    #[error("`{path}` has {size} bytes; at most {limit} are read")]
    TooLarge {
        /// The path, for people.
        path: String,
        /// Its size, in bytes.
        size: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The system refused.
    #[error("could not {action} `{path}`: {source}")]
    Io {
        /// A verb, such as `open`.
        action: &'static str,
        /// The path, for people.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn at(action: &'static str, path: &[u8], source: io::Error) -> Self {
        let path = shown(path);
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::LOOP | Errno::NOTDIR | Errno::ISDIR | Errno::XDEV) => Self::NotAFile { path },
            _ if source.kind() == io::ErrorKind::InvalidInput => Self::NotAFile { path },
            _ => Self::Io { action, path, source },
        }
    }

    /// The failure of a step that ran into this.
    pub(crate) fn into_failure(self) -> Failure {
        let message = self.to_string();
        match &self {
            Self::Path(_) | Self::NotAFile { .. } | Self::TooLarge { .. } => {
                Failure::permanent(ErrorCode::RequestInvalid, message)
            }
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Failure::retry(ErrorCode::StoreFull, message)
                }
                io::ErrorKind::InvalidFilename | io::ErrorKind::PermissionDenied => {
                    Failure::permanent(ErrorCode::RequestInvalid, message)
                }
                _ => Failure::retry(ErrorCode::StoreUnavailable, message),
            },
        }
    }
}
