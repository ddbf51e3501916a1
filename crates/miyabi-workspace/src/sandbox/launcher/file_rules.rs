//! Landlock: what a command may open, execute and write, and whom it may signal.
//!
//! Inside the minimal root this is the second wall: should a mount go wrong, nothing outside the
//! listed folders becomes writable. Without namespaces (level `reduced`) it is the first.

use std::io;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus, Scope, make_bitflags,
};
use miyabi_core::sandbox::SandboxLevel;

use super::failure::{Done, failure};
use super::root_tree::PRIVATE_FOLDERS;
use super::system;
use crate::sandbox::plan::{Entry, Plan, PlannedAccess, Step};
use crate::sandbox::requirement::STRICT;

/// The newest version whose rights this file names; newer kernels behave as this one.
const KNOWN: ABI = ABI::V6;

/// Applies the rules to this process and its descendants, for good.
pub(super) fn apply(plan: &Plan) -> Done {
    let version = system::landlock_version();
    if plan.level == SandboxLevel::Strict && version < STRICT.landlock_version {
        return Err(failure(Step::Landlock, libc::EOPNOTSUPP));
    }
    if version == 0 {
        return Ok(());
    }
    let rules = create(plan).map_err(|_reason| failure(Step::Landlock, libc::EINVAL))?;
    let status = rules.restrict_self().map_err(|_reason| failure(Step::Landlock, libc::EPERM))?;
    if plan.level == SandboxLevel::Strict && status.ruleset == RulesetStatus::NotEnforced {
        return Err(failure(Step::Landlock, libc::EOPNOTSUPP));
    }
    Ok(())
}

fn create(plan: &Plan) -> Result<RulesetCreated, Box<dyn std::error::Error>> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .scope(make_bitflags!(Scope::{AbstractUnixSocket | Signal}))?
        .create()?;
    let read = AccessFs::from_read(KNOWN);
    // No devices: neither their creation nor their control.
    let write = AccessFs::from_all(KNOWN) & !make_bitflags!(AccessFs::{MakeChar | MakeBlock | IoctlDev});
    if plan.level == SandboxLevel::Strict {
        rules = allow(rules, Path::new("/"), read)?;
        for folder in PRIVATE_FOLDERS {
            rules = allow(rules, Path::new(folder), write)?;
        }
    } else {
        for entry in &plan.image {
            if let Entry::Bind(path) = entry {
                rules = allow(rules, path.as_path(), read)?;
            }
        }
        rules = allow(rules, Path::new("/proc"), read)?;
    }
    let device = read | make_bitflags!(AccessFs::{WriteFile | IoctlDev | Truncate});
    rules = allow(rules, Path::new("/dev"), device)?;
    for mount in &plan.mounts {
        // Without namespaces nothing moves, so the path on the machine is the path.
        let path = if plan.level == SandboxLevel::Strict { &mount.target } else { &mount.source };
        let access = if mount.access == PlannedAccess::ReadOnly { read } else { write };
        rules = allow(rules, path.as_path(), access)?;
    }
    Ok(rules)
}

fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, Box<dyn std::error::Error>> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(rules),
        Err(error) => return Err(error.into()),
    };
    let access = if metadata.is_dir() { access } else { access & AccessFs::from_file(KNOWN) };
    Ok(rules.add_rule(PathBeneath::new(PathFd::new(path)?, access))?)
}
