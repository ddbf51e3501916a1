//! Gates: what the host checks of a commit before anybody may call it good, and the evidence each check leaves.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::sandbox::{LimitHit, SandboxLevel};
use crate::time::Timestamp;

/// A check that the host makes in a clean clone. The agent can neither skip it nor write its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The project's formatter has nothing to change.
    Format,
    /// The project's linter has nothing to say.
    Lint,
    /// It builds.
    Build,
    /// Its tests pass.
    Test,
    /// A bug's reproduction fails before the change and passes after it.
    Reproduction,
    /// Each acceptance item has a command that shows it true.
    Acceptance,
    /// No secret stands in the change.
    Secrets,
    /// Files that need a person's approval (never fails; it names them).
    ProtectedPaths,
    /// The change is not larger than allowed.
    ChangeSize,
    /// No test was skipped, deleted or loosened, no check was switched off.
    TestTampering,
    /// The change stays within the files its task may touch.
    TouchSet,
}

impl Gate {
    /// The name in journals, pull requests and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Lint => "lint",
            Self::Build => "build",
            Self::Test => "test",
            Self::Reproduction => "reproduction",
            Self::Acceptance => "acceptance",
            Self::Secrets => "secrets",
            Self::ProtectedPaths => "protected_paths",
            Self::ChangeSize => "change_size",
            Self::TestTampering => "test_tampering",
            Self::TouchSet => "touch_set",
        }
    }
}

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// It could not be checked: no command is known, or the analyser is missing. Never a pass.
    Unknown,
}

impl Verdict {
    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// One gate's result at one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateResult {
    /// Which gate.
    pub gate: Gate,
    /// What it says.
    pub verdict: Verdict,
    /// One line for people: `14 tests passed`, `src/a.rs:3 looks like an AWS key`.
    pub detail: String,
    /// The commands that were run for it.
    pub evidence: Vec<Evidence>,
}

/// A command that was run, and what came of it: a record that can be checked on a clean clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The commit it ran at.
    pub commit: String,
    /// The tree of that commit, which survives a rebase that changes nothing.
    pub tree: String,
    /// The exit code; `None` when a signal or a limit ended it.
    pub exit_code: Option<i32>,
    /// The limit that ended it.
    pub limit: Option<LimitHit>,
    /// The stored output.
    pub log: Digest,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The cage it ran in.
    pub sandbox: SandboxLevel,
}

impl Evidence {
    /// Whether the command ended with exit code 0 and within its limits.
    pub fn succeeded(&self) -> bool {
        self.exit_code == Some(0) && self.limit.is_none()
    }
}

/// All gates' results at one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateReport {
    /// The commit that was checked.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// The results, in a fixed order.
    pub results: Vec<GateResult>,
    /// Files of the change that need a person's approval.
    pub protected_paths: Vec<String>,
    /// Acceptance items for which a proof was run, counted from 0, and whether it held.
    pub proofs: Vec<(usize, bool)>,
}

impl GateReport {
    /// The worst verdict: one failure fails all, one unknown makes all unknown.
    pub fn verdict(&self) -> Verdict {
        let has = |verdict| self.results.iter().any(|result| result.verdict == verdict);
        if has(Verdict::Fail) {
            Verdict::Fail
        } else if has(Verdict::Unknown) {
            Verdict::Unknown
        } else {
            Verdict::Pass
        }
    }

    /// The gates with this verdict.
    pub fn with_verdict(&self, verdict: Verdict) -> impl Iterator<Item = &GateResult> {
        self.results.iter().filter(move |result| result.verdict == verdict)
    }
}

/// The project's own commands, by gate; detected from its files or named in `.miyabi/config.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Checks {
    /// Run once before the first command: dependencies, generated files.
    pub setup: Vec<Vec<String>>,
    /// Formatter in its checking mode.
    pub format: Vec<Vec<String>>,
    /// Linters.
    pub lint: Vec<Vec<String>>,
    /// Build.
    pub build: Vec<Vec<String>>,
    /// Tests.
    pub test: Vec<Vec<String>>,
}

impl Checks {
    /// The commands of a gate; empty when none are known.
    pub fn commands(&self, gate: Gate) -> &[Vec<String>] {
        match gate {
            Gate::Format => &self.format,
            Gate::Lint => &self.lint,
            Gate::Build => &self.build,
            Gate::Test => &self.test,
            _ => &[],
        }
    }
}
