//! Private homes for the levels without namespaces, where no temporary file system can be mounted.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder that vanishes with the command.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
}

impl Home {
    /// Creates a new folder that only its owner can enter.
    pub(super) fn create(state_dir: &Path) -> io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let parent = state_dir.join("homes");
        // Passed through by the dropped id, so it may be entered but not listed.
        match fs::DirBuilder::new().recursive(false).mode(0o711).create(&parent) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("{}-{number}", std::process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path }),
                // Left over from a program of the same process id that was killed.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What a command made unreadable for its own user stays until the operator removes it.
        let _removed = fs::remove_dir_all(&self.path);
    }
}
