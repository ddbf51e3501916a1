//! Process 1 of the sandbox: builds the cage, starts the command, reaps, and ends with the command.

use std::fs::File;
use std::io::{IoSlice, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use miyabi_core::sandbox::SandboxLevel;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketType,
};
use rustix::pipe::PipeFlags;
use rustix::process::{DumpableBehavior, Pid, Signal};
use rustix::thread::UnshareFlags;

use super::failure::{Done, During as _, failure};
use super::system::{self, Fork};
use super::{Control, command, identity, root_tree};
use crate::sandbox::plan::{Plan, Report, Step};

/// What the supervisor hands to init.
pub(super) struct Setup<'plan> {
    pub(super) plan: &'plan Plan,
    pub(super) control: &'plan Control,
    /// The supervisor's word to begin, and a sign of its life afterwards.
    pub(super) gate: OwnedFd,
    pub(super) id_map: Option<OwnedFd>,
}

/// Runs to the command's end. The exit code says nothing; the reports do.
pub(super) fn run(setup: Setup<'_>) -> ! {
    let control = setup.control;
    if let Err(failure) = live(setup) {
        control.report(&Report::Failed(failure));
    }
    system::leave(0)
}

fn live(setup: Setup<'_>) -> Done {
    let Setup { plan, control, gate, id_map } = setup;
    die_with_supervisor()?;
    // With a cgroup, nothing may happen before this process is in it.
    if plan.cgroup.is_some() && rustix::io::read(&gate, &mut [0_u8]) != Ok(1) {
        system::leave(0);
    }
    let signals = system::signal_descriptor(&[libc::SIGCHLD, libc::SIGTERM]).during(Step::Processes)?;
    if plan.level == SandboxLevel::Strict {
        build_cage(plan, &gate, id_map)?;
    } else if plan.identity.drops_root() {
        let (uid, gid) = plan.identity.ids();
        identity::drop_root(uid, gid)?;
    }
    if plan.level != SandboxLevel::External {
        identity::forbid_new_privileges().during(Step::Capabilities)?;
    }
    // A change of id cleared it. If the supervisor went away in between, its end of the gate is closed.
    die_with_supervisor()?;
    let mut peeked = [0_u8];
    let flags = RecvFlags::DONTWAIT | RecvFlags::PEEK;
    if matches!(rustix::net::recv(&gate, &mut peeked, flags), Ok((_, 0))) {
        system::leave(0);
    }
    // The command runs under the same id and must not look into this process.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).during(Step::Processes)?;

    let main = if plan.detached { start_and_tell(plan, control)? } else { start(plan, control, None)? };
    let status = reap_until_end_of(main, &signals)?;
    // Left for the supervisor to find, without waking it before this process is gone as well.
    let _left = rustix::io::write(&gate, &status.to_ne_bytes());
    Ok(())
}

fn die_with_supervisor() -> Done {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).during(Step::Processes)
}

fn build_cage(plan: &Plan, gate: &OwnedFd, id_map: Option<OwnedFd>) -> Done {
    rustix::system::sethostname(b"sandbox").during(Step::Namespaces)?;
    if plan.own_network {
        let socket =
            rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None).during(Step::Loopback)?;
        system::bring_loopback_up(socket.as_fd()).during(Step::Loopback)?;
    }
    system::unshare(UnshareFlags::NEWCGROUP).during(Step::Namespaces)?;
    let processes = root_tree::enter(plan, id_map.as_ref().map(OwnedFd::as_fd))?;
    drop(id_map);
    hand_over(gate, processes.as_fd())?;
    drop(processes);
    if plan.identity.drops_root() {
        let (uid, gid) = plan.identity.ids();
        identity::drop_root(uid, gid)?;
        identity::enter_user_namespace(uid, gid)?;
    }
    identity::drop_capabilities()
}

/// Gives the supervisor its view of the sandbox: its processes, and its mounts to hold.
fn hand_over(gate: &OwnedFd, processes: BorrowedFd<'_>) -> Done {
    let mounts = File::open("/proc/self/ns/mnt").during(Step::Proc)?;
    let descriptors = [processes, mounts.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    rustix::net::sendmsg(gate, &[IoSlice::new(b"p")], &mut ancillary, SendFlags::empty())
        .during(Step::Proc)?;
    Ok(())
}

/// Starts the command. `starting` closes when the program runs.
fn start(plan: &Plan, control: &Control, starting: Option<OwnedFd>) -> Done<Pid> {
    let own_processes = if plan.identity.drops_root() { 1 } else { 2 };
    match system::fork().during(Step::Processes)? {
        Fork::Child => {
            let failure = command::become_command(plan, own_processes);
            control.report(&Report::Failed(failure));
            if let Some(starting) = starting {
                let _told = rustix::io::write(&starting, b"f");
            }
            system::leave(127)
        }
        Fork::Parent(main) => {
            release_standard_streams()?;
            Ok(main)
        }
    }
}

/// Starts a service and tells the program once it runs. A tied command's end tells enough.
fn start_and_tell(plan: &Plan, control: &Control) -> Done<Pid> {
    let (started, starting) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).during(Step::Processes)?;
    let main = start(plan, control, Some(starting))?;
    if matches!(File::from(started).read(&mut [0]), Ok(0)) {
        control.report(&Report::Started);
    }
    Ok(main)
}

/// Only the command holds its output pipe, so that the pipe ends with it.
pub(super) fn release_standard_streams() -> Done {
    let nothing = File::options().read(true).write(true).open("/dev/null").during(Step::Processes)?;
    rustix::stdio::dup2_stdin(&nothing).during(Step::Processes)?;
    rustix::stdio::dup2_stdout(&nothing).during(Step::Processes)?;
    rustix::stdio::dup2_stderr(&nothing).during(Step::Processes)
}

/// Returns the command's wait status.
fn reap_until_end_of(main: Pid, signals: &OwnedFd) -> Done<i32> {
    loop {
        while let Ok(Some(reaped)) = system::reap(None) {
            if reaped.pid == main.as_raw_nonzero().get() {
                return Ok(reaped.status);
            }
        }
        match poll(&mut [PollFd::new(signals, PollFlags::IN)], None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Err(failure(Step::Processes, libc::EIO)),
        }
        if system::arrived_signals(signals.as_fd()).contains(&libc::SIGTERM.cast_unsigned()) {
            // In a PID namespace of its own, everyone is the sandbox. Elsewhere the supervisor does this.
            if rustix::process::getpid().is_init() {
                system::signal_everyone_else(libc::SIGTERM);
            }
        }
    }
}
