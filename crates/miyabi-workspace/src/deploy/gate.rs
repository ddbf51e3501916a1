//! The gate that a new service waits at until it is on record that it was started.
//!
//! Between starting a process and noting its id, the program may be killed; then nobody would know the process, and a
//! repeat would start a second one. So the process first waits for a lock that the program holds. The kernel frees
//! the lock when the program ends, however it ends, and the process then reads whether it was meant to begin.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

const CLOSED: &[u8] = b"closed";
const OPEN: &[u8] = b"open  ";

/// A closed gate. Dropping it sends whoever waits away.
#[derive(Debug)]
pub(super) struct Gate {
    file: File,
    path: PathBuf,
}

impl Gate {
    /// Makes a new gate in the place of an old one; who waits at the old one is not affected. Blocking.
    pub(super) fn close(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Others may read it: the service runs under an id of its own. There is nothing in it to hide.
        let mut file = File::options().read(true).write(true).create_new(true).mode(0o644).open(path)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        file.write_all(CLOSED)?;
        Ok(Self { file, path: path.to_path_buf() })
    }

    /// Where the service finds it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets whoever waits begin. Blocking.
    pub(super) fn open(mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(OPEN)
    }
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
        let path = folder.path().join("gate");
        let gate = Gate::close(&path).unwrap();
        let waiting = std::thread::spawn({
            let path = path.clone();
            move || wait(&path).unwrap()
        });
        gate.open().unwrap();
        assert!(waiting.join().unwrap());

        drop(Gate::close(&path).unwrap());
        assert!(!wait(&path).unwrap());
    }

    #[test]
    fn a_waiter_waits_while_the_gate_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gate");
        let gate = Gate::close(&path).unwrap();
        let held = File::open(&path).unwrap();
        let tried = rustix::fs::flock(&held, FlockOperation::NonBlockingLockShared);
        assert_eq!(tried, Err(rustix::io::Errno::WOULDBLOCK));
        gate.open().unwrap();
        rustix::fs::flock(&held, FlockOperation::NonBlockingLockShared).unwrap();
    }
}
