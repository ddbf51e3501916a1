//! The right to write a project's repository: one writer at a time in this process and on this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use miyabi_core::error::Failure;
use miyabi_core::id::ProjectId;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::GitRepositories;
use crate::git::{self, Bare, Command, Format, WriteLock};

/// What is remembered about a project's repository between two writers.
#[derive(Debug)]
pub(super) struct Door {
    queue: Arc<Mutex<()>>,
    /// Whether the last writer may have left something half done. True at first: it may have been another process.
    is_untidy: AtomicBool,
}

impl Default for Door {
    fn default() -> Self {
        Self { queue: Arc::default(), is_untidy: AtomicBool::new(true) }
    }
}

/// The one writer of a repository. One that is dropped without [`Writer::done`] leaves the tidying to the next.
#[derive(Debug)]
pub(crate) struct Writer {
    bare: Bare,
    folder: PathBuf,
    lock: WriteLock,
    door: Arc<Door>,
    _turn: OwnedMutexGuard<()>,
}

impl GitRepositories {
    /// Waits for its turn to write a project's repository, which must exist.
    pub(crate) async fn writer(&self, project: ProjectId) -> Result<Writer, Failure> {
        self.begin(project, None).await.map_err(git::Error::into_failure)
    }

    /// Like [`Self::writer`], and makes the repository if it is missing.
    pub(super) async fn first_writer(&self, project: ProjectId, format: Format) -> Result<Writer, Failure> {
        self.begin(project, Some(format)).await.map_err(git::Error::into_failure)
    }

    async fn begin(&self, project: ProjectId, make: Option<Format>) -> Result<Writer, git::Error> {
        let door = {
            let mut doors = self.doors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Arc::clone(doors.entry(project).or_default())
        };
        let turn = Arc::clone(&door.queue).lock_owned().await;
        let bare = self.bare(project);
        let folder = bare.path().parent().unwrap_or(Path::new("/")).to_path_buf();
        let made = folder.clone();
        crate::blocking(move || make_folders(&made)).await?;
        let lock = WriteLock::take(&folder.join("write.lock")).await?;
        let is_untidy = door.is_untidy.swap(true, Ordering::AcqRel);
        let prepared = bare.clone();
        let lock = crate::blocking(move || {
            if let Some(format) = make {
                prepared.ensure(format)?;
            }
            if is_untidy {
                lock.sweep(prepared.path())?;
                sweep_scratch(prepared.path().parent().unwrap_or(Path::new("/")))?;
            }
            Ok::<_, git::Error>(lock)
        })
        .await?;
        Ok(Writer { bare, folder, lock, door, _turn: turn })
    }
}

impl Writer {
    pub(crate) fn bare(&self) -> &Bare {
        &self.bare
    }

    /// The project's folder in the data folder, for passing files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A command that writes.
    pub(crate) fn command<A: Into<std::ffi::OsString>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Command, git::Error> {
        self.bare.command(args).holding(&self.lock)
    }

    /// Lets a command hold the lock that works in another repository on behalf of this one.
    pub(crate) fn lend(&self, command: Command) -> Result<Command, git::Error> {
        command.holding(&self.lock)
    }

    /// Protects a commit from every clean-up.
    pub(crate) async fn keep(&self, commit: &str) -> Result<(), git::Error> {
        let name = format!("refs/miyabi/keep/{commit}");
        self.command(["update-ref", &name, commit])?.run().await.map(drop)
    }

    /// Everything that was begun is finished.
    pub(crate) fn done(self) {
        self.door.is_untidy.store(false, Ordering::Release);
    }
}

fn make_folders(folder: &Path) -> Result<(), git::Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    // Sandboxed commands pass through on their way to the objects, without seeing what else is here.
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o711).create(folder);
    made.map_err(|source| git::Error::File { action: "make the project's folder", source })
}

/// Removes passing repositories and files of writers that were killed.
fn sweep_scratch(folder: &Path) -> Result<(), git::Error> {
    let sweep = || -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_left = |prefix: &str| name.to_string_lossy().starts_with(prefix);
            if is_left("scratch-") || is_left("new-") {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    };
    sweep().map_err(|source| git::Error::File { action: "remove what a killed writer left", source })
}
