//! Pull requests, and changes as diffs.

use miyabi_core::forge::{self, PullRequestState};
use miyabi_core::id::RunId;
use miyabi_core::port::repositories::{Change, FileChange, FileChangeKind};
use miyabi_core::usecase::pull_request::run_of;
use serde::{Deserialize, Serialize};

use super::Time;

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number in the project; issues share the count.
    pub number: u64,
    /// One line.
    pub title: String,
    /// Markdown. Untrusted: never to be shown as HTML.
    pub body: String,
    /// Where it stands.
    pub state: PullRequestState,
    /// The branch that carries the change.
    pub head_branch: String,
    /// That branch's commit.
    pub head: String,
    /// The branch it shall be merged into.
    pub base_branch: String,
    /// The commit that brought it into the branch.
    pub merge_commit: Option<String>,
    /// The run that made it.
    pub run_id: Option<RunId>,
    /// Where people see it.
    pub url: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it changed last.
    pub updated_at: Time,
}

impl PullRequest {
    pub(crate) fn new(found: forge::PullRequest, url: Option<String>) -> Self {
        Self {
            run_id: run_of(&found),
            number: found.number,
            title: found.title,
            body: found.body,
            state: found.state,
            head_branch: found.head_branch,
            head: found.head,
            base_branch: found.base_branch,
            merge_commit: found.merge_commit,
            url,
            created_at: found.created_at.into(),
            updated_at: found.updated_at.into(),
        }
    }
}

/// Merges a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MergeRequest {
    /// The commit that the person looked at, or at least seven characters of it: nothing else is merged.
    pub head: Option<String>,
}

/// A change between two commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// The commit before.
    pub from: String,
    /// The commit after.
    pub to: String,
    /// The unified diff.
    pub patch: String,
    /// Whether the diff was cut because of its size. The list of files is whole.
    pub is_truncated: bool,
    /// The files, sorted by path.
    pub files: Vec<FileDiff>,
}

/// One file of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// Its path, or the new one after a rename.
    pub path: String,
    /// The path before a rename.
    pub old_path: Option<String>,
    /// What happened to it.
    pub kind: FileChangeKind,
    /// Lines added; 0 for files that are no text.
    pub added: u32,
    /// Lines removed; 0 for files that are no text.
    pub removed: u32,
    /// Whether it is no text.
    pub is_binary: bool,
}

impl Diff {
    pub(crate) fn new(from: String, to: String, change: Change) -> Self {
        let files = change.files.into_iter().map(FileDiff::from).collect();
        Self { from, to, patch: change.patch, is_truncated: change.is_truncated, files }
    }
}

impl From<FileChange> for FileDiff {
    fn from(file: FileChange) -> Self {
        Self {
            path: file.path,
            old_path: file.old_path,
            kind: file.kind,
            added: file.added,
            removed: file.removed,
            is_binary: file.is_binary,
        }
    }
}
