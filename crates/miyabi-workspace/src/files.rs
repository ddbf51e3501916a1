//! Files in folders that somebody else writes: every path is resolved beneath a folder's handle, by the kernel, through
//! no link, and what is opened must be a regular file.
//!
//! A task may have put anything where a file is expected: links to other places, pipes that never end, folders nested
//! without end. Nothing here follows, waits for or recurses into such things. All functions block.

mod error;
mod remove;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Uid};
use rustix::io::Errno;

pub use self::error::Error;
pub(crate) use self::remove::Trash;

/// Mode bits that a file may have: permissions, nothing that gives rights by running it.
pub(crate) const PERMISSIONS: u32 = 0o777;
/// How often a resolution is tried again that the kernel could not finish because something was renamed meanwhile.
const RESOLVE_TRIES: u32 = 64;

/// Whom new files belong to, if not to ourselves.
pub(crate) type Owner = Option<(u32, u32)>;

/// A folder, opened once. Paths are relative to it.
#[derive(Debug)]
pub(crate) struct Folder {
    handle: OwnedFd,
}

impl Folder {
    /// Opens a folder of our own. Its last part must not be a link.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        Ok(Self { handle })
    }

    /// Opens a folder beneath this one.
    pub(crate) fn open_folder(&self, path: &[u8]) -> io::Result<Self> {
        if path.is_empty() {
            return Ok(Self { handle: self.handle.try_clone()? });
        }
        let handle = self.resolve(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        Ok(Self { handle })
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// `NotFound` when there is none, also if a part of the path is a file; `InvalidInput` for links, and for what is
    /// no regular file.
    pub(crate) fn open_file(&self, path: &[u8]) -> io::Result<(File, Stat)> {
        // Non-blocking: opening a pipe that nobody writes would wait for ever.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        let handle = self.resolve(path, flags, Mode::empty()).map_err(|error| match error {
            Errno::LOOP | Errno::NXIO | Errno::XDEV => not_a_file(),
            Errno::NOTDIR => io::ErrorKind::NotFound.into(),
            error => error.into(),
        })?;
        let stat = rustix::fs::fstat(&handle)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(not_a_file());
        }
        Ok((File::from(handle), stat))
    }

    /// A file's bytes; `None` if there is none.
    pub(crate) fn read(&self, path: &[u8], max_bytes: u64) -> Result<Option<Vec<u8>>, Error> {
        let (file, stat) = match self.open_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|source| Error::at("open", path, source))?,
        };
        let too_large = |size| Error::TooLarge { path: shown(path), size, limit: max_bytes };
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if size > max_bytes {
            return Err(too_large(size));
        }
        let mut bytes = Vec::new();
        // It may grow while it is read.
        let read = file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|source| Error::at("read", path, source))?;
        if bytes.len() as u64 > max_bytes {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(Some(bytes))
    }

    /// What is at a path; links are not followed. `None` if nothing is there.
    pub(crate) fn look(&self, path: &[u8]) -> io::Result<Option<Stat>> {
        let (folder, name) = split(path);
        let folder = match self.open_folder(folder) {
            Err(error) if is_absent(&error) => return Ok(None),
            folder => folder?,
        };
        match rustix::fs::statat(&folder.handle, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the missing folders of a path. A part that is something else than a folder is an error.
    pub(crate) fn make_folders(&self, path: &[u8], owner: Owner) -> io::Result<Self> {
        let mut folder = self.open_folder(b"")?;
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            folder = match folder.open_folder(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => folder.make_folder(name, owner)?,
                opened => opened?,
            };
        }
        Ok(folder)
    }

    fn make_folder(&self, name: &[u8], owner: Owner) -> io::Result<Self> {
        rustix::fs::mkdirat(&self.handle, OsStr::from_bytes(name), Mode::from_raw_mode(0o755))?;
        let made = self.open_folder(name)?;
        give(&made.handle, owner)?;
        Ok(made)
    }

    /// Moves an entry of another folder here, in place of a file or link of this name.
    pub(crate) fn take(&self, from: &Self, from_name: &[u8], name: &[u8]) -> io::Result<()> {
        let (from_name, name) = (OsStr::from_bytes(from_name), OsStr::from_bytes(name));
        rustix::fs::renameat(&from.handle, from_name, &self.handle, name)?;
        Ok(())
    }

    /// Makes a link at a free name.
    pub(crate) fn make_link(&self, name: &[u8], target: &[u8], owner: Owner) -> io::Result<()> {
        let name = OsStr::from_bytes(name);
        rustix::fs::symlinkat(OsStr::from_bytes(target), &self.handle, name)?;
        if let Some((uid, gid)) = owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            rustix::fs::chownat(&self.handle, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }

    /// Where a link of this folder leads.
    pub(crate) fn read_link(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        let target = rustix::fs::readlinkat(&self.handle, OsStr::from_bytes(name), Vec::new())?;
        Ok(target.into_bytes())
    }

    /// Removes a file or link; whether there was one.
    pub(crate) fn unlink(&self, name: &[u8]) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.handle, OsStr::from_bytes(name), AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes an empty folder; whether it is gone.
    pub(crate) fn remove_empty(&self, name: &[u8]) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.handle, OsStr::from_bytes(name), AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives us all rights in a folder of this one. A task may have taken them, which keeps an ordinary user out,
    /// though not root.
    pub(crate) fn make_enterable(&self, name: &[u8]) -> io::Result<()> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(&self.handle, OsStr::from_bytes(name), flags, Mode::empty())?;
        // A handle of this kind can't be changed itself, only what its name in `/proc` stands for.
        let path = format!("/proc/self/fd/{}", handle.as_raw_fd());
        rustix::fs::chmod(path, Mode::from_raw_mode(0o700))?;
        Ok(())
    }

    /// Sets a folder's own permissions.
    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        if rustix::fs::fstat(&self.handle)?.st_mode & 0o7777 != mode {
            rustix::fs::fchmod(&self.handle, Mode::from_raw_mode(mode & PERMISSIONS))?;
        }
        Ok(())
    }

    /// Gives us the right to write here, whatever the others' rights are.
    pub(crate) fn let_us_write(&self) -> io::Result<()> {
        let mode = rustix::fs::fstat(&self.handle)?.st_mode & PERMISSIONS;
        self.set_mode(mode | 0o700)
    }

    fn resolve(&self, path: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let path = OsStr::from_bytes(path);
        let mut tries = 0;
        loop {
            match rustix::fs::openat2(&self.handle, path, flags | OFlags::CLOEXEC, mode, beneath) {
                Err(Errno::AGAIN | Errno::INTR) if tries < RESOLVE_TRIES => tries += 1,
                opened => return opened,
            }
        }
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

/// A file that is written beside its place, in a folder of ours, and then moved there: a reader sees the old file or
/// the new one, and what a crash leaves is not among the files of the place.
#[derive(Debug)]
pub(crate) struct Staged<'a> {
    folder: &'a Folder,
    name: Vec<u8>,
    file: File,
}

