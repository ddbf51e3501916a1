//! Going through a checkout's files without trusting any of them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{AtFlags, Dir, FileType, Stat};
use rustix::io::Errno;

use super::Limits;
use super::error::Error;
use super::ignore::Ignore;
use crate::files::{Folder, PERMISSIONS};

/// Git's own folder.
const GIT: &[u8] = b".git";

/// What a file looked like when it was seen. Two equal stamps mean equal contents, unless the file was changed within
/// the clock's granularity; see [`super::memory`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    dev: u64,
    ino: u64,
    size: u64,
    modified: (i64, u64),
    /// When the file's content, name or rights changed last. A program can't set it, unlike the time above.
    pub(super) changed: (i64, u64),
}

impl Stamp {
    /// The file's size, in bytes.
    pub(crate) fn size(self) -> u64 {
        self.size
    }

    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            dev: stat.st_dev,
            ino: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A regular file with its permissions.
    File { stamp: Stamp, mode: u32 },
    /// A link.
    Link,
    /// A folder with its permissions. Comes before what is in it.
    Folder { mode: u32 },
    /// A pipe, a socket, a device: git does not know such things.
    Other,
}

/// One thing on the way.
pub(crate) struct Visit<'a> {
    /// The folder that it is in.
    pub(crate) folder: &'a Folder,
    /// Its name there.
    pub(crate) name: &'a [u8],
    /// Its path from the root.
    pub(crate) path: &'a [u8],
    /// What it is.
    pub(crate) seen: Seen,
}

/// Paths that git keeps already and therefore does not ignore.
#[derive(Debug, Default)]
pub(crate) struct Tracked(Vec<Vec<u8>>);

impl Tracked {
    /// From git's listing: paths, each followed by a NUL.
    pub(crate) fn parse(listing: &[u8]) -> Self {
        let paths = listing.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        let mut paths: Vec<Vec<u8>> = paths.map(<[u8]>::to_vec).collect();
        paths.sort_unstable();
        Self(paths)
    }

    pub(crate) fn contains(&self, path: &[u8]) -> bool {
        self.0.binary_search_by(|known| known.as_slice().cmp(path)).is_ok()
    }

    /// Whether there is one below this folder.
    fn has_below(&self, folder: &[u8]) -> bool {
        let prefix = [folder, b"/"].concat();
        let at = self.0.partition_point(|known| *known < prefix);
        self.0.get(at).is_some_and(|known| known.starts_with(&prefix))
    }
}

/// Visits everything that git would not ignore, in a fixed order. Git's own folders are left out, at every depth.
pub(crate) fn walk(
    root: &Folder,
    tracked: &Tracked,
    limits: &Limits,
    visit: &mut dyn FnMut(&Visit<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut walk = Walk { tracked, limits, visit, ignore: Ignore::default(), entries: 0 };
    walk.folder(root, &mut Vec::new(), 0, false)
}

struct Walk<'a> {
    tracked: &'a Tracked,
    limits: &'a Limits,
    visit: &'a mut dyn FnMut(&Visit<'_>) -> Result<(), Error>,
    ignore: Ignore,
    entries: usize,
}

impl Walk<'_> {
    /// `is_ignored` says that a folder above is ignored: then only what is tracked counts, whatever rules say.
    fn folder(
        &mut self,
        folder: &Folder,
        path: &mut Vec<u8>,
        depth: usize,
        is_ignored: bool,
    ) -> Result<(), Error> {
        if depth > self.limits.depth {
            let what = format!("folders nested deeper than {}", self.limits.depth);
            return Err(Error::TooLarge { what });
        }
        let names = names(folder).map_err(|errno| Error::at("list", path)(errno.into()))?;
        let has_rules = !is_ignored && names.iter().any(|(name, _)| name == b".gitignore") && {
            self.ignore.enter(folder, path)
        };
        let length = path.len();
        for (name, kind) in names {
            if length > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            self.entry(folder, &name, kind, path, depth, is_ignored)?;
            path.truncate(length);
        }
        if has_rules {
            self.ignore.leave();
        }
        Ok(())
    }

    fn entry(
        &mut self,
        folder: &Folder,
        name: &[u8],
        kind: FileType,
        path: &mut Vec<u8>,
        depth: usize,
        is_ignored: bool,
    ) -> Result<(), Error> {
        let is_ignored = is_ignored || self.ignore.ignores(path, kind == FileType::Directory);
        let counts = match kind {
            FileType::Directory => !is_ignored || self.tracked.has_below(path),
            _ => !is_ignored || self.tracked.contains(path),
        };
        if !counts {
            return Ok(());
        }
        let stat = match rustix::fs::statat(folder, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            stat => stat.map_err(|errno| Error::at("look at", path)(errno.into()))?,
        };
        let mode = stat.st_mode & PERMISSIONS;
        let seen = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Seen::File { stamp: Stamp::of(&stat), mode },
            FileType::Directory => Seen::Folder { mode },
            FileType::Symlink => Seen::Link,
            _ => Seen::Other,
        };
        self.entries += 1;
        if self.entries > self.limits.entries {
            let what = format!("more than {} files that git would not ignore", self.limits.entries);
            return Err(Error::TooLarge { what });
        }
        let is_folder = matches!(seen, Seen::Folder { .. });
        if !(is_folder && is_ignored) {
            (self.visit)(&Visit { folder, name, path, seen })?;
        }
        if is_folder {
            let inside = folder.open_folder(name).map_err(Error::at("open", path))?;
            self.folder(&inside, path, depth + 1, is_ignored)?;
        }
        Ok(())
    }
}

/// A folder's entries by name, without git's own folder.
fn names(folder: &Folder) -> Result<Vec<(Vec<u8>, FileType)>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b".." | GIT) {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => kind_of(folder, name)?,
            kind => kind,
        };
        names.push((name.to_vec(), kind));
    }
    names.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    Ok(names)
}

/// For file systems that do not tell in the list.
fn kind_of(folder: &Folder, name: &[u8]) -> Result<FileType, Errno> {
    let stat = rustix::fs::statat(folder, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

/// Whether a stored path is one that a walk can have found: relative, in normal form, not in git's own folder.
pub(super) fn is_plain(path: &[u8]) -> bool {
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b".." | GIT) && !name.contains(&0);
    path.split(|byte| *byte == b'/').all(is_name)
}
