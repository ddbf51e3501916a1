//! The process that watches over a command: time, memory, disk, the program's wishes and its death.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use miyabi_core::sandbox::{LimitHit, SandboxLevel};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{Pid, PidfdFlags, Signal};
use rustix::thread::UnshareFlags;

use super::disk::{Disk, Growth};
use super::failure::{Done, During as _};
use super::system::{self, Fork, Reaped};
use super::usage::{INTERVAL, Usage};
use super::watch::Watch;
use super::{Control, descendants, identity, init, overlay};
use crate::sandbox::plan::{CANCEL, GRACE_MS, Plan, PlannedAccess, Report, Step};

/// Runs one command from the plan to the last report.
pub(super) fn run(plan: &Plan, control: &Control) -> Done {
    // A session of our own: what a terminal sends to the program's group must not end the supervisor.
    let _already_leader = rustix::process::setsid();
    if plan.detached && matches!(system::fork().during(Step::Processes)?, Fork::Parent(_)) {
        // The program reaps this process at once, and the child belongs to nobody it could outlive.
        return Ok(());
    }
    control.report(&Report::Supervised {
        pid: std::process::id(),
    });
    let signals = system::signal_descriptor(&[libc::SIGTERM, libc::SIGINT]).during(Step::Processes)?;
    let strict = plan.level == SandboxLevel::Strict;
    let id_map = if strict { id_map(plan)? } else { None };
    if strict {
        leave_namespaces(plan)?;
    } else {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).during(Step::Processes)?;
    }

    let kind = SocketType::STREAM;
    let (gate, other_end) = rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
        .during(Step::Processes)?;
    let init = match system::fork().during(Step::Processes)? {
        Fork::Child => {
            drop((gate, signals));
            init::run(init::Setup {
                plan,
                control,
                gate: other_end,
                id_map,
            })
        }
        Fork::Parent(init) => init,
    };
    drop((other_end, id_map));
    init::release_standard_streams()?;
    let ended = rustix::process::pidfd_open(init, PidfdFlags::empty()).during(Step::Processes)?;
    let watch = if strict {
        None
    } else {
        Some(Watch::descendants().during(Step::Processes)?)
    };
    let _told = rustix::io::write(&gate, b"g");

    let now = Instant::now();
    let mut supervision = Supervision {
        plan,
        control,
        init,
        watch,
        usage: Usage::default(),
        disk: Disk::new(
            writable(plan),
            Growth {
                bytes: plan.limits.disk_bytes,
                inodes: plan.limits.inodes,
            },
        ),
        limit: None,
        phase: Phase::Running,
        wall_ends: (!plan.detached).then(|| now + Duration::from_millis(plan.limits.wall_ms)),
        next_sample: now + INTERVAL,
        reaped: (0, 0),
    };
    supervision.until_end(&Sources { ended, gate, signals })
}

fn id_map(plan: &Plan) -> Done<Option<OwnedFd>> {
    let overlays = plan
        .mounts
        .iter()
        .any(|mount| matches!(mount.access, PlannedAccess::Overlay { .. }));
    let (uid, gid) = plan.identity.ids();
    if overlays && plan.identity.drops_root() {
        overlay::id_map(uid, gid).map(Some)
    } else {
        Ok(None)
    }
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

fn writable(plan: &Plan) -> impl Iterator<Item = &Path> {
    plan.mounts.iter().filter_map(|mount| match &mount.access {
        PlannedAccess::ReadOnly => None,
        PlannedAccess::ReadWrite => Some(mount.source.as_path()),
        PlannedAccess::Overlay { upper, .. } => Some(upper.as_path()),
    })
}

/// Where news comes from.
struct Sources {
    ended: OwnedFd,
    gate: OwnedFd,
    signals: OwnedFd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Asked to end; killed at this time.
    Ending(Instant),
    Killed,
}

struct Supervision<'plan> {
    plan: &'plan Plan,
    control: &'plan Control,
    init: Pid,
    watch: Option<Watch>,
    usage: Usage,
    disk: Disk,
    limit: Option<LimitHit>,
    phase: Phase,
    wall_ends: Option<Instant>,
    next_sample: Instant,
    /// Processor time and largest process of what has been reaped.
    reaped: (u64, u64),
}

