//! Starting and ending the processes that answer for releases: the port, and its adapter over the sandbox.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::sandbox::{SandboxLevel, SandboxLimits};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::disk;
use super::error::Error;
use crate::sandbox::toolchain::Toolchains;
use crate::sandbox::{
    self, CommandSpec, Detached, Exit, Identity, Lifetime, Mount, Network, OutputTarget, Sandbox,
};
use crate::site::{self, SITE_WORD, Site};

const MIB: u64 = 1024 * 1024;
/// The largest log of a service; it begins anew there.
const MAX_LOG_BYTES: u64 = MIB;
/// How long a health command may take, in milliseconds.
const CHECK_WALL_MS: u64 = 10_000;
/// How long a service may take to end before it is killed. The sandbox's own patience with it is shorter.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// A running service, as it can be noted on disk and found again. The id of a process alone may be given to another
/// one later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceId {
    /// The process whose end is the service's end.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did.
    pub start_time: u64,
}

/// What answers for a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceKind {
    /// Our own file server, which tells the release's name.
    Site {
        /// The release.
        release: String,
    },
    /// A command of the project.
    Command(Vec<String>),
}

/// A service to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// The release's files; read only for the service.
    pub files: PathBuf,
    /// What answers.
    pub kind: ServiceKind,
    /// The loopback port it is to answer on.
    pub port: u16,
    /// The gate it waits at before it begins.
    pub gate: PathBuf,
    /// The file that gets its output, up to a limit.
    pub log: PathBuf,
}

/// A health command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckSpec {
    /// The command.
    pub argv: Vec<String>,
    /// The folder it runs in: the release's files, read only.
    pub files: PathBuf,
    /// The port of the service it asks.
    pub port: u16,
}

/// What came of a health command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    /// Whether it ended with exit code 0.
    pub succeeded: bool,
    /// How it ended, and the end of what it said.
    pub detail: String,
}

/// Starts and ends services.
#[async_trait]
pub trait ServiceRunner: Send + Sync {
    /// Starts a process that waits at the gate. It lives on when this program ends, and leaves by itself when the
    /// gate is not opened.
    async fn start(&self, service: &ServiceSpec) -> Result<ServiceId, Failure>;

    /// Whether it runs. Blocking, briefly.
    fn is_alive(&self, id: ServiceId) -> bool;

    /// Ends it with all that it started; fine if it has ended.
    async fn stop(&self, id: ServiceId) -> Result<(), Failure>;

    /// Runs a health command to its end.
    async fn check(&self, check: &CheckSpec) -> Result<CheckOutcome, Failure>;
}

/// Runs services in the sandbox, on the machine's network.
#[derive(Debug)]
pub struct SandboxRunner {
    sandbox: Arc<Sandbox>,
    toolchains: Toolchains,
    program: PathBuf,
}

impl SandboxRunner {
    /// `program` is the file of a program that answers to [`SITE_WORD`]: this very one.
    pub fn new(sandbox: Arc<Sandbox>, toolchains: Toolchains, program: PathBuf) -> Self {
        Self { sandbox, toolchains, program }
    }

    /// The program's file where the service's id can walk to it. Without a root of its own, a sandbox that drops root
    /// can't reach a program in root's home, so it gets one beside the release.
    async fn reachable_program(&self, folder: Option<&Path>) -> Result<PathBuf, Failure> {
        let described = self.sandbox.describe();
        let drops_root = matches!(described.identity, Identity::DropsRoot { .. });
        let (program, Some(folder)) = (self.program.clone(), folder) else {
            return Ok(self.program.clone());
        };
        if described.level == SandboxLevel::Strict || !drops_root {
            return Ok(program);
        }
        let copy = folder.join("program");
        let placed = crate::blocking(move || disk::place(&program, &copy).map(|()| copy)).await;
        Ok(placed.map_err(Error::file("copy", "program"))?)
    }

