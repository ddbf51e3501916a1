//! The port to projects' repositories: bare, written by the host alone.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::project::Project;
use crate::run::value::Candidate;
use crate::time::Timestamp;

/// A branch's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit.
    pub commit: String,
    /// Its tree.
    pub tree: String,
}

/// A change between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The unified diff, cut at the caller's limit.
    pub patch: String,
    /// Whether it was cut.
    pub is_truncated: bool,
    /// The files, sorted by path.
    pub files: Vec<FileChange>,
}

/// One file of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Its path, or the new one after a rename.
    pub path: String,
    /// The path before a rename.
    pub old_path: Option<String>,
    /// What happened to it.
    pub kind: FileChangeKind,
    /// Lines added; 0 for binary files.
    pub added: u32,
    /// Lines removed; 0 for binary files.
    pub removed: u32,
    /// Whether it is no text.
    pub is_binary: bool,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileChangeKind {
    /// New.
    Added,
    /// Other content or mode.
    Modified,
    /// Gone.
    Deleted,
    /// Another name.
    Renamed,
}

/// A commit to be put on top of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replant<'a> {
    /// The commit that carries the change.
    pub commit: &'a str,
    /// The commit that the change was made on.
    pub base: &'a str,
    /// The commit it is to stand on.
    pub onto: &'a str,
    /// The message of the new commit.
    pub message: &'a str,
    /// Author and committer time, so that the same input makes the same commit.
    pub at: Timestamp,
}

/// Projects' repositories. Failures carry the class and the words for people.
#[async_trait]
pub trait Repositories: Send + Sync {
    /// Brings the user's branch in and returns its head: the user's commits if they are ahead of ours, ours if they
    /// are behind.
    ///
    /// # Errors
    /// `BRANCH_DIVERGED` when both went on; `REPOSITORY_TOO_LARGE`; `NOT_A_REPOSITORY`; `GIT_FAILED`.
    async fn open(&self, project: &Project, branch: &str) -> Result<Head, Failure>;

    /// A branch's head in our repository; `None` if there is no such branch.
    async fn head(&self, project: &Project, branch: &str) -> Result<Option<Head>, Failure>;

    /// Whether one commit is part of the other's history; a commit is part of its own.
    async fn is_ancestor(&self, project: &Project, ancestor: &str, of: &str) -> Result<bool, Failure>;

    /// The last commit that is part of both histories; `None` if they have nothing in common.
    async fn merge_base(&self, project: &Project, one: &str, other: &str) -> Result<Option<String>, Failure>;

    /// The tree of a commit.
    async fn tree(&self, project: &Project, commit: &str) -> Result<String, Failure>;

    /// A file's bytes at a commit, cut at `max_bytes`; `None` if there is no such file.
    async fn read_file(
        &self,
        project: &Project,
        commit: &str,
        path: &str,
        max_bytes: u64,
    ) -> Result<Option<Vec<u8>>, Failure>;

    /// Paths of all files at a commit, sorted, at most `limit`.
    async fn list_files(&self, project: &Project, commit: &str, limit: u32) -> Result<Vec<String>, Failure>;

    /// The change from one commit to another.
    async fn diff(&self, project: &Project, from: &str, to: &str, max_bytes: u64) -> Result<Change, Failure>;

    /// Puts a commit's change on top of another commit, as one new commit. Nothing moves; the result is kept until
    /// it is no longer reachable from a run.
    async fn replant(&self, project: &Project, replant: &Replant<'_>) -> Result<Candidate, Failure>;

    /// A commit on top of `onto` that takes back what `commit` did to its parent.
    async fn revert(
        &self,
        project: &Project,
        commit: &str,
        onto: &str,
        message: &str,
        at: Timestamp,
    ) -> Result<Candidate, Failure>;

    /// Moves a branch, if it stands where it is expected (`None`: does not exist, or is anywhere for run branches).
    /// Returns whether it did.
    async fn move_branch(
        &self,
        project: &Project,
        branch: &str,
        commit: &str,
        expected: Option<&str>,
    ) -> Result<bool, Failure>;

    /// Brings a branch's commit to the user's own checkout by a fast-forward, if that is clean and on that branch.
    /// Returns why not, if it did not.
    async fn apply_to_checkout(
        &self,
        project: &Project,
        branch: &str,
        commit: &str,
    ) -> Result<Option<String>, Failure>;

    /// Applies a change to the files of the user's own checkout without committing, if that is clean.
    async fn apply_patch_to_checkout(
        &self,
        project: &Project,
        from: &str,
        to: &str,
    ) -> Result<Option<String>, Failure>;
}
