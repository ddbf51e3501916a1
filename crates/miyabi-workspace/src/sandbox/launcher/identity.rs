//! From root, or from an ordinary user, to an id with no rights of its own.

use std::fs;
use std::io;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, CapabilitySets, Gid, Uid, UnshareFlags};

use super::failure::{Done, During as _};
use super::system;
use crate::sandbox::plan::Step;

/// The id that commands see as their own, whatever the machine calls it.
pub(super) const VISIBLE_ID: u32 = 1000;

/// Gives up root for good: no supplementary groups, no saved ids.
pub(super) fn drop_root(uid: u32, gid: u32) -> Done {
    rustix::thread::set_thread_groups(&[]).during(Step::DropIdentity)?;
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    rustix::thread::set_thread_res_gid(gid, gid, gid).during(Step::DropIdentity)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).during(Step::DropIdentity)?;
    // A change of id makes the process undumpable, which would hand its `/proc/self` files to root.
    set_dumpable_behavior(DumpableBehavior::Dumpable).during(Step::DropIdentity)
}

/// Enters a new user namespace in which only this one id exists.
pub(super) fn enter_user_namespace(uid: u32, gid: u32) -> Done {
    system::unshare(UnshareFlags::NEWUSER).during(Step::UserNamespace)?;
    // An unprivileged process may map its group only after it has given up `setgroups`.
    fs::write("/proc/self/setgroups", "deny").during(Step::IdMap)?;
    fs::write("/proc/self/uid_map", format!("{VISIBLE_ID} {uid} 1")).during(Step::IdMap)?;
    fs::write("/proc/self/gid_map", format!("{VISIBLE_ID} {gid} 1")).during(Step::IdMap)
}

/// Empties every capability set, including the ones that a later `exec` could draw from.
pub(super) fn drop_capabilities() -> Done {
    rustix::thread::clear_ambient_capability_set().during(Step::Capabilities)?;
    for number in 0..64_u32 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // The kernel knows no capability of this number.
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(error).during(Step::Capabilities),
        }
    }
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )
    .during(Step::Capabilities)
}

/// Keeps of root's rights only what watching takes: to signal, to count memory, and to walk folders
/// that the command made unreadable.
pub(super) fn keep_watching_capabilities() -> Done {
    let kept = CapabilitySet::KILL | CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH;
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: kept, permitted: kept, inheritable: none },
    )
    .during(Step::Capabilities)
}

/// No program that this process starts can gain rights by its file's owner or capabilities.
pub(super) fn forbid_new_privileges() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true).map_err(Into::into)
}
