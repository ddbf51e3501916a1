//! Who may write a repository of ours, and what a killed writer leaves behind.
//!
//! Only one writer at a time, held by a lock on a file beside the repository. Each git that writes has the locked file
//! as its standard input, so the lock outlives a host process that was killed for exactly as long as its git does. Who
//! gets the lock therefore knows: every `.lock` file that is still there belongs to nobody, and may be removed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::error::Error;

/// How long another writer is waited for. A fetch of a large repository may take its time.
const PATIENCE: Duration = Duration::from_secs(600);
/// Time between two tries. Only another process can hold the lock, so waits are rare.
const INTERVAL: Duration = Duration::from_millis(20);

/// The right to write one repository.
#[derive(Debug)]
pub(crate) struct WriteLock(File);

impl WriteLock {
    /// Waits for the lock. The file is made if it is missing.
    pub(crate) async fn take(path: &Path) -> Result<Self, Error> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(libc::O_NOFOLLOW)
            .mode(0o600)
            .open(path)
            .map_err(|source| Error::File { action: "open the lock file", source })?;
        let given_up_at = Instant::now() + PATIENCE;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(Errno::AGAIN) if Instant::now() < given_up_at => tokio::time::sleep(INTERVAL).await,
                Err(Errno::AGAIN) => {
                    return Err(Error::Locked { seconds: PATIENCE.as_secs() });
                }
                Err(error) => {
                    return Err(Error::File { action: "lock", source: error.into() });
                }
            }
        }
    }

    /// The locked file for a child.
    pub(super) fn share(&self) -> Result<File, Error> {
        self.0.try_clone().map_err(|source| Error::File { action: "share the lock", source })
    }

    /// Removes what killed writers left: lock files and half-written objects. Blocking.
    pub(crate) fn sweep(&self, repository: &Path) -> Result<(), Error> {
        let swept = sweep_locks(repository, &|name| name.ends_with(".lock"), 1)
            .and_then(|()| sweep_locks(&repository.join("refs"), &|name| name.ends_with(".lock"), usize::MAX))
            .and_then(|()| sweep_locks(&repository.join("objects"), &is_half_written, 2));
        swept.map_err(|source| Error::File { action: "remove what a killed git left", source })
    }
}

fn is_half_written(name: &str) -> bool {
    name.starts_with("tmp_")
        || name.starts_with("tmp-")
        || name.starts_with("incoming-")
        || name.ends_with(".lock")
}

fn sweep_locks(folder: &Path, is_left: &dyn Fn(&str) -> bool, depth: usize) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        match entry.file_name().to_str() {
            Some(name) if is_left(name) && kind.is_dir() => fs::remove_dir_all(entry.path())?,
            Some(name) if is_left(name) => fs::remove_file(entry.path())?,
            _ if kind.is_dir() && depth > 1 => sweep_locks(&entry.path(), is_left, depth - 1)?,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
