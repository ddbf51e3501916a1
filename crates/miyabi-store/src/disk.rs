//! Small things about files that more than one module needs. All of it blocks.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes the name of a file durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Whether a write failed because there is no more space for this user.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Puts a small private file in the place of the one that stands there, whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = begin_beside(path)?;
    draft.write_all(bytes)?;
    draft.keep(path)
}

/// Copies a file into a private one of another name, whole or not at all. Holds no more than a window in memory.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut draft = begin_beside(to)?;
    io::copy(&mut File::open(from)?, &mut draft.file)?;
    draft.keep(to)
}

fn begin_beside(path: &Path) -> io::Result<Draft> {
    let draft = path.with_added_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {} // Left behind by a process that was killed.
    }
    Draft::begin(draft)
}

/// A file that is being written (mode 0600). Gone when dropped, unless it was kept.
pub(crate) struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    /// Begins a new file.
    pub(crate) fn begin(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { path, file })
    }

    /// Brings the content to the disk, then the file to its name, in place of what stood there.
    pub(crate) fn keep(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        sync_parent(target)
        // Dropping it now removes a name that exists no more.
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Either it was kept and has another name, or nobody wants it; what can't be removed is swept at next open.
        let _ = fs::remove_file(&self.path);
    }
}
