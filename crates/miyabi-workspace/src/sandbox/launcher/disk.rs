//! Growth of the writable folders, sampled.
//!
//! A walk through a large tree is costly, so one starts only when there is reason to: the free
//! space or free inodes of a folder's file system fell by the ceiling since the last walk, or
//! [`WALK_INTERVAL`] has passed (others may free space at the same time and hide a fall). A walk
//! counts what changed since the command began, works in slices so that time limits stay exact,
//! and gives up as soon as the ceiling is passed.
//!
//! A rewritten file counts in full, not by its growth. Space of deleted files that are still open is
//! counted too. Granularity: the supervisor's tick plus the time of one walk.

mod walk;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, Mode, OFlags};

use self::walk::Walk;
use super::watch::Watch;

/// Longest time without a walk, or twenty times the last walk if that is longer.
const WALK_INTERVAL: Duration = Duration::from_secs(5);
/// Time that a walk may take before the supervisor looks at its other duties.
const SLICE: Duration = Duration::from_millis(10);
/// File times come from a clock that may lag by a timer interrupt.
const CLOCK_LAG: Duration = Duration::from_millis(20);

/// Watches the writable folders of one command.
pub(super) struct Disk {
    folders: Vec<Folder>,
    ceiling: Growth,
    began: Duration,
    walk: Option<Walk>,
    next_walk: Instant,
}

struct Folder {
    root: OwnedFd,
    free: Growth,
}

/// Bytes and inodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Growth {
    pub(super) bytes: u64,
    pub(super) inodes: u64,
}

impl Growth {
    fn exceeds(self, ceiling: Self) -> bool {
        self.bytes > ceiling.bytes || self.inodes > ceiling.inodes
    }
}

impl Disk {
    /// Opens the folders. One that is not a folder cannot grow beyond the file size limit.
    pub(super) fn new<'path>(paths: impl Iterator<Item = &'path Path>, ceiling: Growth) -> Self {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folders = paths
            .filter_map(|path| rustix::fs::openat(CWD, path, flags, Mode::empty()).ok())
            .map(|root| Folder { free: free(&root), root })
            .collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            folders,
            ceiling,
            began: now.saturating_sub(CLOCK_LAG),
            walk: None,
            next_walk: Instant::now() + WALK_INTERVAL,
        }
    }

    /// Whether a walk is under way and wants to go on at once.
    pub(super) fn is_busy(&self) -> bool {
        self.walk.is_some()
    }

    /// Looks whether there is reason for a walk, or goes on with one. Returns whether the folders have
    /// grown beyond the ceiling.
    pub(super) fn tick(&mut self, watch: Option<&Watch>) -> bool {
        if self.walk.is_none() && !self.folders.is_empty() && self.is_due() {
            for folder in &mut self.folders {
                folder.free = free(&folder.root);
            }
            self.walk = Some(Walk::new(self.began));
        }
        let Some(walk) = &mut self.walk else { return false };
        let done = walk.go_on(&self.folders, self.ceiling, Instant::now() + SLICE);
        if walk.total.exceeds(self.ceiling) {
            return true;
        }
        if !done {
            return false;
        }
        if let Some(watch) = watch {
            walk.add_deleted_files(watch);
        }
        let exceeded = walk.total.exceeds(self.ceiling);
        self.next_walk = Instant::now() + WALK_INTERVAL.max(walk.began_at.elapsed() * 20);
        self.walk = None;
        exceeded
    }

    fn is_due(&self) -> bool {
        let fell = |folder: &Folder| {
            let now = free(&folder.root);
            let fall = Growth {
                bytes: folder.free.bytes.saturating_sub(now.bytes),
                inodes: folder.free.inodes.saturating_sub(now.inodes),
            };
            fall.exceeds(self.ceiling)
        };
        Instant::now() >= self.next_walk || self.folders.iter().any(fell)
    }
}

fn free(root: &OwnedFd) -> Growth {
    rustix::fs::fstatfs(root).map_or(Growth::default(), |status| Growth {
        bytes: status.f_bfree.saturating_mul(u64::try_from(status.f_bsize).unwrap_or(0)),
        inodes: status.f_ffree,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_stops_at_the_ceiling() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..100 {
            std::fs::write(folder.path().join(number.to_string()), b"").unwrap();
        }
        let ceiling = Growth { bytes: u64::MAX, inodes: 10 };
        let mut disk = Disk::new([folder.path()].into_iter(), ceiling);
        disk.next_walk = Instant::now();
        disk.began = Duration::ZERO;
        assert!(disk.tick(None));
        assert_eq!(disk.walk.unwrap().total.inodes, 11);
    }
}
