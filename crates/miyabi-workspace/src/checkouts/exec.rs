//! Running a task's commands.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::checkouts::{CheckoutId, Exec, ExecOutcome};
use miyabi_core::sandbox::SandboxLevel;
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use super::layout::Layout;
use super::state::{self, State};
use super::{GitCheckouts, file_path, inside::sandbox_failure};
use crate::sandbox::{self, Access, CommandSpec, Exit, HOME, Mount, Network, OutputTarget};

/// Variables that every command gets. The rest of the environment is the operator's list, and nothing of our own.
const ENV: [(&str, &str); 3] = [("LANG", "C.UTF-8"), ("TERM", "dumb"), ("CI", "1")];
/// What shells answer for a program that is not there, and for one that can't be run.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;

impl GitCheckouts {
    pub(super) async fn run(
        &self,
        id: &CheckoutId,
        exec: &Exec,
        cancel: &CancellationToken,
    ) -> Result<ExecOutcome, Failure> {
        let layout = self.layout(id)?;
        let state = state::load(&layout).await?;
        let log = layout.logs().join(log_name());
        let spec = self.spec(&layout, &state, exec, &log)?;
        let outcome = self.run_and_store(&spec, &log, cancel).await;
        let _gone = tokio::fs::remove_file(&log).await;
        outcome
    }

    async fn run_and_store(
        &self,
        spec: &CommandSpec,
        log: &Path,
        cancel: &CancellationToken,
    ) -> Result<ExecOutcome, Failure> {
        let outcome = match self.sandbox.run(spec, cancel).await {
            Err(sandbox::Error::Start { program, source }) => {
                let text = format!("{}: {source}\n", program.display()).into_bytes();
                tokio::fs::write(log, &text).await.map_err(log_failure)?;
                let code = source.raw_os_error().map(Errno::from_raw_os_error);
                let exit_code = if code == Some(Errno::NOENT) { NOT_FOUND } else { NOT_EXECUTABLE };
                self.not_started(exit_code, text)
            }
            outcome => self.ended(outcome.map_err(sandbox_failure)?),
        };
        let log =
            self.store.put_file(log).await.map_err(miyabi_core::port::artifacts::Error::into_failure)?;
        Ok(ExecOutcome { log, ..outcome })
    }

    fn spec(&self, layout: &Layout, state: &State, exec: &Exec, log: &Path) -> Result<CommandSpec, Failure> {
        let argv = exec.program.argv();
        let Some((program, args)) = argv.split_first() else {
            return Err(Failure::permanent(ErrorCode::RequestInvalid, "the command is empty"));
        };
        let cwd = match exec.folder.as_str() {
            "" | "." => layout.tree(),
            folder => layout.tree().join(file_path(folder)?.as_str()),
        };
        let mut spec = CommandSpec::new(program, args, cwd);
        spec.network =
            if exec.network && self.options.allows_network { Network::Host } else { Network::None };
        spec.limits = exec.limits.clone();
        spec.output = OutputTarget::File(log.to_path_buf());
        spec.mounts = self.mounts(layout, state)?;
        let own = ENV.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        spec.env = own.chain(self.options.env.clone()).collect();
        let home = layout.home();
        if self.level() == SandboxLevel::Strict {
            spec.env.insert("HOME".into(), HOME.into());
        } else {
            // Paths of the machine are what commands see at these levels: whatever points into the home must follow.
            let home = home.to_string_lossy();
            for value in spec.env.values_mut() {
                *value = value.replace(HOME, &home);
            }
            spec.env.insert("HOME".into(), home.into_owned());
        }
        Ok(spec)
    }

    fn mounts(&self, layout: &Layout, state: &State) -> Result<Vec<Mount>, Failure> {
        let mut mounts = vec![
            Mount::read_only(self.repositories.bare(state.project).objects()),
            Mount::read_write(layout.tree()),
        ];
        mounts.extend(self.options.tools.iter().cloned());
        if self.level() == SandboxLevel::Strict {
            mounts.push(Mount { source: layout.home(), target: HOME.into(), access: Access::ReadWrite });
            let caches = self.sandbox.cache_mounts(&self.options.caches, &layout.caches());
            mounts.extend(caches.map_err(sandbox_failure)?);
        } else {
            mounts.push(Mount::read_write(layout.home()));
        }
        Ok(mounts)
    }

    fn level(&self) -> SandboxLevel {
        self.sandbox.describe().level
    }

    fn ended(&self, outcome: sandbox::Outcome) -> ExecOutcome {
        let (exit_code, signal) = match outcome.exit {
            Exit::Code(code) => (Some(code), None),
            Exit::Signal(signal) => (None, Some(signal)),
        };
        ExecOutcome {
            exit_code,
            signal,
            limit: outcome.limit,
            is_cancelled: outcome.cancelled,
            duration_ms: outcome.duration_ms,
            head: outcome.output.head,
            tail: outcome.output.tail,
            total_bytes: outcome.output.total_bytes,
            log: nothing(),
            sandbox: self.level(),
        }
    }

    /// A program that is not there is an answer, as it is in a shell: a missing linter is no broken sandbox.
    fn not_started(&self, exit_code: i32, text: Vec<u8>) -> ExecOutcome {
        ExecOutcome {
            exit_code: Some(exit_code),
            signal: None,
            limit: None,
            is_cancelled: false,
            duration_ms: 0,
            total_bytes: text.len() as u64,
            head: text,
            tail: Vec::new(),
            log: nothing(),
            sandbox: self.level(),
        }
    }
}

/// Stands in until the log is stored.
fn nothing() -> miyabi_core::digest::Digest {
    miyabi_core::digest::Digest::of(b"")
}

/// A name that no other command of this process uses; those of earlier processes may be overwritten.
fn log_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    format!("{}.log", COUNTER.fetch_add(1, Ordering::Relaxed))
}

fn log_failure(source: std::io::Error) -> Failure {
    crate::files::Error::at("write", b"the log", source).into_failure()
}
