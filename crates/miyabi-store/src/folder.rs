//! The data folder: where everything lies, and the lock that makes one process its owner.
//!
//! ```text
//! miyabi.db (-wal, -shm)   journal and records, SQLite
//! artifacts/ab/cdef…       contents, by SHA-256; artifacts/tmp/ holds files that are being written
//! key                      the master key of the secrets, unless the operator brings one
//! backups/                 the database before each upgrade
//! lock                     held by the owner for its whole life; says its process id
//! socket                   where the owner answers other processes; made and removed by the server, not here
//! ```
//!
//! What is in the files is not this module's: see `store`, `artifacts` and `secrets`.

mod file_system;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use miyabi_core::error::ErrorCode;

/// Why the data folder can't be used by this process.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process owns it: connect to [`Layout::socket`] instead.
    #[error("another process{} owns the data folder `{}`", owner(*.process), .path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
        /// The owner, if the lock file tells.
        process: Option<u32>,
    },
    /// Locks and shared memory don't work there as SQLite needs them.
    #[error("the data folder `{}` lies on `{kind}`, where a database can be damaged; choose a local disk", .path.display())]
    NetworkFileSystem {
        /// The folder.
        path: PathBuf,
        /// The kind of file system.
        kind: String,
    },
    /// It holds somebody else's things, so it can't be made private.
    #[error("the folder `{}` is open to other users and not empty; choose one of its own for the data", .path.display())]
    Shared {
        /// The folder.
        path: PathBuf,
    },
    /// It can't be made, read or locked.
    #[error("the data folder `{}` can't be used: could not {act}", .path.display())]
    Unusable {
        /// The folder or a file in it.
        path: PathBuf,
        /// What was tried.
        act: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// The stable name.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Busy { .. } => ErrorCode::DataFolderBusy,
            Self::NetworkFileSystem { .. } | Self::Shared { .. } | Self::Unusable { .. } => {
                ErrorCode::DataFolderUnusable
            }
        }
    }
}

fn owner(process: Option<u32>) -> String {
    process.map_or_else(String::new, |process| format!(" (process {process})"))
}

/// The paths in a data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout below a folder, which need not exist.
    pub fn of(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.root.join("miyabi.db")
    }

    /// The folder of artifacts.
    pub fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    /// The file with the master key.
    pub fn key(&self) -> PathBuf {
        self.root.join("key")
    }

    /// The folder of backups made before upgrades.
    pub fn backups(&self) -> PathBuf {
        self.root.join("backups")
    }

    /// The lock file.
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The Unix socket of the owner.
    pub fn socket(&self) -> PathBuf {
        self.root.join("socket")
    }
}

/// A data folder that this process owns, until it is dropped.
#[derive(Debug)]
pub struct DataFolder {
    layout: Layout,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if it is missing (mode 0700), checks that it lies on a local disk and locks it. Blocks for
    /// a few system calls; never waits for the lock.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process owns it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        refuse_shared(path)?;
        make_private(path)?;
        let root = fs::canonicalize(path).map_err(unusable(path, "resolve its path"))?;
        if let Some(kind) = file_system::unsuitable(&root).map_err(unusable(&root, "read its file system"))? {
            return Err(Error::NetworkFileSystem { path: root, kind });
        }
        let layout = Layout { root };
        let lock = lock(&layout)?;
        for folder in [layout.artifacts(), layout.backups()] {
            make_private(&folder)?;
        }
        Ok(Self { layout, _lock: lock })
    }

    /// Where everything lies; the root is absolute.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// A folder named by mistake, such as `/tmp`, must not be made private: others would lose it.
fn refuse_shared(path: &Path) -> Result<(), Error> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(()); // It will be made.
    };
    let is_ours = Layout::of(path).database().exists() || Layout::of(path).lock().exists();
    if metadata.mode() & 0o077 == 0 || is_ours {
        return Ok(());
    }
    let mut entries = fs::read_dir(path).map_err(unusable(path, "read it"))?;
    match entries.next() {
        Some(_) => Err(Error::Shared { path: path.to_owned() }),
        None => Ok(()),
    }
}

/// Makes a folder that only its owner can enter; tightens one that exists.
pub(crate) fn make_private(path: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(unusable(path, "make the folder"))?;
    let mode = fs::metadata(path).map_err(unusable(path, "read its mode"))?.mode();
    if mode & 0o077 != 0 {
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(path, private).map_err(unusable(path, "make it private"))?;
    }
    Ok(())
}

fn lock(layout: &Layout) -> Result<File, Error> {
    let path = layout.lock();
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(unusable(&path, "open the lock file"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Error::Busy {
                path: layout.root.clone(),
                process: fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()),
            });
        }
        Err(TryLockError::Error(source)) => return Err(unusable(&path, "lock it")(source)),
    }
    // The id only helps people; the lock itself is what counts.
    let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    noted.map_err(unusable(&path, "write the lock file"))?;
    Ok(file)
}

fn unusable<'a>(path: &'a Path, act: &'static str) -> impl FnOnce(io::Error) -> Error + 'a {
    move |source| Error::Unusable { path: path.to_owned(), act, source }
}
