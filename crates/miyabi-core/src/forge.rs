//! Issues, pull requests and reviews, whoever keeps them.

use serde::{Deserialize, Serialize};

use crate::label::Label;
use crate::time::Timestamp;

/// An issue of a forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Its number in the project; pull requests share the count.
    pub number: u64,
    /// One line.
    pub title: String,
    /// Markdown. Untrusted.
    pub body: String,
    /// The author's name.
    pub author: String,
    /// How far the author is trusted.
    pub author_label: Label,
    /// Labels, sorted.
    pub labels: Vec<String>,
    /// Whether it is open.
    pub is_open: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// A comment on an issue or a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its number in the project.
    pub id: u64,
    /// The author's name.
    pub author: String,
    /// How far the author is trusted.
    pub author_label: Label,
    /// Markdown. Untrusted.
    pub body: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The state of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullRequestState {
    /// Neither merged nor closed.
    Open,
    /// Its commit is part of the branch.
    Merged,
    /// Given up.
    Closed,
}

impl PullRequestState {
    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Closed => "closed",
        }
    }
}

/// A pull request of a forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number in the project.
    pub number: u64,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The branch that carries the change.
    pub head_branch: String,
    /// That branch's commit.
    pub head: String,
    /// The branch it shall be merged into.
    pub base_branch: String,
    /// Where it stands.
    pub state: PullRequestState,
    /// The commit that brought it into the branch.
    pub merge_commit: Option<String>,
    /// Text by which a run finds its own pull request again.
    pub marker: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// What a new pull request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestText {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
}

/// A new issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIssue {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The author's name.
    pub author: String,
    /// How far the author is trusted.
    pub author_label: Label,
    /// Labels.
    pub labels: Vec<String>,
}

/// Which things of a list are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Openness {
    /// Open ones.
    #[default]
    Open,
    /// Closed and merged ones.
    Closed,
    /// All.
    All,
}
