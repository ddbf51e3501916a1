//! Findings of a review, and the score that code makes of them.

use serde::{Deserialize, Serialize};

/// The score from which on a change passes.
pub const PASS_SCORE: u8 = 80;

/// What a reviewer looks at. Reviewers don't see each other's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Does it do what was asked, and nothing else wrong?
    Correctness,
    /// Does it open a hole?
    Security,
    /// Does it keep the project's own rules?
    Rules,
}

impl Aspect {
    /// All aspects, one independent reviewer each.
    pub const ALL: [Self; 3] = [Self::Correctness, Self::Security, Self::Rules];

    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Correctness => "correctness",
            Self::Security => "security",
            Self::Rules => "rules",
        }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; costs nothing.
    Note,
    /// Should be better.
    Minor,
    /// Must be better.
    Major,
    /// Must not be merged.
    Critical,
}

impl Severity {
    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }

    /// Points that a valid finding takes from 100.
    fn cost(self) -> u32 {
        match self {
            Self::Note => 0,
            Self::Minor => 5,
            Self::Major => 25,
            Self::Critical => 100,
        }
    }
}

/// Something that a reviewer or an analyser found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Who found it: an aspect's name or an analyser's.
    pub source: String,
    /// How bad it is.
    pub severity: Severity,
    /// The file, if it is about one.
    pub path: Option<String>,
    /// The line of the new file, counted from 1.
    pub line: Option<u32>,
    /// What is wrong, and why.
    pub problem: String,
    /// What would make it right.
    pub remedy: String,
}

/// The judgement about a change after one round of review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The commit that was reviewed.
    pub head: String,
    /// Findings that were confirmed.
    pub findings: Vec<Finding>,
    /// Findings that were looked at and refuted.
    pub refuted: Vec<Finding>,
    /// Acceptance items for which no proof was seen.
    pub unproven: Vec<String>,
    /// 0 to 100.
    pub score: u8,
}

impl Review {
    /// Computes the score: 100 less the cost of each confirmed finding.
    pub fn judge(head: String, findings: Vec<Finding>, refuted: Vec<Finding>, unproven: Vec<String>) -> Self {
        let cost: u32 = findings.iter().map(|finding| finding.severity.cost()).sum();
        let score = u8::try_from(100u32.saturating_sub(cost)).unwrap_or(0);
        Self { head, findings, refuted, unproven, score }
    }

    /// Whether the change may go on: enough points, nothing critical, every acceptance item proven.
    pub fn passes(&self) -> bool {
        let critical = self.findings.iter().any(|finding| finding.severity == Severity::Critical);
        self.score >= PASS_SCORE && !critical && self.unproven.is_empty()
    }
}
