//! The program's side of one launcher: start it, give it the plan, hear its reports.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use miyabi_core::sandbox::LimitHit;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};

use super::error::Error;
use super::launcher::LAUNCHER_NAME;
use super::outcome::Exit;
use super::plan::{CANCEL, Failure, Plan, Report, WireExit};

/// A launcher at work. Dropping it ends the command: the launcher sees the socket close.
pub(super) struct Session {
    pub(super) child: Child,
    reports: BufReader<OwnedReadHalf>,
    requests: OwnedWriteHalf,
    line: Vec<u8>,
}

/// What the reports add up to.
#[derive(Debug, Default)]
pub(super) struct Reported {
    pub(super) supervisor: Option<u32>,
    pub(super) started: bool,
    pub(super) failure: Option<Failure>,
    pub(super) exit: Option<Exit>,
    pub(super) end: Option<End>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) limit: Option<LimitHit>,
    pub(super) cpu_ms: u64,
    pub(super) max_rss_bytes: u64,
}

impl Session {
    /// Starts the launcher with the given output.
    ///
    /// Nothing here runs between `fork` and `exec`, so the standard library can use `posix_spawn`,
    /// whose cost does not grow with this process's memory.
    pub(super) async fn start(launcher: &Path, plan: &Plan, output: OwnedFd) -> Result<Self, Error> {
        let launcher_error = |source| Error::Launcher { launcher: launcher.to_path_buf(), source };
        let spawn = || -> io::Result<(Child, UnixStream)> {
            let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
            ours.set_nonblocking(true)?;
            let child = Command::new(launcher)
                .arg0(LAUNCHER_NAME)
                .env_clear()
                .stdin(OwnedFd::from(theirs))
                .stdout(output.try_clone()?)
                .stderr(Stdio::from(output))
                .spawn()?;
            Ok((child, UnixStream::from_std(ours)?))
        };
        let (child, socket) = spawn().map_err(launcher_error)?;
        let (reader, requests) = socket.into_split();
        let mut session = Self { child, reports: BufReader::new(reader), requests, line: Vec::new() };
        let message =
            serde_json::to_vec(plan).map_err(|error| Error::InvalidSpec { reason: error.to_string() })?;
        let length =
            u32::try_from(message.len()).ok().filter(|length| *length <= super::plan::MAX_PLAN_BYTES);
        let Some(length) = length else {
            return Err(Error::InvalidSpec { reason: "arguments and environment are too long".to_owned() });
        };
        // A launcher that died meanwhile is noticed when its reports end.
        let sent = async {
            session.requests.write_all(&length.to_le_bytes()).await?;
            session.requests.write_all(&message).await
        };
        match sent.await {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(launcher_error(error)),
            _ => Ok(session),
        }
    }

    /// Asks the launcher to end the command.
    pub(super) async fn cancel(&mut self) {
        // A launcher that is gone has ended it already.
        let _sent = self.requests.write_all(&[CANCEL]).await;
    }

    /// The next report, `None` after the last. Cancel safe: a line read in part is kept.
    pub(super) async fn next(&mut self) -> Result<Option<Report>, Error> {
        let protocol = |reason: String| Error::Protocol { reason };
        match self.reports.read_until(b'\n', &mut self.line).await {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(protocol(error.to_string())),
            Err(_) | Ok(_) if self.line.is_empty() => Ok(None),
            Err(_) | Ok(_) => {
                let report =
                    serde_json::from_slice(&self.line).map_err(|error| protocol(error.to_string()))?;
                self.line.clear();
                Ok(Some(report))
            }
        }
    }
}

impl Reported {
    pub(super) fn add(&mut self, report: Report) {
        match report {
            Report::Supervised { pid } => self.supervisor = Some(pid),
            Report::Started => self.started = true,
            // The first failure is the cause of the others.
            Report::Failed(failure) => {
                self.failure.get_or_insert(failure);
            }
            Report::Ended { exit, limit, cpu_ms, max_rss_bytes } => {
                self.exit = exit.map(|exit| match exit {
                    WireExit::Code(code) => Exit::Code(code),
                    WireExit::Signal(signal) => Exit::Signal(signal),
                });
                self.end = Some(End { limit, cpu_ms, max_rss_bytes });
            }
        }
    }
}
