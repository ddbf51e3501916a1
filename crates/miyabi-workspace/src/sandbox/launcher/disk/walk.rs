//! A walk through folders that counts what changed since a point in time, and can pause.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags};
use rustix::io::Errno;

use super::{Folder, Growth};
use crate::sandbox::launcher::watch::Watch;

/// A walk through all folders that can pause.
pub(super) struct Walk {
    began: Duration,
    pub(super) began_at: Instant,
    next_folder: usize,
    /// Folders still to visit, relative to the current root.
    pending: Vec<PathBuf>,
    open: Option<(PathBuf, Dir)>,
    /// Files with several names, which count once.
    seen: HashSet<(u32, u32, u64)>,
    devices: HashSet<(u32, u32)>,
    pub(super) total: Growth,
}

impl Walk {
    pub(super) fn new(began: Duration) -> Self {
        Self {
            began,
            began_at: Instant::now(),
            next_folder: 0,
            pending: Vec::new(),
            open: None,
            seen: HashSet::new(),
            devices: HashSet::new(),
            total: Growth::default(),
        }
    }

    /// Goes on until the end (true), the deadline, or the ceiling.
    pub(super) fn go_on(&mut self, folders: &[Folder], ceiling: Growth, deadline: Instant) -> bool {
        while Instant::now() < deadline && !self.total.exceeds(ceiling) {
            if let Some((path, mut entries)) = self.open.take() {
                if let Some(entry) = entries.next() {
                    if let Ok(entry) = entry {
                        self.visit(&path, &entry, &entries);
                    }
                    self.open = Some((path, entries));
                }
            } else if let Some(path) = self.pending.pop() {
                self.enter(&folders[self.next_folder - 1].root, path);
            } else if let Some(folder) = folders.get(self.next_folder) {
                self.next_folder += 1;
                self.devices.extend(device_of(&folder.root));
                self.pending.push(PathBuf::from("."));
            } else {
                return true;
            }
        }
        false
    }

    fn enter(&mut self, root: &OwnedFd, path: PathBuf) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        match rustix::fs::openat2(root, &path, flags, Mode::empty(), resolve).and_then(Dir::new) {
            Ok(entries) => self.open = Some((path, entries)),
            // Nested so deep that no path reaches it: a way to hide files, so it counts as too much.
            Err(Errno::NAMETOOLONG) => self.total.inodes = u64::MAX,
            Err(_) => {}
        }
    }

    fn visit(&mut self, path: &Path, entry: &rustix::fs::DirEntry, folder: &Dir) {
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            return;
        }
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let Ok(descriptor) = folder.fd() else { return };
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let Ok(status) = rustix::fs::statx(descriptor, name, flags, wanted) else {
            return;
        };
        let kind = FileType::from_raw_mode(u32::from(status.stx_mode));
        self.count(&status, kind);
        if kind == FileType::Directory {
            self.pending.push(path.join(OsStr::from_bytes(name.to_bytes())));
        }
    }

    fn count(&mut self, status: &Statx, kind: FileType) {
        let device = (status.stx_dev_major, status.stx_dev_minor);
        if self.is_before(status.stx_ctime.tv_sec, status.stx_ctime.tv_nsec) {
            return;
        }
        let several_names = kind != FileType::Directory && status.stx_nlink > 1;
        if several_names && !self.seen.insert((device.0, device.1, status.stx_ino)) {
            return;
        }
        self.total.bytes = self.total.bytes.saturating_add(status.stx_blocks.saturating_mul(512));
        let has_birth = StatxFlags::from_bits_retain(status.stx_mask).contains(StatxFlags::BTIME);
        if !has_birth || !self.is_before(status.stx_btime.tv_sec, status.stx_btime.tv_nsec) {
            self.total.inodes = self.total.inodes.saturating_add(1);
        }
    }

    fn is_before(&self, seconds: i64, nanoseconds: u32) -> bool {
        Duration::new(u64::try_from(seconds).unwrap_or(0), nanoseconds) < self.began
    }

    /// Adds files that no folder lists any more and a process still holds open.
    pub(super) fn add_deleted_files(&mut self, watch: &Watch) {
        for process in watch.processes() {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let folder = format!("{}/fd", process.pid);
            let Ok(opened) = rustix::fs::openat(watch.folder(), folder, flags, Mode::empty()) else {
                continue;
            };
            let Ok(entries) = Dir::read_from(&opened) else {
                continue;
            };
            for entry in entries.flatten() {
                let wanted = StatxFlags::BASIC_STATS;
                let Ok(status) =
                    rustix::fs::statx(opened.as_fd(), entry.file_name(), AtFlags::empty(), wanted)
                else {
                    continue;
                };
                let device = (status.stx_dev_major, status.stx_dev_minor);
                let is_file = FileType::from_raw_mode(u32::from(status.stx_mode)) == FileType::RegularFile;
                if is_file
                    && status.stx_nlink == 0
                    && self.devices.contains(&device)
                    && self.seen.insert((device.0, device.1, status.stx_ino))
                {
                    self.total.bytes = self.total.bytes.saturating_add(status.stx_blocks.saturating_mul(512));
                }
            }
        }
    }
}

fn device_of(folder: &OwnedFd) -> Option<(u32, u32)> {
    let status = rustix::fs::statx(folder, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS).ok()?;
    Some((status.stx_dev_major, status.stx_dev_minor))
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::super::Disk;
    use super::*;

    const UNLIMITED: Growth = Growth { bytes: u64::MAX, inodes: u64::MAX };

    fn grown(root: &Path, began: Duration) -> Growth {
        let disk = Disk::new([root].into_iter(), UNLIMITED);
        let mut walk = Walk::new(began);
        assert!(walk.go_on(&disk.folders, UNLIMITED, Instant::now() + Duration::from_secs(60)));
        walk.total
    }

    #[test]
    fn only_what_changed_since_the_beginning_counts() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("inner")).unwrap();
        std::fs::write(folder.path().join("inner/file"), vec![1; 100_000]).unwrap();
        std::fs::hard_link(folder.path().join("inner/file"), folder.path().join("second name")).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("link to everything")).unwrap();

        let all = grown(folder.path(), Duration::ZERO);
        assert_eq!(all.inodes, 3, "folder, file with two names, link");
        assert!((100_000..200_000).contains(&all.bytes), "{all:?}");

        let tomorrow = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(86_400);
        assert_eq!(grown(folder.path(), tomorrow), Growth::default());
    }
}