impl Supervision<'_> {
    fn until_end(&mut self, sources: &Sources) -> Done {
        // A detached command outlives the program, so the program's silence means nothing.
        let mut program_listens = !self.plan.detached;
        loop {
            let wanted = PollFlags::IN;
            let mut news = [
                PollFd::new(&sources.ended, wanted),
                PollFd::new(&sources.signals, wanted),
                PollFd::new(
                    &sources.gate,
                    if self.watch.is_none() {
                        wanted
                    } else {
                        PollFlags::empty()
                    },
                ),
                PollFd::new(&self.control.0, wanted),
            ];
            let count = if program_listens { 4 } else { 3 };
            match poll(&mut news[..count], Some(&self.patience())) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error).during(Step::Processes),
            }
            let [ended, signals, gate, program] = news.map(|source| !source.revents().is_empty());
            if ended {
                return self.finish();
            }
            if signals && !system::arrived_signals(sources.signals.as_fd()).is_empty() {
                self.ask_to_end();
            }
            if gate && self.watch.is_none() {
                self.watch = receive_watch(&sources.gate);
            }
            if program && program_listens {
                program_listens = self.hear_program();
            }
            self.check_time_and_use();
        }
    }

    /// Time until something must be looked at without news.
    fn patience(&self) -> Timespec {
        let mut next = self.next_sample;
        if let Some(wall) = self.wall_ends.filter(|_| self.limit.is_none()) {
            next = next.min(wall);
        }
        if let Phase::Ending(kill_at) = self.phase {
            next = next.min(kill_at);
        }
        if self.disk.is_busy() {
            next = Instant::now();
        }
        let wait = next.saturating_duration_since(Instant::now());
        Timespec {
            tv_sec: wait.as_secs().cast_signed(),
            tv_nsec: i64::from(wait.subsec_nanos()),
        }
    }

    /// Returns whether the program may say more.
    fn hear_program(&mut self) -> bool {
        let mut byte = [0_u8];
        match rustix::io::read(&self.control.0, &mut byte) {
            Ok(1) if byte[0] == CANCEL => {
                self.ask_to_end();
                true
            }
            Ok(0) | Err(_) => {
                self.kill();
                false
            }
            Ok(_) => true,
        }
    }

    fn check_time_and_use(&mut self) {
        let now = Instant::now();
        if let Phase::Ending(kill_at) = self.phase
            && now >= kill_at
        {
            self.kill();
        }
        if self.wall_ends.is_some_and(|end| now >= end) && self.limit.is_none() {
            self.limit = Some(LimitHit::Timeout);
            self.ask_to_end();
        }
        if now < self.next_sample && !self.disk.is_busy() {
            return;
        }
        if now >= self.next_sample {
            self.next_sample = now + INTERVAL;
            if let Some(watch) = &self.watch
                && self.usage.sample(watch, self.plan.limits.memory_bytes)
            {
                self.stop_for(LimitHit::Memory);
            }
            if !self.plan.detached && self.usage.cpu_ms > self.plan.limits.cpu_ms {
                self.stop_for(LimitHit::Cpu);
            }
        }
        if self.phase != Phase::Killed && self.disk.tick(self.watch.as_ref()) {
            self.stop_for(LimitHit::Disk);
        }
    }

    /// What grows is stopped at once; only time limits leave a moment to tidy up.
    fn stop_for(&mut self, limit: LimitHit) {
        self.limit = self.limit.or(Some(limit));
        self.kill();
    }

    fn ask_to_end(&mut self) {
        if self.phase != Phase::Running {
            return;
        }
        self.phase = Phase::Ending(Instant::now() + Duration::from_millis(GRACE_MS));
        if self.plan.level == SandboxLevel::Strict {
            // Init passes it on to everyone in its namespace.
            let _sent = rustix::process::kill_process(self.init, Signal::TERM);
        } else if let Some(watch) = &self.watch {
            descendants::signal_all(watch, Signal::TERM);
        }
    }

    fn kill(&mut self) {
        if self.phase == Phase::Killed {
            return;
        }
        self.phase = Phase::Killed;
        if self.plan.level == SandboxLevel::Strict {
            let _sent = rustix::process::kill_process(self.init, Signal::KILL);
        } else if let Some(watch) = &self.watch {
            descendants::signal_all(watch, Signal::KILL);
        }
    }

    /// Init has ended: make sure that everything else has, and report.
    fn finish(&mut self) -> Done {
        let mut reaped = self.reaped;
        let mut count =
            |child: &Reaped| reaped = (reaped.0 + child.cpu_ms, reaped.1.max(child.max_rss_bytes));
        if let Ok(Some(init)) = system::reap(Some(self.init)) {
            count(&init);
        }
        if self.plan.level != SandboxLevel::Strict
            && let Some(watch) = &self.watch
        {
            descendants::end_all(watch, count);
        }
        self.control.report(&Report::Ended {
            limit: self.limit,
            cpu_ms: reaped.0.max(self.usage.cpu_ms),
            max_rss_bytes: reaped.1.max(self.usage.peak_bytes),
        });
        Ok(())
    }
}

fn receive_watch(gate: &OwnedFd) -> Option<Watch> {
    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0_u8];
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    rustix::net::recvmsg(
        gate,
        &mut [std::io::IoSliceMut::new(&mut byte)],
        &mut ancillary,
        flags,
    )
    .ok()?;
    ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next().map(Watch::namespace),
        _ => None,
    })
}
