//! The launcher's first process: takes over what the program handed it, starts init, and watches.

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::PidfdFlags;
use rustix::thread::UnshareFlags;

use std::os::fd::OwnedFd;

use miyabi_core::sandbox::SandboxLevel;

use super::cgroup::Cgroup;
use super::failure::{Done, During as _};
use super::log::Log;
use super::sources::Sources;
use super::supervision::Supervision;
use super::system::{self, Fork};
use super::watch::Watch;
use super::{Control, identity, init, overlay};
use crate::sandbox::plan::{Plan, PlannedAccess, Report, Step};

/// Runs one command from the plan to the last report.
pub(super) fn run(plan: &Plan, control: &Control) -> Done {
    // A session of our own: what a terminal sends to the program's group must not end the supervisor.
    let _already_leader = rustix::process::setsid();
    if plan.detached && matches!(system::fork().during(Step::Processes)?, Fork::Parent(_)) {
        // The program reaps this process at once, and the child belongs to nobody it could outlive.
        return Ok(());
    }
    control.report(&Report::Supervised { pid: std::process::id() });
    let signals = system::signal_descriptor(&[libc::SIGTERM, libc::SIGINT]).during(Step::Processes)?;
    let limits = &plan.limits;
    let cgroup = plan.cgroup.as_ref().map(|parent| Cgroup::create(parent.as_path(), limits)).transpose()?;
    let log = plan.detached.then(|| Log::take_over_output(plan.limits.output_bytes)).transpose()?;
    let strict = plan.level == SandboxLevel::Strict;
    let id_map = if strict { id_map(plan)? } else { None };
    if strict {
        leave_namespaces(plan)?;
    } else {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).during(Step::Processes)?;
    }

    let kind = SocketType::SEQPACKET;
    let (gate, other_end) = rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
        .during(Step::Processes)?;
    let init = match system::fork().during(Step::Processes)? {
        Fork::Child => {
            drop((gate, signals, log));
            init::run(init::Setup { plan, control, gate: other_end, id_map })
        }
        Fork::Parent(init) => init,
    };
    drop((other_end, id_map));
    init::release_standard_streams()?;
    let ended = rustix::process::pidfd_open(init, PidfdFlags::empty()).during(Step::Processes)?;
    let watch = if strict { None } else { Some(Watch::descendants().during(Step::Processes)?) };
    if let Some(cgroup) = &cgroup {
        cgroup.add(init)?;
        let _told = rustix::io::write(&gate, b"g");
    }

    if strict {
        identity::keep_watching_capabilities()?;
    }
    let mut supervision = Supervision::begin(plan, control, init, watch).with(log, cgroup);
    supervision.until_end(&Sources { ended, gate, signals })
}

fn id_map(plan: &Plan) -> Done<Option<OwnedFd>> {
    let overlays = plan.mounts.iter().any(|mount| matches!(mount.access, PlannedAccess::Overlay { .. }));
    let (uid, gid) = plan.identity.ids();
    if overlays && plan.identity.drops_root() { overlay::id_map(uid, gid).map(Some) } else { Ok(None) }
}

/// Everything but the mount namespace: the supervisor still needs the machine's paths.
fn leave_namespaces(plan: &Plan) -> Done {
    if !plan.identity.drops_root() {
        let (uid, gid) = plan.identity.ids();
        identity::enter_user_namespace(uid, gid)?;
    }
    let mut namespaces = UnshareFlags::NEWPID | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if plan.own_network {
        namespaces |= UnshareFlags::NEWNET;
    }
    system::unshare(namespaces).during(Step::Namespaces)
}
