//! Gives a folder and everything in it to the id that commands run under.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::io::Errno;

use super::error::Error;

/// Changes owner and group of the whole tree, through no link and onto no other file system.
///
/// Files that already belong to the id are left alone, which makes a second call cheap. A file with
/// several names keeps its owner: its other name may lie outside, where commands must not write.
pub(super) fn take(folder: &Path, uid: u32, gid: u32) -> Result<(), Error> {
    let error = |path: &Path, source: Errno| Error::File {
        action: "take ownership of",
        path: path.to_path_buf(),
        source: source.into(),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root =
        rustix::fs::openat(CWD, folder, flags, Mode::empty()).map_err(|source| error(folder, source))?;
    let owner = Owner { uid, gid };
    owner.put_on(&root, Path::new("")).map_err(|source| error(folder, source))?;
    let mut pending = vec![PathBuf::from(".")];
    while let Some(path) = pending.pop() {
        let found =
            owner.put_on_entries(&root, &path).map_err(|source| error(&folder.join(&path), source))?;
        pending.extend(found);
    }
    Ok(())
}

struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    /// Takes over the entries of a folder and returns the folders among them.
    fn put_on_entries(&self, root: &OwnedFd, path: &Path) -> Result<Vec<PathBuf>, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let opened = match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
            // Another file system, or gone meanwhile.
            Err(Errno::XDEV | Errno::NOENT) => return Ok(Vec::new()),
            opened => opened?,
        };
        let mut folders = Vec::new();
        for entry in Dir::read_from(&opened)? {
            let entry = entry?;
            let name = Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(
                entry.file_name().to_bytes(),
            ));
            if name == Path::new(".") || name == Path::new("..") {
                continue;
            }
            if self.put_on(&opened, name)? == FileType::Directory {
                folders.push(path.join(name));
            }
        }
        Ok(folders)
    }

    fn put_on(&self, folder: &OwnedFd, name: &Path) -> Result<FileType, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH;
        let status = match rustix::fs::statat(folder, name, flags) {
            Err(Errno::NOENT) => return Ok(FileType::Unknown),
            status => status?,
        };
        let kind = FileType::from_raw_mode(status.st_mode);
        if (status.st_uid, status.st_gid) == (self.uid, self.gid) {
            return Ok(kind);
        }
        if kind != FileType::Directory && status.st_nlink > 1 {
            return Ok(kind);
        }
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        rustix::fs::chownat(folder, name, Some(uid), Some(gid), flags)?;
        Ok(kind)
    }
}
