//! Builds the minimal root that a command sees, and moves into it.
//!
//! Every mount is first made detached, as a descriptor with its final flags, and only then attached:
//! no path of the machine is looked up after the new root covers part of it, and no mount is ever
//! visible with more rights than it should have. Targets are opened beneath the new root without
//! following links, because a mounted checkout may contain any link.

use std::fs::Permissions;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags};
use rustix::thread::UnshareFlags;

use super::detached_mounts::{self, HARMLESS, Prepared, set};
use super::failure::{Done, During as _};
use super::system;
use crate::sandbox::plan::{Entry, Plan, Step};
use crate::sandbox::spec::HOME;

/// Where the new root is attached until it becomes the root. Any folder that every system has will
/// do; all sources have been opened by then.
const STAGING: &str = "/proc";
/// The devices a program may expect to find; none of them gives access to hardware.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// Writable folders that vanish with the sandbox.
pub(super) const PRIVATE_FOLDERS: [&str; 4] = ["/tmp", "/var/tmp", "/dev/shm", HOME];

/// Enters a mount namespace whose root is the minimal one. Returns `/proc` of the namespaces, which
/// the supervisor watches the command through.
pub(super) fn enter(plan: &Plan, id_map: Option<BorrowedFd<'_>>) -> Done<OwnedFd> {
    system::unshare(UnshareFlags::NEWNS).during(Step::Namespaces)?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).during_at(Step::Mount, Path::new("/"))?;

    let root = detached_mounts::temporary_root(plan)?;
    let (prepared, watched) = prepare_all(plan, id_map)?;
    rustix::mount::move_mount(&root, "", CWD, STAGING, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .during_at(Step::Mount, Path::new(STAGING))?;
    fill(root.as_fd(), plan)?;
    for folder in PRIVATE_FOLDERS {
        make_writable(root.as_fd(), Path::new(folder))?;
    }
    for prepared in &prepared {
        attach(root.as_fd(), prepared)?;
    }
    become_root(&root)?;
    Ok(watched)
}

/// Every mount below the root, in the order of attaching, and a second descriptor of `/proc`.
fn prepare_all(plan: &Plan, id_map: Option<BorrowedFd<'_>>) -> Done<(Vec<Prepared>, OwnedFd)> {
    let mut prepared = Vec::with_capacity(plan.image.len() + plan.mounts.len() + DEVICES.len() + 2);
    for entry in &plan.image {
        if let Entry::Bind(path) = entry {
            prepared.push(detached_mounts::read_only(path.as_path(), path.as_path())?);
        }
    }
    for device in DEVICES {
        prepared.push(detached_mounts::device(Path::new(device))?);
    }
    prepared.push(detached_mounts::terminals()?);
    let processes = detached_mounts::process_files()?;
    let watched = processes.mount.try_clone().during(Step::Proc)?;
    prepared.push(processes);
    for mount in &plan.mounts {
        prepared.push(detached_mounts::prepare(mount, id_map)?);
    }
    Ok((prepared, watched))
}

/// Creates the root's own folders, links and files.
fn fill(root: BorrowedFd<'_>, plan: &Plan) -> Done {
    for folder in ["/proc", "/dev/pts", "/run", "/etc"].into_iter().chain(PRIVATE_FOLDERS) {
        make_folders(root, Path::new(folder))?;
    }
    for (path, to) in [
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
        ("/dev/ptmx", "pts/ptmx"),
        ("/var/run", "/run"),
    ] {
        make_link(root, Path::new(path), Path::new(to))?;
    }
    for entry in &plan.image {
        match entry {
            Entry::Bind(_) => {}
            Entry::Link { path, to } => make_link(root, path.as_path(), to.as_path())?,
            Entry::File { path, content } => make_file(root, path.as_path(), content)?,
        }
    }
    let (uid, gid) = plan.identity.ids();
    for folder in PRIVATE_FOLDERS {
        let mode = if folder == HOME { 0o700 } else { 0o1777 };
        let path = Path::new(folder);
        let opened =
            open_beneath(root, path, OFlags::RDONLY | OFlags::DIRECTORY).during_at(Step::Mount, path)?;
        if plan.identity.drops_root() {
            let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
            // Fails where the id does not exist: in a container that maps no such user.
            rustix::fs::fchown(&opened, Some(uid), Some(gid)).during(Step::DropIdentity)?;
        }
        rustix::fs::fchmod(&opened, Mode::from_raw_mode(mode)).during_at(Step::Mount, path)?;
    }
    Ok(())
}

