//! Runs one tied command to its end, draining its output meanwhile.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use miyabi_core::sandbox::{LimitHit, SandboxLimits};
use rustix::pipe::PipeFlags;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::outcome::{Captured, Ends, Exit, Outcome};
use super::plan::{GRACE_MS, Plan};
use super::session::{Reported, Session};
use super::spec::OutputTarget;

/// Room in the output pipe: fewer, larger reads than the default of 64 KiB.
const PIPE_BYTES: usize = 256 * 1024;
const READ_BYTES: usize = 64 * 1024;
/// How long after the wall clock limit the launcher may still be at work before it is killed.
const LAUNCHER_PATIENCE: Duration = Duration::from_secs(15);

pub(super) async fn run(
    launcher: &Path,
    plan: &Plan,
    target: &OutputTarget,
    cancel: &CancellationToken,
) -> Result<Outcome, Error> {
    let began = Instant::now();
    let (reader, writer) =
        output_pipe().map_err(|source| Error::Launcher { launcher: launcher.into(), source })?;
    let mut output = Output::open(reader, target, plan.limits.output_bytes).await?;
    let mut session = Session::start(launcher, plan, writer).await?;

    let given_up_at =
        began + Duration::from_millis(plan.limits.wall_ms.saturating_add(GRACE_MS)) + LAUNCHER_PATIENCE;
    let mut reported = Reported::default();
    let mut cancelled = false;
    loop {
        tokio::select! {
            // All branches are cancel safe: reports keep partial lines, `readable` takes nothing.
            report = session.next() => match report? {
                Some(report) => reported.add(report),
                None => break,
            },
            ready = output.reader.readable(), if output.open => {
                if let Err(source) = ready { return Err(output.error(source)); }
                output.take_some().await?;
            }
            () = cancel.cancelled(), if !cancelled => {
                cancelled = true;
                session.cancel().await;
            }
            () = tokio::time::sleep_until(given_up_at) => {
                // The launcher is stuck. Its death takes the command with it.
                let _gone = session.child.start_kill();
                break;
            }
        }
        if reported.end.is_some() {
            break;
        }
    }
    if reported.end.is_none() {
        let _reaped = session.child.wait().await;
    }
    // Otherwise nothing is left but the launcher's own exit, which the runtime reaps in the background.
    if let Some(failure) = reported.failure {
        return Err(Error::from_failure(failure, &plan.program.0));
    }
    // Whoever still holds the pipe is not waited for: what is in it now is all there is.
    output.take_rest().await?;
    let captured = output.finish().await?;
    let Some(end) = reported.end else {
        return Err(Error::LauncherLost);
    };
    let exit = reported.exit.unwrap_or(Exit::Signal(libc::SIGKILL));
    let limit = end.limit.or_else(|| limit_of(exit, end.cpu_ms, &plan.limits));
    Ok(Outcome {
        exit,
        limit,
        cancelled: cancelled && limit.is_none() && reported.exit.is_none_or(|exit| exit != Exit::Code(0)),
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        cpu_ms: end.cpu_ms,
        max_rss_bytes: end.max_rss_bytes,
        output: captured,
    })
}

/// Limits that the kernel enforces by a signal. A shell turns its child's signal into 128 and more.
fn limit_of(exit: Exit, cpu_ms: u64, limits: &SandboxLimits) -> Option<LimitHit> {
    let signal = match exit {
        Exit::Signal(signal) => signal,
        Exit::Code(code) => code - 128,
    };
    match signal {
        libc::SIGXFSZ => Some(LimitHit::FileSize),
        libc::SIGXCPU => Some(LimitHit::Cpu),
        libc::SIGKILL if cpu_ms >= limits.cpu_ms => Some(LimitHit::Cpu),
        _ => None,
    }
}

fn output_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    // Refused when the user holds much pipe memory already; the default size works too.
    let _resized = rustix::pipe::fcntl_setpipe_size(&writer, PIPE_BYTES);
    Ok((reader, writer))
}

/// Drains the pipe into memory of constant size and, up to a limit, into a file.
struct Output {
    reader: Receiver,
    open: bool,
    buffer: Vec<u8>,
    ends: Ends,
    file: Option<(PathBuf, File)>,
    stored_bytes: u64,
    limit_bytes: u64,
}

impl Output {
    async fn open(reader: OwnedFd, target: &OutputTarget, limit_bytes: u64) -> Result<Self, Error> {
        let file = match target {
            OutputTarget::Memory => None,
            OutputTarget::File(path) => {
                let file =
                    open_file(path).await.map_err(|source| Error::Output { path: path.clone(), source })?;
                Some((path.clone(), file))
            }
        };
        let reader = Receiver::from_owned_fd(reader)
            .map_err(|source| Error::Output { path: "pipe".into(), source })?;
        Ok(Self {
            reader,
            open: true,
            buffer: vec![0; READ_BYTES],
            ends: Ends::default(),
            file,
            stored_bytes: 0,
            limit_bytes,
        })
    }

    /// Takes what one read gives.
    async fn take_some(&mut self) -> Result<(), Error> {
        match self.reader.try_read(&mut self.buffer) {
            Ok(0) => self.open = false,
            Ok(count) => {
                self.ends.push(&self.buffer[..count]);
                self.store(count).await?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(self.error(error)),
        }
        Ok(())
    }

    async fn store(&mut self, count: usize) -> Result<(), Error> {
        let Some((path, file)) = &mut self.file else {
            return Ok(());
        };
        let room = usize::try_from(self.limit_bytes - self.stored_bytes).unwrap_or(usize::MAX).min(count);
        if room > 0 {
            let written = file.write_all(&self.buffer[..room]).await;
            written.map_err(|source| Error::Output { path: path.clone(), source })?;
            self.stored_bytes += room as u64;
        }
        Ok(())
    }

    /// Takes what the pipe holds at this moment, at most its size: a writer that escaped the end must
    /// not keep us here.
    async fn take_rest(&mut self) -> Result<(), Error> {
        let mut left = PIPE_BYTES;
        while self.open && left > 0 {
            let mut chunk = [0; 4096];
            // Not `try_read`: the runtime may not have heard yet that there is something.
            match rustix::io::read(&self.reader, &mut chunk) {
                Ok(0) | Err(rustix::io::Errno::AGAIN) => self.open = false,
                Ok(count) => {
                    left = left.saturating_sub(count);
                    self.buffer[..count].copy_from_slice(&chunk[..count]);
                    self.ends.push(&chunk[..count]);
                    self.store(count).await?;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(self.error(error.into())),
            }
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Captured, Error> {
        if let Some((path, file)) = &mut self.file {
            let flushed = file.flush().await;
            flushed.map_err(|source| Error::Output { path: path.clone(), source })?;
        }
        Ok(self.ends.finish(self.file.is_some().then_some(self.stored_bytes)))
    }

    fn error(&self, source: io::Error) -> Error {
        let path = self.file.as_ref().map_or_else(|| PathBuf::from("pipe"), |(path, _)| path.clone());
        Error::Output { path, source }
    }
}

/// A new or emptied file that only we can read. Never through a link.
pub(super) async fn open_file(path: &Path) -> io::Result<File> {
    File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)
        .await
}
