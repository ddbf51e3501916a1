//! The walk itself: order, handles, limits and the digest.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use miyabi_core::digest::Digest;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::{Limits, Shown, Summary};
use crate::deploy::error::Error;

const READ_BYTES: usize = 128 * 1024;
/// The longest target of a link; the system's own limit.
const MAX_TARGET_BYTES: usize = 4096;

/// What people can do about a build that is too large.
const CURE: &str = "`deploy.folder` can name a smaller folder";

/// What is done with each entry beside adding it to the digest.
pub(super) trait Visit {
    /// Whether an entry of this name is left out with all that is in it.
    fn skips(&self, name: &OsStr) -> bool;
    /// A folder, before what is in it.
    fn folder(&mut self, path: &Path) -> Result<(), Error>;
    /// The beginning of a file.
    fn file(&mut self, path: &Path, is_executable: bool) -> Result<(), Error>;
    /// Some bytes of the file that was begun last.
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// A link.
    fn link(&mut self, path: &Path, target: &Path) -> Result<(), Error>;
}

/// Does nothing more: the digest alone is wanted.
pub(super) struct Hash;

impl Visit for Hash {
    fn skips(&self, _name: &OsStr) -> bool {
        false
    }
    fn folder(&mut self, _path: &Path) -> Result<(), Error> {
        Ok(())
    }
    fn file(&mut self, _path: &Path, _is_executable: bool) -> Result<(), Error> {
        Ok(())
    }
    fn bytes(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn link(&mut self, _path: &Path, _target: &Path) -> Result<(), Error> {
        Ok(())
    }
}

/// Opens a folder beneath another, through no link. Blocking.
pub(in crate::deploy) fn open_folder(root: &OwnedFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    open_beneath(root, path, OFlags::RDONLY | OFlags::DIRECTORY)
}

/// Visits all entries, names in byte order. Blocking.
pub(super) fn walk(root: &OwnedFd, limits: Limits, visit: &mut dyn Visit) -> Result<Summary, Error> {
    let mut walk = Walk {
        root,
        limits,
        visit,
        digest: Sha256::new(),
        entries: 0,
        bytes: 0,
        buffer: vec![0; READ_BYTES],
    };
    let mut pending = walk.read_folder(Path::new(""))?;
    while let Some(path) = pending.pop() {
        // Sorted backwards, so that the last one is the next one.
        pending.extend(walk.entry(&path)?);
    }
    Ok(Summary {
        digest: Digest::from_bytes(walk.digest.finalize().into()),
        entries: walk.entries,
        bytes: walk.bytes,
    })
}

struct Walk<'caller> {
    root: &'caller OwnedFd,
    limits: Limits,
    visit: &'caller mut dyn Visit,
    digest: Sha256,
    entries: u64,
    bytes: u64,
    buffer: Vec<u8>,
}

