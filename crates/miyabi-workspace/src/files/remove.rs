//! Removing trees of any shape in constant memory and with a handful of descriptors.
//!
//! A tree may be nested deeper than paths and call stacks can go. So nothing descends further than a few levels: what
//! lies deeper is first moved up into the trash, to be emptied in turn.

use std::io;
use std::path::Path;

use rustix::fs::Dir;
use rustix::io::Errno;

use super::Folder;

/// How many levels are gone down before what lies deeper is moved up.
const LEVELS: usize = 32;

/// A folder of ours, on the file system of what is to be removed, in which nothing is kept.
#[derive(Debug)]
pub(crate) struct Trash(Folder);

impl Trash {
    /// Opens the trash, makes it if it is missing.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Folder::open(path).map(Self)
    }

    /// Removes whatever is there under this name.
    pub(crate) fn remove(&self, folder: &Folder, name: &[u8]) -> io::Result<()> {
        match folder.unlink(name) {
            Ok(_) => return Ok(()),
            Err(error) if is_folder(&error) => {}
            Err(error) => return Err(error),
        }
        self.throw_in(folder, name)?;
        self.empty()
    }

    /// Removes everything that is in a folder; the folder stays.
    pub(crate) fn remove_all_in(&self, folder: &Folder) -> io::Result<()> {
        names(folder)?.iter().try_for_each(|name| self.remove(folder, name))
    }

    /// Removes everything that is in the trash, also what an earlier process left there.
    pub(crate) fn empty(&self) -> io::Result<()> {
        loop {
            let names = names(&self.0)?;
            if names.is_empty() {
                return Ok(());
            }
            for name in names {
                match self.0.unlink(&name) {
                    Ok(_) => continue,
                    Err(error) if is_folder(&error) => {}
                    Err(error) => return Err(error),
                }
                self.clear(&self.0, &name, LEVELS)?;
            }
        }
    }

    /// Removes a folder with everything in it; folders far below go to the trash.
    fn clear(&self, parent: &Folder, name: &[u8], levels: usize) -> io::Result<()> {
        parent.make_enterable(name)?;
        let folder = parent.open_folder(name)?;
        for name in names(&folder)? {
            match folder.unlink(&name) {
                Ok(_) => {}
                Err(error) if !is_folder(&error) => return Err(error),
                Err(_) if levels > 0 => self.clear(&folder, &name, levels - 1)?,
                Err(_) => self.throw_in(&folder, &name)?,
            }
        }
        parent.remove_empty(name).map(drop)
    }

    fn throw_in(&self, folder: &Folder, name: &[u8]) -> io::Result<()> {
        if folder.remove_empty(name)? {
            return Ok(());
        }
        // A folder can only be moved by who may write it.
        folder.make_enterable(name)?;
        static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let own = format!("{}-{number}", std::process::id());
            match self.0.take(folder, name, own.as_bytes()) {
                Err(error) if error.raw_os_error() == Some(Errno::NOTEMPTY.raw_os_error()) => {}
                Err(error) if error.raw_os_error() == Some(Errno::EXIST.raw_os_error()) => {}
                moved => return moved,
            }
        }
    }
}

/// Unlinking a folder as if it were a file says that it is one.
fn is_folder(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    // Linux says the first, POSIX the second.
    matches!(code, Some(Errno::ISDIR | Errno::PERM))
}

fn names(folder: &Folder) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}
