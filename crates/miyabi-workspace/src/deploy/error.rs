//! Why something could not be deployed, and the classes the engine acts on.

use std::io;

use miyabi_core::error::{ErrorCode, Failure};

use super::tree::Shown;

/// A failure of the local deployment target.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that can't name a release.
    #[error("`{name}` can't be the name of a release")]
    Name {
        /// The text.
        name: String,
    },
    /// There is no such release, or it is not complete.
    #[error("no release `{name}`")]
    NoRelease {
        /// Its name.
        name: String,
    },
    /// A release of this name was made of another commit.
    #[error("release `{name}` exists already, made of commit `{commit}`")]
    OtherCommit {
        /// Its name.
        name: String,
        /// The commit it was made of.
        commit: String,
    },
    /// The project's way of deploying can't be carried out.
    #[error("the project's `deploy` settings are wrong: {reason}")]
    Config {
        /// What is wrong.
        reason: String,
    },
    /// The built folder can't become a release.
    #[error("the build can't become a release: {reason}")]
    Content {
        /// What is wrong with it.
        reason: String,
    },
    /// One entry of the built folder can't become part of a release.
    #[error("the build can't become a release: `{path}` {reason}")]
    Entry {
        /// Its path in the folder.
        path: Shown,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A release's files are not those it was made of.
    #[error("release `{name}` was changed since it was made; it is not started")]
    Changed {
        /// Its name.
        name: String,
    },
    /// A file of ours can't be read as what it should be.
    #[error("`{what}` of the deployment is damaged: {reason}")]
    Damaged {
        /// The file's name in the project's folder.
        what: String,
        /// Why it can't be read.
        reason: String,
    },
    /// Somebody else has been deploying this project for too long.
    #[error("another deployment of this project is under way")]
    Busy,
    /// All ports that were tried are taken.
    #[error("no free port was found on 127.0.0.1")]
    NoPort,
    /// The file system said no.
    #[error("could not {action} `{what}`: {source}")]
    File {
        /// A verb.
        action: &'static str,
        /// The file's name in the project's folder.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The process could not be started, ended or asked.
    #[error("{0}")]
    Service(Failure),
}

impl Error {
    pub(super) fn file(action: &'static str, what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::File { action, what, source }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Name { .. } | Error::Config { .. } => Self::permanent(ErrorCode::RequestInvalid, message),
            Error::NoRelease { .. } => Self::permanent(ErrorCode::NotFound, message),
            Error::OtherCommit { .. } => Self::permanent(ErrorCode::Conflict, message),
            Error::Content { .. } | Error::Entry { .. } => Self::permanent(ErrorCode::BuildFailed, message),
            Error::Changed { .. } => Self::permanent(ErrorCode::StoreCorrupt, message),
            Error::Damaged { .. } => Self::needs_person(ErrorCode::StoreCorrupt, message),
            Error::Busy => Self::retry(ErrorCode::Conflict, message),
            Error::NoPort => Self::retry(ErrorCode::StoreUnavailable, message),
            Error::File { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Self::needs_person(ErrorCode::StoreFull, message)
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Self::needs_person(ErrorCode::DataFolderUnusable, message)
                }
                _ => Self::retry(ErrorCode::StoreUnavailable, message),
            },
            Error::Service(failure) => failure,
        }
    }
}