impl Walk<'_> {
    /// The paths in a folder, sorted backwards.
    fn read_folder(&mut self, path: &Path) -> Result<Vec<PathBuf>, Error> {
        let own = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let folder = open_folder(self.root, own).map_err(failed("open", path))?;
        let mut paths = Vec::new();
        for entry in Dir::read_from(&folder).map_err(failed("read", path))? {
            let entry = entry.map_err(failed("read", path))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." || self.visit.skips(name) {
                continue;
            }
            self.entries += 1;
            if self.entries > self.limits.entries {
                let reason = format!("it has more than {} files and folders; {CURE}", self.limits.entries);
                return Err(Error::Content { reason });
            }
            paths.push(path.join(name));
        }
        paths.sort_unstable_by(|one, other| other.as_os_str().cmp(one.as_os_str()));
        Ok(paths)
    }

    /// Visits one entry; the entries in it, if it is a folder.
    fn entry(&mut self, path: &Path) -> Result<Vec<PathBuf>, Error> {
        if path.as_os_str().as_bytes().iter().any(u8::is_ascii_control) {
            return Err(refused(path, "has control characters in its name"));
        }
        // A path to the entry's folder was walked through handles; asked again from the root, because the folder may
        // have been replaced meanwhile.
        let handle = open_beneath_entry(self.root, path).map_err(failed("open", path))?;
        let status = rustix::fs::fstat(&handle).map_err(failed("look at", path))?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::Directory => {
                if path.components().count() > self.limits.depth {
                    return Err(refused(path, "lies too deep"));
                }
                self.note(b'd', path);
                self.visit.folder(path)?;
                self.read_folder(path)
            }
            FileType::RegularFile => {
                let is_executable = status.st_mode & 0o111 != 0;
                self.file(path, is_executable, u64::try_from(status.st_size).unwrap_or(0))?;
                Ok(Vec::new())
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(&handle, "", Vec::with_capacity(256))
                    .map_err(failed("read", path))?;
                let target = target.as_bytes();
                if target.len() > MAX_TARGET_BYTES {
                    return Err(refused(path, "is too long a link"));
                }
                self.note(b'l', path);
                self.add(target);
                self.visit.link(path, Path::new(OsStr::from_bytes(target)))?;
                Ok(Vec::new())
            }
            _ => Err(refused(path, "is no file, folder or link")),
        }
    }

    fn file(&mut self, path: &Path, is_executable: bool, size: u64) -> Result<(), Error> {
        // Looked at before anything is read: a file may be larger than the disk and have no bytes at all.
        self.check_bytes(size)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        let opened = open_beneath(self.root, path, flags).map_err(failed("open", path))?;
        let status = rustix::fs::fstat(&opened).map_err(failed("look at", path))?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(refused(path, "is no file any more"));
        }
        self.note(if is_executable { b'x' } else { b'f' }, path);
        self.visit.file(path, is_executable)?;
        let (mut file, mut content) = (File::from(opened), Sha256::new());
        loop {
            let read = file.read(&mut self.buffer);
            let count = read.map_err(Error::file("read", Shown::new(path).to_string()))?;
            if count == 0 {
                break;
            }
            self.check_bytes(count as u64)?;
            self.bytes += count as u64;
            content.update(&self.buffer[..count]);
            let stored = self.visit.bytes(&self.buffer[..count]);
            stored.map_err(Error::file("write", Shown::new(path).to_string()))?;
        }
        self.digest.update(content.finalize());
        Ok(())
    }

    fn check_bytes(&self, more: u64) -> Result<(), Error> {
        if self.bytes.saturating_add(more) > self.limits.bytes {
            let reason = format!("its files have more than {} bytes; {CURE}", self.limits.bytes);
            return Err(Error::Content { reason });
        }
        Ok(())
    }

    /// Adds an entry's kind and path to the digest, so that no two trees read alike.
    fn note(&mut self, kind: u8, path: &Path) {
        self.digest.update([kind]);
        self.add(path.as_os_str().as_bytes());
    }

    fn add(&mut self, bytes: &[u8]) {
        self.digest.update((bytes.len() as u64).to_le_bytes());
        self.digest.update(bytes);
    }
}

/// A handle of the entry itself, a link too: it can be looked at, and opening it has no effect on it.
fn open_beneath_entry(root: &OwnedFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    open_beneath(root, path, OFlags::PATH | OFlags::NOFOLLOW)
}

fn open_beneath(root: &OwnedFd, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
}

pub(super) fn refused(path: &Path, reason: &'static str) -> Error {
    Error::Entry { path: Shown::new(path), reason }
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(Errno) -> Error {
    let path = Shown::new(path).to_string();
    move |errno| Error::File { action, what: path, source: errno.into() }
}

/// Whether a link leads to something beneath the root, links in between followed.
pub(super) fn leads_inside(root: &OwnedFd, link: &Path) -> bool {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let opened = rustix::fs::openat2(root, link, flags, Mode::empty(), resolve);
    opened.is_ok_and(|target| rustix::fs::statat(&target, "", AtFlags::EMPTY_PATH).is_ok())
}
