//! What the reviewers said.

use miyabi_core::digest::Digest;
use miyabi_core::finding::{self, Severity};
use serde::{Deserialize, Serialize};

/// Something that a reviewer or an analyser found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Who found it.
    pub source: String,
    /// How bad it is.
    pub severity: Severity,
    /// The file, if it is about one.
    pub path: Option<String>,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// What is wrong, and why.
    pub problem: String,
    /// What would make it right.
    pub remedy: String,
}

impl From<&finding::Finding> for Finding {
    fn from(finding: &finding::Finding) -> Self {
        Self {
            source: finding.source.clone(),
            severity: finding.severity,
            path: finding.path.clone(),
            line: finding.line,
            problem: finding.problem.clone(),
            remedy: finding.remedy.clone(),
        }
    }
}

/// The judgement about a change after one round of review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Which round, counted from 0.
    pub round: u32,
    /// The diff that was looked at, as an artifact.
    pub diff: Digest,
    /// 0 to 100.
    pub score: u8,
    /// Whether the change may go on.
    pub passes: bool,
    /// Findings that hold.
    pub findings: Vec<Finding>,
    /// Findings that were looked at and refuted.
    pub refuted: Vec<Finding>,
    /// Acceptance items without proof.
    pub unproven: Vec<String>,
}

impl Review {
    pub(crate) fn new(round: u32, diff: Digest, review: &finding::Review) -> Self {
        Self {
            round,
            diff,
            score: review.score,
            passes: review.passes(),
            findings: review.findings.iter().map(Finding::from).collect(),
            refuted: review.refuted.iter().map(Finding::from).collect(),
            unproven: review.unproven.clone(),
        }
    }
}
