//! Mounts that are nowhere yet: descriptors with their final flags, to be attached later.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags};

use super::failure::{Done, During as _};
use super::overlay;
use super::system::{self, MountAttributes};
use crate::sandbox::plan::{Plan, PlannedAccess, PlannedMount, Step};

/// Files and folders that the temporary file systems may hold together.
const TEMPORARY_INODES: u32 = 262_144;
/// Room for the root's own folders and files on top of `tmp_bytes`.
const OWN_BYTES: u64 = 1024 * 1024;

/// Flags of every mount but devices, which `nodev` would make useless.
pub(super) const HARMLESS: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

/// A detached mount and the place it will have.
pub(super) struct Prepared {
    pub(super) mount: OwnedFd,
    pub(super) target: PathBuf,
}

/// One temporary file system carries the root and all private writable folders, so that one size
/// limit covers them all.
pub(super) fn temporary_root(plan: &Plan) -> Done<OwnedFd> {
    let make = || -> rustix::io::Result<OwnedFd> {
        let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        let size = plan.limits.tmp_bytes.saturating_add(OWN_BYTES).to_string();
        rustix::mount::fsconfig_set_string(context.as_fd(), "size", size)?;
        rustix::mount::fsconfig_set_string(context.as_fd(), "nr_inodes", TEMPORARY_INODES.to_string())?;
        rustix::mount::fsconfig_set_string(context.as_fd(), "mode", "0755")?;
        rustix::mount::fsconfig_create(context.as_fd())?;
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags)
    };
    make().during_at(Step::Mount, Path::new("tmpfs"))
}

pub(super) fn process_files() -> Done<Prepared> {
    let make = || -> rustix::io::Result<OwnedFd> {
        let context = rustix::mount::fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
        rustix::mount::fsconfig_create(context.as_fd())?;
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags)
    };
    Ok(Prepared { mount: make().during(Step::Proc)?, target: PathBuf::from("/proc") })
}

/// Pseudo-terminals of the sandbox's own, for test suites and tmux.
pub(super) fn terminals() -> Done<Prepared> {
    let make = || -> rustix::io::Result<OwnedFd> {
        let context = rustix::mount::fsopen("devpts", FsOpenFlags::FSOPEN_CLOEXEC)?;
        rustix::mount::fsconfig_set_string(context.as_fd(), "ptmxmode", "0666")?;
        rustix::mount::fsconfig_set_string(context.as_fd(), "mode", "0620")?;
        rustix::mount::fsconfig_create(context.as_fd())?;
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags)
    };
    Ok(Prepared {
        mount: make().during_at(Step::Mount, Path::new("devpts"))?,
        target: PathBuf::from("/dev/pts"),
    })
}

pub(super) fn prepare(mount: &PlannedMount, id_map: Option<BorrowedFd<'_>>) -> Done<Prepared> {
    let (source, target) = (mount.source.as_path(), mount.target.as_path());
    match &mount.access {
        PlannedAccess::ReadOnly => read_only(source, target),
        PlannedAccess::ReadWrite => writable(source, target),
        PlannedAccess::Overlay { upper, work } => {
            let mount = overlay::make(source, upper.as_path(), work.as_path(), id_map)?;
            set(&mount, HARMLESS, false).during_at(Step::Overlay, target)?;
            Ok(Prepared { mount, target: target.to_path_buf() })
        }
    }
}

pub(super) fn read_only(source: &Path, target: &Path) -> Done<Prepared> {
    let mount = clone_tree(source, OpenTreeFlags::empty())?;
    set(&mount, HARMLESS | libc::MOUNT_ATTR_RDONLY, true).during_at(Step::Mount, source)?;
    Ok(Prepared { mount, target: target.to_path_buf() })
}

fn writable(source: &Path, target: &Path) -> Done<Prepared> {
    // A command of an earlier step may have put a link where its folder was.
    let mount = clone_tree(source, OpenTreeFlags::AT_SYMLINK_NOFOLLOW)?;
    let mode = rustix::fs::fstat(&mount).during_at(Step::Mount, source)?.st_mode;
    if FileType::from_raw_mode(mode) == FileType::Symlink {
        return Err(Errno::LOOP).during_at(Step::Mount, source);
    }
    set(&mount, HARMLESS, true).during_at(Step::Mount, source)?;
    Ok(Prepared { mount, target: target.to_path_buf() })
}

pub(super) fn device(path: &Path) -> Done<Prepared> {
    let mount = clone_tree(path, OpenTreeFlags::empty())?;
    let flags = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;
    set(&mount, flags, false).during_at(Step::Mount, path)?;
    Ok(Prepared { mount, target: path.to_path_buf() })
}

/// A copy of the mounts at `source`. Always the whole tree: in a user namespace the kernel refuses
/// to copy a mount without those that cover parts of it.
pub(super) fn clone_tree(source: &Path, extra: OpenTreeFlags) -> Done<OwnedFd> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    rustix::mount::open_tree(CWD, source, flags | extra).during_at(Step::Mount, source)
}

pub(super) fn set(mount: &OwnedFd, flags: u64, recursive: bool) -> io::Result<()> {
    system::set_mount_attributes(mount.as_fd(), &MountAttributes { set: flags, recursive, id_map: None })
}