impl<'a> Staged<'a> {
    /// A new empty file, readable for us alone.
    pub(crate) fn new(folder: &'a Folder) -> io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = format!("{}-{number}", std::process::id()).into_bytes();
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
            match folder.resolve(&name, flags, Mode::from_raw_mode(0o600)) {
                Ok(handle) => return Ok(Self { folder, name, file: File::from(handle) }),
                // Left over from a process of the same number that was killed.
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives the file its permissions and owner and moves it to its place.
    pub(crate) fn place(self, folder: &Folder, name: &[u8], mode: u32, owner: Owner) -> io::Result<()> {
        give(&self.file, owner)?;
        rustix::fs::fchmod(&self.file, Mode::from_raw_mode(mode & PERMISSIONS))?;
        folder.take(self.folder, &self.name, name)
        // Dropping it finds nothing to remove.
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        let _gone = self.folder.unlink(&self.name);
    }
}

/// Writes a file in one go. Missing folders are made, an existing file keeps its permissions.
pub(crate) fn write(
    root: &Folder,
    staging: &Folder,
    path: &[u8],
    bytes: &[u8],
    owner: Owner,
) -> Result<(), Error> {
    let failed = |source| Error::at("write", path, source);
    let (folder, name) = split(path);
    let folder = root.make_folders(folder, owner).map_err(failed)?;
    let mode = match folder.look(name).map_err(failed)? {
        None => 0o644,
        Some(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => stat.st_mode,
        Some(_) => return Err(failed(not_a_file())),
    };
    let mut staged = Staged::new(staging).map_err(failed)?;
    staged.file().write_all(bytes).map_err(failed)?;
    staged.place(&folder, name, mode, owner).map_err(failed)
}

/// Removes a regular file; whether there was one.
pub(crate) fn remove(root: &Folder, path: &[u8]) -> Result<bool, Error> {
    let failed = |source| Error::at("remove", path, source);
    match root.look(path).map_err(failed)? {
        None => return Ok(false),
        Some(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {}
        Some(_) => return Err(failed(not_a_file())),
    }
    let (folder, name) = split(path);
    root.open_folder(folder).and_then(|folder| folder.unlink(name)).map_err(failed)
}

/// A path's folder and last part.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// A path for people: no control characters, not too long.
pub(crate) fn shown(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

fn give(handle: impl AsFd, owner: Owner) -> io::Result<()> {
    if let Some((uid, gid)) = owner {
        rustix::fs::fchown(handle, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    Ok(())
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw_os_error),
        Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
    )
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")
}

#[cfg(test)]
mod tests;