fn make_link(root: BorrowedFd<'_>, path: &Path, to: &Path) -> Done {
    let name = path.strip_prefix("/").unwrap_or(path);
    if let Some(parent) = path.parent() {
        make_folders(root, parent)?;
    }
    rustix::fs::symlinkat(to, root, name).during_at(Step::Mount, path)
}

fn make_file(root: BorrowedFd<'_>, path: &Path, content: &str) -> Done {
    if let Some(parent) = path.parent() {
        make_folders(root, parent)?;
    }
    let file = open_beneath(root, path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
        .during_at(Step::Mount, path)?;
    let mut file = std::fs::File::from(file);
    io::Write::write_all(&mut file, content.as_bytes()).during_at(Step::Mount, path)?;
    file.set_permissions(Permissions::from_mode(0o644)).during_at(Step::Mount, path)
}

/// Creates the missing folders of an absolute path, following no links on the way.
fn make_folders(root: BorrowedFd<'_>, path: &Path) -> Done {
    let mut parent = root.try_clone_to_owned().during(Step::Mount)?;
    for component in path.components() {
        let Component::Normal(name) = component else {
            continue;
        };
        let name = Path::new(name);
        match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
            // Whatever the reason, a folder that exists is good enough.
            Ok(()) | Err(Errno::EXIST | Errno::ROFS | Errno::ACCESS) => {}
            Err(error) => return Err(error).during_at(Step::Mount, path),
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        parent = open_beneath(parent.as_fd(), name, flags).during_at(Step::Mount, path)?;
    }
    Ok(())
}

fn open_beneath(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let relative = path.strip_prefix("/").unwrap_or(path);
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let mode = if flags.contains(OFlags::CREATE) { Mode::from_raw_mode(0o644) } else { Mode::empty() };
    rustix::fs::openat2(root, relative, flags | OFlags::CLOEXEC, mode, resolve)
}

fn attach(root: BorrowedFd<'_>, prepared: &Prepared) -> Done {
    let path = prepared.target.as_path();
    let place = match open_beneath(root, path, OFlags::PATH) {
        Ok(place) => place,
        Err(Errno::NOENT) => make_place(root, prepared)?,
        Err(error) => return Err(error).during_at(Step::Mount, path),
    };
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(&prepared.mount, "", &place, "", flags).during_at(Step::Mount, path)
}

fn make_place(root: BorrowedFd<'_>, prepared: &Prepared) -> Done<OwnedFd> {
    let path = prepared.target.as_path();
    let kind = rustix::fs::fstat(&prepared.mount).during_at(Step::Mount, path)?.st_mode;
    if FileType::from_raw_mode(kind) == FileType::Directory {
        make_folders(root, path)?;
    } else {
        make_file(root, path, "")?;
    }
    open_beneath(root, path, OFlags::PATH).during_at(Step::Mount, path)
}

/// Gives a folder of the root a mount of its own, so that it stays writable when the root is not.
fn make_writable(root: BorrowedFd<'_>, path: &Path) -> Done {
    let place = open_beneath(root, path, OFlags::PATH).during_at(Step::Mount, path)?;
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let mount = rustix::mount::open_tree(&place, "", flags).during_at(Step::Mount, path)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(&mount, "", &place, "", flags).during_at(Step::Mount, path)
}

/// Makes the new root read-only and the only one.
fn become_root(root: &OwnedFd) -> Done {
    set(root, HARMLESS | libc::MOUNT_ATTR_RDONLY, false).during_at(Step::Mount, Path::new("/"))?;
    rustix::process::fchdir(root).during(Step::PivotRoot)?;
    // With both arguments equal the old root ends up on top of the new one; the unmount removes it.
    rustix::process::pivot_root(".", ".").during(Step::PivotRoot)?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).during(Step::PivotRoot)?;
    rustix::process::chdir("/").during(Step::PivotRoot)
}
