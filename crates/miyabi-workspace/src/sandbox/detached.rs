//! Commands that outlive the program: deployed services.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::plan::Plan;
use super::session::{Reported, Session};
use super::spec::OutputTarget;
use super::{outcome::Exit, run};

/// A running service, as it can be written to disk and found again.
///
/// A process id alone may name another process after a restart of the machine or of the service;
/// the start time tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detached {
    /// The process that watches over the service. Its end is the service's end.
    pub pid: u32,
    /// When that process started, in clock ticks since the machine did.
    pub start_time: u64,
}

/// How long a service may take between the request to end and its end, beyond the caller's grace.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

impl Detached {
    /// Whether the service still runs.
    pub fn is_alive(&self) -> bool {
        start_time(self.pid) == Some(self.start_time)
    }

    /// Ends the service: a request, and after `grace` the end of everything in its sandbox.
    ///
    /// A service that has ended already is a success.
    ///
    /// # Errors
    ///
    /// When the process may not be signalled, or does not end.
    pub async fn stop(&self, grace: Duration) -> Result<(), Error> {
        let failed = |source: std::io::Error| Error::File {
            action: "stop the service of",
            path: format!("/proc/{}", self.pid).into(),
            source,
        };
        let Some(process) = self.open().map_err(failed)? else {
            return Ok(());
        };
        let _sent = rustix::process::pidfd_send_signal(&process, Signal::TERM);
        // The supervisor kills by itself after its own grace; killing it is for one that hangs.
        if !ends_within(&process, grace).await.map_err(failed)? {
            rustix::process::pidfd_send_signal(&process, Signal::KILL)
                .map_err(|error| failed(error.into()))?;
            if !ends_within(&process, KILL_PATIENCE).await.map_err(failed)? {
                return Err(failed(std::io::ErrorKind::TimedOut.into()));
            }
        }
        Ok(())
    }

    /// A descriptor of exactly this process: opened first, then compared, so that a reused id is noticed.
    fn open(&self) -> std::io::Result<Option<OwnedFd>> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(None);
        };
        match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) if self.is_alive() => Ok(Some(process)),
            Ok(_) | Err(rustix::io::Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Waits on a blocking thread: the runtime offers no safe way to wait for a foreign process.
async fn ends_within(process: &OwnedFd, patience: Duration) -> std::io::Result<bool> {
    let process = process.try_clone()?;
    let wait = move || {
        let patience = Timespec {
            tv_sec: i64::try_from(patience.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(patience.subsec_nanos()),
        };
        rustix::event::poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience))
    };
    let ended = tokio::task::spawn_blocking(wait).await.map_err(std::io::Error::other)?;
    Ok(ended? > 0)
}

pub(super) async fn start(launcher: &Path, plan: &Plan, target: &OutputTarget) -> Result<Detached, Error> {
    let output = match target {
        OutputTarget::Memory => fs::File::options().write(true).open("/dev/null"),
        OutputTarget::File(path) => match run::open_file(path).await {
            Ok(file) => Ok(file.into_std().await),
            Err(error) => Err(error),
        },
    };
    let path = if let OutputTarget::File(path) = target { path.clone() } else { "/dev/null".into() };
    let output = output.map_err(|source| Error::Output { path, source })?;
    let mut session = Session::start(launcher, plan, output.into()).await?;
    // The first launcher process has handed over to its child and returns at once.
    let _reaped = session.child.wait().await;
    let mut reported = Reported::default();
    while !reported.started && reported.failure.is_none() && reported.end.is_none() {
        match session.next().await? {
            Some(report) => reported.add(report),
            None => break,
        }
    }
    if let Some(failure) = reported.failure {
        return Err(Error::from_failure(failure, &plan.program.0));
    }
    let pid = reported.supervisor.filter(|_| reported.started).ok_or(Error::LauncherLost)?;
    match start_time(pid) {
        Some(start_time) => Ok(Detached { pid, start_time }),
        None => Err(Error::EndedAtOnce { exit: reported.exit.unwrap_or(Exit::Signal(libc::SIGKILL)) }),
    }
}

/// Field 22 of the process's line; the process's name before it may contain anything. A process that
/// has ended and was not reaped yet does not run.
fn start_time(pid: u32) -> Option<u64> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = line[line.rfind(')')? + 1..].split_ascii_whitespace();
    if matches!(fields.next(), Some("Z" | "X")) {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_process_id_is_not_alive() {
        let pid = std::process::id();
        let start_time = start_time(pid).unwrap();
        assert!(Detached { pid, start_time }.is_alive());
        assert!(!Detached { pid, start_time: start_time + 1 }.is_alive());
        assert!(!Detached { pid: u32::MAX, start_time }.is_alive());
    }
}
