//! Watches over a running command: time, memory, disk, the program's wishes and its death.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use miyabi_core::sandbox::{LimitHit, SandboxLevel};
use rustix::event::Timespec;
use rustix::process::{Pid, Signal};

use super::cgroup::Cgroup;
use super::disk::{Disk, Growth};
use super::failure::{Done, failure};
use super::log::Log;
use super::sources::{FromInit, News, Sources};
use super::system::{self, Reaped};
use super::usage::{INTERVAL, Usage, Verdict};
use super::watch::Watch;
use super::{Control, descendants};
use crate::sandbox::plan::{CANCEL, GRACE_MS, Plan, PlannedAccess, Report, Step, WireExit};

/// Which sources are still listened to: one that has said all it has to say is left out, because its
/// closed end would be news for ever.
#[derive(Debug, Clone, Copy)]
struct Hears {
    /// A detached command outlives the program, so the program's silence means nothing.
    program: bool,
    log: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Asked to end; killed at this time.
    Ending(Instant),
    Killed,
}

/// One command under watch.
pub(super) struct Supervision<'plan> {
    plan: &'plan Plan,
    control: &'plan Control,
    init: Pid,
    watch: Option<Watch>,
    usage: Usage,
    disk: Disk,
    limit: Option<LimitHit>,
    /// The command's wait status, once init has left it.
    status: Option<i32>,
    phase: Phase,
    wall_ends: Option<Instant>,
    next_sample: Instant,
    /// Holds the sandbox's mounts until the supervisor exits, so that taking them down delays
    /// nobody who waits for the result.
    mounts: Option<OwnedFd>,
    /// Output of a detached command; of a tied one the program takes it.
    log: Option<Log>,
    cgroup: Option<Cgroup>,
}

impl<'plan> Supervision<'plan> {
    /// Begins the watch; time counts from here. In a PID namespace init will hand over the view of it.
    pub(super) fn begin(plan: &'plan Plan, control: &'plan Control, init: Pid, watch: Option<Watch>) -> Self {
        let now = Instant::now();
        let limits = &plan.limits;
        Self {
            plan,
            control,
            init,
            watch,
            usage: Usage::default(),
            disk: Disk::new(writable(plan), Growth { bytes: limits.disk_bytes, inodes: limits.inodes }),
            limit: None,
            status: None,
            phase: Phase::Running,
            wall_ends: (!plan.detached).then(|| now + Duration::from_millis(limits.wall_ms)),
            next_sample: now + INTERVAL,
            mounts: None,
            log: None,
            cgroup: None,
        }
    }

    pub(super) fn with(self, log: Option<Log>, cgroup: Option<Cgroup>) -> Self {
        Self { log, cgroup, ..self }
    }

    /// Watches to the end and reports it.
    pub(super) fn until_end(&mut self, sources: &Sources) -> Done {
        let mut hears = Hears { program: !self.plan.detached, log: self.log.is_some() };
        loop {
            let log = self.log.as_ref().filter(|_| hears.log).map(Log::pipe);
            let program = hears.program.then(|| self.control.0.as_fd());
            let news = sources.wait(program, log, &self.patience())?;
            if news.contains(&News::End) {
                return self.finish(sources);
            }
            for news in news {
                match news {
                    News::End => {}
                    News::Signal => {
                        if !system::arrived_signals(sources.signals.as_fd()).is_empty() {
                            self.ask_to_end();
                        }
                    }
                    News::Program => hears.program = self.hear_program(),
                    News::Log => hears.log = self.log.as_mut().is_some_and(Log::take_some),
                }
            }
            self.check_time_and_use(sources);
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
        Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: i64::from(wait.subsec_nanos()) }
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

    fn check_time_and_use(&mut self, sources: &Sources) {
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
            self.hear_init(sources);
            self.check_memory();
            if !self.plan.detached && self.usage.cpu_ms > self.plan.limits.cpu_ms {
                self.stop_for(LimitHit::Cpu);
            }
        }
        if self.phase != Phase::Killed && self.disk.tick(self.watch.as_ref()) {
            self.stop_for(LimitHit::Disk);
        }
    }

    /// Takes what init has left. Only looked at with a sample and at the end: a command shorter than
    /// the first sample never wakes the supervisor but by its end.
    fn hear_init(&mut self, sources: &Sources) {
        while let Some(message) = sources.next_from_init() {
            match message {
                FromInit::View { watch, mounts } => {
                    self.watch = Some(watch);
                    self.mounts = mounts;
                }
                FromInit::Status(status) => self.status = Some(status),
            }
        }
    }

    fn check_memory(&mut self) {
        if let Some(cgroup) = &self.cgroup {
            self.usage.cpu_ms = cgroup.counted().cpu_ms;
        } else if let Some(watch) = &self.watch {
            match self.usage.sample(watch, self.plan.limits.memory_bytes) {
                Verdict::Within => {}
                Verdict::Beyond => self.stop_for(LimitHit::Memory),
                Verdict::Blind => {
                    self.control.report(&Report::Failed(failure(Step::Watch, libc::ENOENT)));
                    self.kill();
                }
            }
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
        if let Some(cgroup) = &self.cgroup {
            cgroup.kill();
        }
        if self.plan.level == SandboxLevel::Strict {
            let _sent = rustix::process::kill_process(self.init, Signal::KILL);
        } else if let Some(watch) = &self.watch {
            descendants::signal_all(watch, Signal::KILL);
        }
    }

    /// Init has ended: make sure that everything else has, and report.
    fn finish(&mut self, sources: &Sources) -> Done {
        self.hear_init(sources);
        let (mut cpu_ms, mut max_rss_bytes) = (0, 0);
        let mut count = |child: &Reaped| {
            cpu_ms += child.cpu_ms;
            max_rss_bytes = max_rss_bytes.max(child.max_rss_bytes);
        };
        if let Ok(Some(init)) = system::reap(Some(self.init)) {
            count(&init);
        }
        if self.plan.level != SandboxLevel::Strict
            && let Some(watch) = &self.watch
        {
            descendants::end_all(watch, count);
        }
        if let Some(counted) = self.cgroup.as_ref().map(Cgroup::counted) {
            cpu_ms = cpu_ms.max(counted.cpu_ms);
            max_rss_bytes = max_rss_bytes.max(counted.peak_bytes);
            if counted.out_of_memory {
                self.limit = self.limit.or(Some(LimitHit::Memory));
            }
        }
        while self.log.as_mut().is_some_and(Log::take_some) {}
        self.control.report(&Report::Ended {
            exit: self.status.map(WireExit::from_status),
            limit: self.limit,
            cpu_ms: cpu_ms.max(self.usage.cpu_ms),
            max_rss_bytes: max_rss_bytes.max(self.usage.peak_bytes),
        });
        Ok(())
    }
}

fn writable(plan: &Plan) -> impl Iterator<Item = &Path> {
    plan.mounts.iter().filter_map(|mount| match &mount.access {
        PlannedAccess::ReadOnly => None,
        PlannedAccess::ReadWrite => Some(mount.source.as_path()),
        PlannedAccess::Overlay { upper, .. } => Some(upper.as_path()),
    })
}
