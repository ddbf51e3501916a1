//! The gate that a new service waits at until it is on record that it was started.
//!
//! Between starting a process and noting its id, the program may be killed; then nobody would know the process, and a
//! repeat would start a second one. So the process first waits for a lock that the program holds. The kernel frees
//! the lock when the program ends, however it ends, and the process then reads whether it was meant to begin.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::disk;

const CLOSED: &[u8] = b"closed";
const OPEN: &[u8] = b"open  ";
/// What the names of gates begin with.
const PREFIX: &str = "gate-";

/// A closed gate. Dropping it sends whoever waits away.
#[derive(Debug)]
pub(super) struct Gate {
    file: File,
    path: PathBuf,
}

impl Gate {
    /// Makes a gate in a folder and removes older ones. Blocking.
    ///
    /// Its name is never used again: a process whose starter died may come late, and must not find the gate of the
    /// next one.
    pub(super) fn close(folder: &Path) -> io::Result<Self> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                disk::remove_if_there(&entry.path())?;
            }
        }
        let made = tempfile::Builder::new().prefix(PREFIX).rand_bytes(16).tempfile_in(folder)?;
        let (mut file, path) = made.keep().map_err(|error| error.error)?;
        // Others may read it: the service runs under an id of its own. There is nothing in it to hide.
        file.set_permissions(Permissions::from_mode(0o644))?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        file.write_all(CLOSED)?;
        Ok(Self { file, path })
    }

    /// Where the service finds it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its file name, by which it is noted.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Lets whoever waits begin. Blocking.
    pub(super) fn open(mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(OPEN)
    }
}

/// Whether a gate was opened. Blocking, briefly.
pub(super) fn is_open(path: &Path) -> bool {
    fs::read(path).is_ok_and(|word| word == OPEN)
}

/// The service's side: waits, and returns whether to begin. Blocking.
pub(crate) fn wait(path: &Path) -> io::Result<bool> {
    let mut file = File::options().read(true).open(path)?;
    rustix::io::retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::LockShared))?;
    let mut word = Vec::new();
    file.read_to_end(&mut word)?;
    Ok(word == OPEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opened_gate_lets_in_and_a_dropped_one_sends_away() {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::close(folder.path()).unwrap();
        let path = gate.path().to_path_buf();
        assert!(!is_open(&path));
        let waiting = std::thread::spawn({
            let path = path.clone();
            move || wait(&path).unwrap()
        });
        gate.open().unwrap();
        assert!(waiting.join().unwrap() && is_open(&path));

        let dropped = Gate::close(folder.path()).unwrap().path().to_path_buf();
        assert!(!wait(&dropped).unwrap());
        assert!(wait(&path).is_err(), "the older one is gone");
    }

    #[test]
    fn a_waiter_waits_while_the_gate_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::close(folder.path()).unwrap();
        let held = File::open(gate.path()).unwrap();
        let tried = rustix::fs::flock(&held, FlockOperation::NonBlockingLockShared);
        assert_eq!(tried, Err(rustix::io::Errno::WOULDBLOCK));
        gate.open().unwrap();
        rustix::fs::flock(&held, FlockOperation::NonBlockingLockShared).unwrap();
    }
}