    /// A command that sees the release and the machine's tools.
    fn command(
        &self,
        program: PathBuf,
        args: Vec<std::ffi::OsString>,
        files: &PathBuf,
        port: u16,
    ) -> CommandSpec {
        let mut spec = CommandSpec::new(program, args, files);
        spec.env.extend(self.toolchains.env.clone());
        if !self.toolchains.path.is_empty() {
            spec.env.insert("PATH".into(), self.toolchains.path_value());
        }
        spec.env.insert("HOST".into(), "127.0.0.1".into());
        spec.env.insert("PORT".into(), port.to_string());
        spec.mounts.extend(self.toolchains.mounts.iter().cloned());
        spec.mounts.push(Mount::read_only(files));
        spec.network = Network::Host;
        spec
    }
}

#[async_trait]
impl ServiceRunner for SandboxRunner {
    async fn start(&self, service: &ServiceSpec) -> Result<ServiceId, Failure> {
        let mut args = vec![SITE_WORD.into()];
        args.extend(match &service.kind {
            ServiceKind::Command(argv) => site::command_arguments(&service.gate, argv),
            ServiceKind::Site { release } => {
                let site =
                    Site { folder: service.files.clone(), port: service.port, release: release.clone() };
                site::site_arguments(&service.gate, &site)
            }
        });
        let program = self.reachable_program(service.gate.parent()).await?;
        let mut spec = self.command(program.clone(), args, &service.files, service.port);
        spec.mounts.push(Mount::read_only(&service.gate));
        spec.mounts.push(Mount::read_only(program));
        spec.lifetime = Lifetime::Detached;
        spec.limits.output_bytes = MAX_LOG_BYTES;
        spec.output = OutputTarget::File(service.log.clone());
        let started = self.sandbox.start_detached(&spec).await;
        let Detached { pid, start_time } = started.map_err(from_sandbox("start the release's service"))?;
        Ok(ServiceId { pid, start_time })
    }

    fn is_alive(&self, id: ServiceId) -> bool {
        detached(id).is_alive()
    }

    async fn stop(&self, id: ServiceId) -> Result<(), Failure> {
        let stopped = detached(id).stop(STOP_GRACE).await;
        stopped.map_err(from_sandbox("end the release's service"))
    }

    async fn check(&self, check: &CheckSpec) -> Result<CheckOutcome, Failure> {
        let Some((program, args)) = check.argv.split_first() else {
            return Err(Failure::permanent(ErrorCode::RequestInvalid, "the health command names no program"));
        };
        let args = args.iter().map(Into::into).collect();
        let mut spec = self.command(program.into(), args, &check.files, check.port);
        spec.limits = SandboxLimits { wall_ms: CHECK_WALL_MS, output_bytes: MIB, ..SandboxLimits::default() };
        let outcome = match self.sandbox.run(&spec, &CancellationToken::new()).await {
            Ok(outcome) => outcome,
            // The project's own mistake, not the machine's: the release is not healthy then.
            Err(error @ (sandbox::Error::Start { .. } | sandbox::Error::InvalidSpec { .. })) => {
                return Ok(CheckOutcome { succeeded: false, detail: error.to_string() });
            }
            Err(error) => return Err(from_sandbox("run the health command")(error)),
        };
        let end = match (outcome.limit, outcome.exit) {
            (Some(limit), _) => format!("was ended by a limit ({limit:?})"),
            (None, Exit::Code(code)) => format!("ended with exit code {code}"),
            (None, Exit::Signal(signal)) => format!("was ended by signal {signal}"),
        };
        let said = outcome.output.text();
        let said = said.trim();
        let detail = if said.is_empty() { end } else { format!("{end}: {said}") };
        Ok(CheckOutcome { succeeded: outcome.succeeded(), detail })
    }
}

fn detached(id: ServiceId) -> Detached {
    Detached { pid: id.pid, start_time: id.start_time }
}

fn from_sandbox(action: &'static str) -> impl FnOnce(sandbox::Error) -> Failure {
    move |error| {
        let mut message = format!("could not {action}: {error}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        match error {
            sandbox::Error::InvalidSpec { .. } => Failure::permanent(ErrorCode::RequestInvalid, message),
            sandbox::Error::Setup { .. } => Failure::needs_person(ErrorCode::SandboxSetup, message),
            _ => Failure::retry(ErrorCode::SandboxSetup, message),
        }
    }
}
