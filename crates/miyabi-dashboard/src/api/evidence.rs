//! What the host checked, and the records that prove it.

use miyabi_core::digest::Digest;
use miyabi_core::gate::{self, Gate, Verdict};
use miyabi_core::sandbox::{LimitHit, SandboxLevel};
use serde::{Deserialize, Serialize};

use super::Time;

/// A command that was run, and what came of it. It can be run again on a clean clone of the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The commit it ran at.
    pub commit: String,
    /// That commit's tree.
    pub tree: String,
    /// The exit code; `null` when a signal or a limit ended it.
    pub exit_code: Option<i32>,
    /// The limit that ended it.
    pub limit: Option<LimitHit>,
    /// Its output, as an artifact.
    pub log: Digest,
    /// When it began.
    pub started_at: Time,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The cage it ran in.
    pub sandbox: SandboxLevel,
}

impl From<&gate::Evidence> for Evidence {
    fn from(evidence: &gate::Evidence) -> Self {
        Self {
            command: evidence.command.clone(),
            commit: evidence.commit.clone(),
            tree: evidence.tree.clone(),
            exit_code: evidence.exit_code,
            limit: evidence.limit,
            log: evidence.log,
            started_at: evidence.started_at.into(),
            duration_ms: evidence.duration_ms,
            sandbox: evidence.sandbox,
        }
    }
}

/// All gates' results at one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateReport {
    /// The step that checked: `generate/t1/0/gates`.
    pub step: String,
    /// The commit.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// The worst of the verdicts.
    pub verdict: Verdict,
    /// Each gate.
    pub results: Vec<GateResult>,
    /// Changed files that need a person's approval.
    pub protected_paths: Vec<String>,
}

/// One gate's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateResult {
    /// Which gate.
    pub gate: Gate,
    /// What it says.
    pub verdict: Verdict,
    /// One line for people.
    pub detail: String,
    /// The commands that were run for it.
    pub evidence: Vec<Evidence>,
}

impl GateReport {
    pub(crate) fn new(step: String, report: &gate::GateReport) -> Self {
        let result = |result: &gate::GateResult| GateResult {
            gate: result.gate,
            verdict: result.verdict,
            detail: result.detail.clone(),
            evidence: result.evidence.iter().map(Evidence::from).collect(),
        };
        Self {
            step,
            commit: report.commit.clone(),
            tree: report.tree.clone(),
            verdict: report.verdict(),
            results: report.results.iter().map(result).collect(),
            protected_paths: report.protected_paths.clone(),
        }
    }
}
