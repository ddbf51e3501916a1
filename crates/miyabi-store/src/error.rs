//! Why a data folder can't be opened, copied or brought back. What happens once it is open is told by the ports.

use std::io;
use std::path::{Path, PathBuf};

use miyabi_core::error::ErrorCode;

use crate::check::Problem;
use crate::disk;
use crate::folder;
use crate::sqlite::connect::OLDEST_LIBRARY;
use crate::sqlite::fault::Fault;

/// A failure with a data folder as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder itself can't be used.
    #[error(transparent)]
    Folder(#[from] folder::Error),
    /// A newer program wrote it. Nothing was changed.
    #[error(
        "the data folder `{}` has format {found}; this program ({}) knows formats up to {known}",
        .path.display(),
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// The SQLite that this program was built with is too old to be trusted with a journal.
    #[error(
        "this program was built with SQLite {found}; {}.{}.{} is the first that loses no commit",
        OLDEST_LIBRARY.0, OLDEST_LIBRARY.1, OLDEST_LIBRARY.2
    )]
    Library {
        /// The version.
        found: String,
    },
    /// A copy must not replace what is there.
    #[error("`{}` is not empty", .path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// A backup is not what was backed up, so it is not brought back.
    #[error("the backup `{}` is damaged: {}", .path.display(), first(.problems))]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What is wrong; never empty.
        problems: Vec<Problem>,
    },
    /// No space is left.
    #[error("could not {act}: no space is left")]
    Full {
        /// What was tried.
        act: &'static str,
    },
    /// The database does not do what was asked of it.
    #[error("could not {act}: {why}")]
    Database {
        /// What was tried.
        act: &'static str,
        /// What SQLite says.
        why: String,
    },
    /// A file beside the database can't be read or written.
    #[error("could not {act} `{}`", .path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// The stable name.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Folder(error) => error.code(),
            Self::Newer { .. } => ErrorCode::DataFolderNewer,
            Self::Full { .. } => ErrorCode::StoreFull,
            Self::Damaged { .. } => ErrorCode::StoreCorrupt,
            Self::Library { .. } | Self::Database { .. } => ErrorCode::StoreUnavailable,
            Self::Occupied { .. } | Self::File { .. } => ErrorCode::DataFolderUnusable,
        }
    }

    pub(crate) fn of(act: &'static str, fault: Fault) -> Self {
        match fault {
            Fault::Full => Self::Full { act },
            Fault::Unavailable(why) => Self::Database { act, why },
            Fault::Fenced => Self::Database { act, why: "another process took over".into() },
        }
    }

    pub(crate) fn sql(act: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |error| Self::of(act, error.into())
    }

    pub(crate) fn file(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            if disk::is_full(&source) { Self::Full { act } } else { Self::File { act, path, source } }
        }
    }
}

fn first(problems: &[Problem]) -> String {
    match problems {
        [] => "nothing is known of it".into(),
        [one] => one.to_string(),
        [one, more @ ..] => format!("{one}, and {} more", more.len()),
    }
}
