//! Overlay mounts: a shared package cache below, the command's own writes above.
//!
//! When root is dropped the cache belongs to root and the command does not, so the lower layer is
//! seen through an id map that turns root's files into the command's. Copies then belong to the
//! command in `upper`, and the cache itself stays as it is.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags};
use rustix::pipe::PipeFlags;
use rustix::thread::UnshareFlags;

use super::detached_mounts::clone_tree;
use super::failure::{Done, During as _};
use super::system::{self, Fork, MountAttributes};
use crate::sandbox::plan::Step;

/// A detached overlay. With an id map the lower layer is shown through it.
pub(super) fn make(lower: &Path, upper: &Path, work: &Path, id_map: Option<BorrowedFd<'_>>) -> Done<OwnedFd> {
    if id_map.is_some() {
        show_through(lower, id_map)?;
    }
    let make = || -> rustix::io::Result<OwnedFd> {
        let context = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        rustix::mount::fsconfig_set_string(context.as_fd(), "lowerdir", escape(lower).as_os_str())?;
        rustix::mount::fsconfig_set_string(context.as_fd(), "upperdir", upper)?;
        rustix::mount::fsconfig_set_string(context.as_fd(), "workdir", work)?;
        if id_map.is_none() {
            // Overlayfs keeps its notes in attributes that an ordinary user may write.
            rustix::mount::fsconfig_set_flag(context.as_fd(), "userxattr")?;
        }
        rustix::mount::fsconfig_create(context.as_fd())?;
        rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
    };
    make().during_at(Step::Overlay, lower)
}

/// Covers `path`, in this mount namespace only, with a view of itself through the id map.
fn show_through(path: &Path, id_map: Option<BorrowedFd<'_>>) -> Done {
    let mount = clone_tree(path, OpenTreeFlags::empty())?;
    system::set_mount_attributes(mount.as_fd(), &MountAttributes { set: 0, recursive: false, id_map })
        .during_at(Step::Overlay, path)?;
    rustix::mount::move_mount(&mount, "", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .during_at(Step::Overlay, path)
}

/// `lowerdir` is a list: its separator and escape character need an escape.
fn escape(path: &Path) -> OsString {
    let mut escaped = Vec::with_capacity(path.as_os_str().len());
    for byte in OsStr::as_bytes(path.as_os_str()) {
        if matches!(byte, b':' | b'\\') {
            escaped.push(b'\\');
        }
        escaped.push(*byte);
    }
    OsString::from_vec(escaped)
}

/// A user namespace that serves only as an id map: root on disk is the given id.
///
/// Such a map needs a process to hold it until a descriptor does. Must run before the launcher's
/// children move to another PID namespace, because the child is named in `/proc`.
pub(super) fn id_map(uid: u32, gid: u32) -> Done<OwnedFd> {
    let make = || -> io::Result<OwnedFd> {
        let (ready, tell_ready) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let (wait, release) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let holder = match system::fork()? {
            Fork::Child => {
                drop((ready, release));
                hold_namespace(tell_ready, &wait);
                system::leave(0)
            }
            Fork::Parent(holder) => holder,
        };
        drop((tell_ready, wait));
        let mut ready = fs::File::from(ready);
        if ready.read(&mut [0])? != 1 {
            return Err(io::Error::from_raw_os_error(libc::EPERM));
        }
        let process = format!("/proc/{}", holder.as_raw_nonzero());
        fs::write(format!("{process}/uid_map"), format!("0 {uid} 1"))?;
        fs::write(format!("{process}/gid_map"), format!("0 {gid} 1"))?;
        let namespace = fs::File::open(format!("{process}/ns/user"))?;
        drop(release);
        rustix::process::waitpid(Some(holder), rustix::process::WaitOptions::empty())?;
        Ok(namespace.into())
    };
    make().during(Step::UserNamespace)
}

fn hold_namespace(tell_ready: OwnedFd, wait: &OwnedFd) {
    if system::unshare(UnshareFlags::NEWUSER).is_ok() && rustix::io::write(&tell_ready, b"r").is_ok() {
        drop(tell_ready);
        // Returns when the launcher has what it needs, or is gone.
        let _ended = rustix::io::read(wait, &mut [0_u8]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_in_the_lower_folder_are_escaped() {
        assert_eq!(escape(Path::new("/a:b\\c")), OsString::from("/a\\:b\\\\c"));
    }
}
