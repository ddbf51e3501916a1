//! A sandbox with a checkout in a temporary folder, and ways to look at what is left of a command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use miyabi_core::sandbox::{SandboxLevel, SandboxLimits};
use miyabi_workspace::sandbox::{CommandSpec, Error, Exit, Mount, Options, Outcome, Sandbox};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Names the launcher when the tests run as a user who cannot reach the build folder.
pub(crate) const LAUNCHER_VARIABLE: &str = "MIYABI_TEST_LAUNCHER";

/// How long a condition that must come true may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Cage {
    pub(crate) sandbox: Sandbox,
    pub(crate) folder: TempDir,
}

pub(crate) fn launcher() -> PathBuf {
    std::env::var_os(LAUNCHER_VARIABLE)
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_miyabi-sandbox-launcher")), PathBuf::from)
}

impl Cage {
    pub(crate) fn strict() -> Self {
        Self::new(SandboxLevel::Strict)
    }

    pub(crate) fn new(level: SandboxLevel) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new(level, folder.path().join("state"));
        options.launcher = launcher();
        std::fs::create_dir(&options.state_dir).unwrap();
        let cage = Self { sandbox: Sandbox::new(options), folder };
        std::fs::create_dir(cage.checkout()).unwrap();
        cage.sandbox.own(&cage.checkout()).unwrap();
        if level != SandboxLevel::Strict {
            // Without a mount namespace the dropped id walks the machine's own path.
            for path in [cage.folder.path().to_path_buf(), cage.folder.path().join("state")] {
                use std::os::unix::fs::PermissionsExt as _;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)).unwrap();
            }
        }
        cage
    }

    pub(crate) fn checkout(&self) -> PathBuf {
        self.folder.path().join("checkout")
    }

    pub(crate) fn spec<A: Into<OsString>>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = A>,
    ) -> CommandSpec {
        let mut spec = CommandSpec::new(program, args, self.checkout());
        spec.mounts = vec![Mount::read_write(self.checkout())];
        // A stuck test ends by itself, and soon.
        spec.limits = SandboxLimits { wall_ms: 30_000, ..SandboxLimits::default() };
        spec
    }

    pub(crate) fn sh_spec(&self, script: &str) -> CommandSpec {
        self.spec("sh", ["-c", script])
    }

    pub(crate) async fn run(&self, spec: &CommandSpec) -> Outcome {
        self.try_run(spec).await.unwrap()
    }

    pub(crate) async fn try_run(&self, spec: &CommandSpec) -> Result<Outcome, Error> {
        self.sandbox.run(spec, &CancellationToken::new()).await
    }

    pub(crate) async fn sh(&self, script: &str) -> Outcome {
        self.run(&self.sh_spec(script)).await
    }

    pub(crate) async fn perl(&self, program: &str) -> Outcome {
        self.run(&self.spec("perl", ["-e", program])).await
    }
}

/// Copies a program and makes it executable for all.
///
/// By another process: were the copy open for writing here, a child that another test starts at that
/// moment would hold it open too, and nobody could execute it for a while.
pub(crate) fn copy_program(from: &Path, to: &Path, mode: u32) {
    let mode = format!("--mode={mode:o}");
    let status = std::process::Command::new("install").arg(mode).args([from, to]).status().unwrap();
    assert!(status.success(), "{}", from.display());
}

pub(crate) fn text(outcome: &Outcome) -> String {
    outcome.output.text()
}

/// The command returned 0 and printed exactly this.
pub(crate) fn assert_prints(outcome: &Outcome, expected: &str) {
    assert_eq!((outcome.exit, text(outcome).as_str()), (Exit::Code(0), expected), "{outcome:?}");
}

/// Waits until a condition holds, and says what was seen last when it never does.
pub(crate) fn poll_until<T: std::fmt::Debug>(what: &str, look: impl Fn() -> Result<(), T>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(()) => return,
            Err(seen) if Instant::now() > deadline => panic!("{what}: still {seen:?}"),
            Err(_) => std::thread::yield_now(),
        }
    }
}

/// Process ids on this machine whose command line contains the marker.
pub(crate) fn processes_with(marker: &str) -> Vec<u32> {
    let own = std::process::id();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != own && has_marker(*pid, marker)).collect()
}

fn has_marker(pid: u32, marker: &str) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.windows(marker.len()).any(|window| window == marker.as_bytes())
}

/// A marker that no other test and no other run uses: a duration for `sleep`, and harmless.
pub(crate) fn marker(number: u32) -> String {
    format!("3600.{number}{}", std::process::id())
}

pub(crate) fn assert_gone(marker: &str) {
    poll_until("processes of the command", || match processes_with(marker) {
        left if left.is_empty() => Ok(()),
        left => Err(left),
    });
}

pub(crate) fn assert_appears(path: &Path) {
    poll_until("the file", || if path.exists() { Ok(()) } else { Err("missing") });
}
