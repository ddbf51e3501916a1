//! What the Issue agent finds out about an issue.

use serde::{Deserialize, Serialize};

/// The result of triage. Confidence values are percentages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triage {
    /// What the issue asks for.
    pub kind: IssueKind,
    /// Parts of the project it is about, as words or paths.
    pub areas: Vec<String>,
    /// How large the change will be.
    pub size: Size,
    /// What must hold for the issue to be solved; each can be checked.
    pub acceptance: Vec<String>,
    /// Numbers of issues that ask for the same.
    pub duplicates: Vec<u64>,
    /// Questions without whose answers the work can't begin.
    pub missing: Vec<String>,
    /// What can go wrong.
    pub risk: Risk,
    /// How sure the agent is, by field.
    pub confidence: Confidence,
    /// Whether agents can solve it: a change of this repository, checkable by its own means.
    pub runnable: bool,
}

/// What an issue asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueKind {
    /// Something behaves wrongly.
    Bug,
    /// Something new.
    Feature,
    /// Words only.
    Docs,
    /// Same behaviour, better shape.
    Refactor,
    /// Dependencies, builds, tidying.
    Chore,
    /// Somebody wants to know something.
    Question,
}

impl IssueKind {
    /// The word used as a label of the forge.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bug => "bug",
            Self::Feature => "feature",
            Self::Docs => "docs",
            Self::Refactor => "refactor",
            Self::Chore => "chore",
            Self::Question => "question",
        }
    }
}

/// How large a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// A few lines in one place.
    Small,
    /// A few files.
    Medium,
    /// Many files or a new part.
    Large,
}

impl Size {
    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

/// How much harm a wrong change can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Easily seen and undone.
    Low,
    /// Users may notice.
    Medium,
    /// Data, money, access or security.
    High,
}

impl Risk {
    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// How sure the agent is, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confidence {
    /// Of `kind`.
    pub kind: u8,
    /// Of `size`.
    pub size: u8,
    /// Of `acceptance`.
    pub acceptance: u8,
    /// Of `risk`.
    pub risk: u8,
}

impl Confidence {
    /// The field it is least sure of.
    pub fn lowest(&self) -> (&'static str, u8) {
        [("kind", self.kind), ("size", self.size), ("acceptance", self.acceptance), ("risk", self.risk)]
            .into_iter()
            .min_by_key(|(_, percent)| *percent)
            .unwrap_or(("kind", 0))
    }
}

impl Triage {
    /// Why agents must not act on this issue yet; `None` when they may.
    pub fn obstacle(&self, confidence_percent: u8) -> Option<String> {
        if let Some(question) = self.missing.first() {
            return Some(question.clone());
        }
        if !self.runnable {
            return Some("this issue is not one that a change of this repository can solve".into());
        }
        let (field, percent) = self.confidence.lowest();
        (percent < confidence_percent).then(|| {
            format!(
                "the {field} of this issue is not clear ({percent} % sure, {confidence_percent} % needed)"
            )
        })
    }
}
