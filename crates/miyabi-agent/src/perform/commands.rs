//! Runs a project's own commands in a checkout and keeps the evidence.

use miyabi_core::error::Failure;
use miyabi_core::gate::Evidence;
use miyabi_core::port::checkouts::{CheckoutId, Exec, ExecOutcome, Program};
use miyabi_core::sandbox::SandboxLimits;

use super::Job;

/// A commit and its tree: what evidence is about.
pub(crate) struct At {
    pub(crate) commit: String,
    pub(crate) tree: String,
}

/// Exit code of a shell for "no such program".
const EXIT_NOT_FOUND: i32 = 127;

/// A command that was run.
pub(crate) struct Ran {
    pub(crate) evidence: Evidence,
    pub(crate) outcome: ExecOutcome,
}

impl Ran {
    /// Whether the program itself is missing on this machine: nothing was checked then.
    pub(crate) fn is_missing_program(&self) -> bool {
        self.evidence.exit_code == Some(EXIT_NOT_FOUND)
    }

    /// The end of its output as text, for people and models.
    pub(crate) fn tail(&self) -> String {
        let bytes = if self.outcome.tail.is_empty() { &self.outcome.head } else { &self.outcome.tail };
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// How it ended, in a few words.
    pub(crate) fn verdict(&self) -> String {
        let command = self.evidence.command.join(" ");
        match (self.evidence.limit, self.evidence.exit_code) {
            (Some(limit), _) => format!("`{command}` was ended: {}", limit_text(limit)),
            (None, Some(code)) => format!("`{command}` ended with exit code {code}"),
            (None, None) => {
                format!("`{command}` was ended by signal {}", self.outcome.signal.unwrap_or_default())
            }
        }
    }
}

pub(crate) fn limit_text(limit: miyabi_core::sandbox::LimitHit) -> &'static str {
    use miyabi_core::sandbox::LimitHit;
    match limit {
        LimitHit::Timeout => "it ran too long",
        LimitHit::Cpu => "it used too much processor time",
        LimitHit::Memory => "it used too much memory",
        LimitHit::Disk => "it wrote too much",
        LimitHit::FileSize => "it wrote too large a file",
    }
}

/// Runs a command and keeps the evidence.
pub(crate) async fn run(
    job: &Job<'_>,
    id: &CheckoutId,
    at: &At,
    program: Program,
    limits: &SandboxLimits,
    network: bool,
) -> Result<Ran, Failure> {
    job.check_cancelled()?;
    let started_at = job.ports.clock.now();
    let command = program.argv();
    let exec = Exec { program, folder: ".".into(), limits: limits.clone(), network };
    let outcome = job.ports.checkouts.exec(id, &exec, &job.attempt.cancel).await?;
    if outcome.is_cancelled {
        return Err(Failure::cancelled());
    }
    let evidence = Evidence {
        command,
        commit: at.commit.clone(),
        tree: at.tree.clone(),
        exit_code: outcome.exit_code,
        limit: outcome.limit,
        log: outcome.log,
        started_at,
        duration_ms: outcome.duration_ms,
        sandbox: outcome.sandbox,
    };
    Ok(Ran { evidence, outcome })
}

/// Runs commands until one fails; the last is the one that failed, if any did.
pub(crate) async fn run_all(
    job: &Job<'_>,
    id: &CheckoutId,
    at: &At,
    commands: &[Vec<String>],
    limits: &SandboxLimits,
    network: bool,
) -> Result<Vec<Ran>, Failure> {
    let mut all = Vec::new();
    for command in commands {
        let ran = run(job, id, at, Program::Argv(command.clone()), limits, network).await?;
        let succeeded = ran.evidence.succeeded();
        all.push(ran);
        if !succeeded {
            break;
        }
    }
    Ok(all)
}
