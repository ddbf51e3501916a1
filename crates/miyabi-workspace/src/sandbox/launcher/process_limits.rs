//! Limits that the kernel counts per process, and the number of processes.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use miyabi_core::sandbox::SandboxLevel;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::failure::{Done, During as _};
use crate::sandbox::plan::{Identity, Plan, Step};

/// Sets the limits of this process and its descendants, who cannot raise them again.
///
/// `own_processes`: how many of the launcher's processes the kernel counts along with the command's.
pub(super) fn apply(plan: &Plan, own_processes: u64) -> Done {
    let limits = &plan.limits;
    // Not 0: that stops files only, and a machine's crash handler would still be fed the process by
    // pipe, as root. The kernel takes 1 as "no dump at all".
    limit(Resource::Core, 1)?;
    limit(Resource::Fsize, limits.file_size_bytes)?;
    limit(Resource::Nofile, u64::from(limits.open_files))?;
    limit(Resource::Nproc, u64::from(limits.processes) + counted_already(plan, own_processes))?;
    if plan.cgroup.is_none() {
        // Private writable memory of one process, touched or not: thread stacks and shadow memory
        // count in full. Twice the ceiling leaves them room and stops what is quicker than the
        // sampler, which holds the sum of touched memory to the ceiling itself. Not the address
        // space: Node, Go and Java reserve far more of that than they use.
        limit(Resource::Data, limits.memory_bytes.saturating_mul(2))?;
    }
    if !plan.detached {
        let seconds = limits.cpu_ms.div_ceil(1000).max(1);
        // The soft limit sends a signal that names the reason, the hard one kills.
        limit_pair(Resource::Cpu, seconds, seconds + 2)?;
    }
    Ok(())
}

/// Processes that the kernel counts against the same limit and that are not the command's.
fn counted_already(plan: &Plan, own_processes: u64) -> u64 {
    match (plan.level, plan.identity) {
        // The count begins with the user namespace.
        (SandboxLevel::Strict, _) => own_processes,
        (_, identity) => own_processes.max(tasks_of(identity)),
    }
}

/// Threads of the user on the whole machine: without a user namespace the kernel counts them all.
fn tasks_of(identity: Identity) -> u64 {
    let (uid, _) = identity.ids();
    let Ok(entries) = fs::read_dir("/proc") else {
        return 0;
    };
    let mut tasks = 0;
    for entry in entries.flatten() {
        if entry.metadata().is_ok_and(|metadata| metadata.uid() == uid) {
            // A thread is an entry here; the link count of the folder is the entries plus two.
            tasks += fs::metadata(entry.path().join("task")).map_or(0, |task| task.nlink().saturating_sub(2));
        }
    }
    tasks
}

fn limit(resource: Resource, value: u64) -> Done {
    limit_pair(resource, value, value)
}

fn limit_pair(resource: Resource, soft: u64, hard: u64) -> Done {
    // The operator's own limits stand.
    let ceiling = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let (soft, hard) = (soft.min(ceiling), hard.min(ceiling));
    setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) }).during(Step::Limits)
}
