//! Runs forbidden and allowed actions in a real sandbox before anyone trusts it.
//!
//! A pass is remembered per boot, kernel, launcher, user and level; a failure never is.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use miyabi_core::sandbox::{SandboxLevel, SandboxLimits};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::launcher::{Check, PROBE_WORD, Task};
use super::spec::{CommandSpec, Mount};
use super::{Access, Advice, Error, Sandbox, advice};

/// Enough for the probe, few enough to reach the limit quickly.
const PROCESSES: u32 = 16;

/// What the self-test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    /// The level that was tested.
    pub level: SandboxLevel,
    /// What was tried and what came of it. Empty when a pass was remembered.
    pub checks: Vec<Check>,
    /// Whether an earlier pass on this boot, kernel, launcher and user stands.
    pub remembered: bool,
    /// Why the sandbox does not work and what to do; `None` when it works.
    pub advice: Option<Advice>,
}

impl SelfTest {
    /// Whether commands may run.
    pub fn passed(&self) -> bool {
        self.advice.is_none()
    }
}

/// Everything a pass depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Circumstances {
    boot: String,
    kernel: String,
    launcher: (u64, u64, u64, i64, i64),
    uid: u32,
    identity: super::Identity,
    level: SandboxLevel,
}

pub(super) async fn run(sandbox: &Sandbox) -> SelfTest {
    let level = sandbox.options.level;
    let memory = sandbox.options.state_dir.join(format!("sandbox-self-test-{}.json", level.as_str()));
    let circumstances = circumstances(sandbox);
    if circumstances.is_some() && recall(&memory) == circumstances {
        return SelfTest { level, checks: Vec::new(), remembered: true, advice: None };
    }
    let (checks, advice) = match probe(sandbox).await {
        Ok(checks) => {
            let failed: Vec<&str> =
                checks.iter().filter(|check| !check.ok).map(|check| check.name.as_str()).collect();
            let advice = (!failed.is_empty()).then(|| leak(&failed));
            (checks, advice)
        }
        Err(error) => {
            let detail = chain(&error);
            let advice = error.advice().cloned().unwrap_or_else(|| Advice {
                cause: detail.clone(),
                cure: advice::with_alternative("see the failed step above"),
            });
            (vec![Check { name: "start a command".to_owned(), ok: false, detail }], Some(advice))
        }
    };
    if let (None, Some(circumstances)) = (&advice, circumstances) {
        // Only saves time at the next start; without it the test runs again.
        let _remembered =
            serde_json::to_vec(&circumstances).ok().and_then(|text| fs::write(&memory, text).ok());
    }
    SelfTest { level, checks, remembered: false, advice }
}

/// A temporary folder of the test, gone when dropped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _removed = fs::remove_dir_all(&self.0);
    }
}

async fn probe(sandbox: &Sandbox) -> Result<Vec<Check>, Error> {
    // Alone, so that a set-up that fails is told by its own step and advice.
    sandbox.run(&CommandSpec::new("true", [""; 0], "/"), &CancellationToken::new()).await?;
    let folder = Folder(sandbox.options.state_dir.join(format!("self-test-{}", std::process::id())));
    let failed = |source| Error::File { action: "prepare the self-test in", path: folder.0.clone(), source };
    let checkout = folder.0.join("checkout");
    let secret = folder.0.join("secret");
    let prepare = || -> std::io::Result<TcpListener> {
        fs::create_dir_all(&checkout)?;
        fs::write(&secret, "secret")?;
        // Readable by anyone, so that only the sandbox stands in the way.
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644))?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    let listener = prepare().map_err(failed)?;
    sandbox.own(&checkout)?;
    let task = Task {
        level: sandbox.options.level,
        checkout: checkout.clone(),
        secret,
        port: listener.local_addr().map_err(failed)?.port(),
        program: std::process::id(),
        processes: PROCESSES,
    };
    let outcome = sandbox.run(&command(sandbox, &task, checkout)?, &CancellationToken::new()).await?;
    let mut checks: Vec<Check> = serde_json::from_slice(&outcome.output.head)
        .map_err(|error| Error::Protocol { reason: format!("{error}: {}", outcome.output.text()) })?;
    if sandbox.options.level != SandboxLevel::External {
        let reached = listener.accept().is_ok();
        let detail = if reached { "the listener saw a connection" } else { "the listener saw nothing" };
        checks.push(Check {
            name: "stay off the machine's network".to_owned(),
            ok: !reached,
            detail: detail.to_owned(),
        });
    }
    Ok(checks)
}

fn command(sandbox: &Sandbox, task: &Task, checkout: PathBuf) -> Result<CommandSpec, Error> {
    let strict = sandbox.options.level == SandboxLevel::Strict;
    let launcher = fs::canonicalize(&sandbox.options.launcher)
        .map_err(|source| Error::Launcher { launcher: sandbox.options.launcher.clone(), source })?;
    let program = if strict { PathBuf::from("/run/miyabi-probe") } else { launcher.clone() };
    let task =
        serde_json::to_string(task).map_err(|error| Error::InvalidSpec { reason: error.to_string() })?;
    let mut spec = CommandSpec::new(&program, [PROBE_WORD, &task], &checkout);
    spec.mounts = vec![
        Mount { source: launcher, target: program, access: Access::ReadOnly },
        Mount::read_write(checkout),
    ];
    spec.limits = SandboxLimits { processes: PROCESSES, wall_ms: 20_000, ..SandboxLimits::default() };
    Ok(spec)
}

fn circumstances(sandbox: &Sandbox) -> Option<Circumstances> {
    let launcher = fs::metadata(&sandbox.options.launcher).ok()?;
    let system = rustix::system::uname();
    Some(Circumstances {
        boot: fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?,
        kernel: format!("{} {}", system.release().to_string_lossy(), system.version().to_string_lossy()),
        launcher: (launcher.dev(), launcher.ino(), launcher.size(), launcher.mtime(), launcher.mtime_nsec()),
        uid: rustix::process::geteuid().as_raw(),
        identity: sandbox.identity,
        level: sandbox.options.level,
    })
}

fn recall(memory: &Path) -> Option<Circumstances> {
    serde_json::from_slice(&fs::read(memory).ok()?).ok()
}

fn leak(failed: &[&str]) -> Advice {
    Advice {
        cause: format!("the sandbox runs but gave a wrong answer to: {}", failed.join(", ")),
        cure: advice::with_alternative(
            "do not run workers on this machine; report it with the output of `miyabi doctor`",
        ),
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
