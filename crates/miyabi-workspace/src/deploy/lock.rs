//! One deployment of a project at a time, in this process and others. The kernel frees a lock whose holder died.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::disk;
use super::error::Error;

/// How long one deployment waits for another; the longest part of one is copying files.
const PATIENCE: Duration = Duration::from_secs(120);
/// Time between two tries.
const INTERVAL: Duration = Duration::from_millis(10);

/// Held as long as it lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock, making its folder if need be. The tries themselves run on blocking threads.
    pub(super) async fn take(path: PathBuf) -> Result<Self, Error> {
        let began = Instant::now();
        loop {
            let tried = crate::blocking({
                let path = path.clone();
                move || try_take(&path).map_err(Error::file("lock", "lock"))
            });
            if let Some(lock) = tried.await? {
                return Ok(lock);
            }
            if began.elapsed() > PATIENCE {
                return Err(Error::Busy);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Waits on this thread.
    pub(super) fn take_blocking(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        rustix::io::retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::LockExclusive))?;
        Ok(Self { _file: file })
    }
}

fn try_take(path: &Path) -> io::Result<Option<Lock>> {
    let file = open(path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(Lock { _file: file })),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        disk::make_folder(folder)?;
    }
    File::options().write(true).create(true).truncate(false).mode(0o600).open(path)
}
