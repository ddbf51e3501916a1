//! The port to a forge: issues, pull requests, merges.

use async_trait::async_trait;

use crate::error::Failure;
use crate::forge::{Comment, Issue, NewIssue, Openness, PullRequest, PullRequestText};
use crate::project::Project;
use crate::time::Timestamp;

/// A forge. Writes that carry a marker may be repeated: they happen once.
#[async_trait]
pub trait Forge: Send + Sync {
    /// Makes an issue.
    async fn create_issue(
        &self,
        project: &Project,
        issue: &NewIssue,
        at: Timestamp,
    ) -> Result<Issue, Failure>;
    /// An issue by number; `NOT_FOUND` if there is none.
    async fn get_issue(&self, project: &Project, number: u64) -> Result<Issue, Failure>;
    /// Issues, newest first.
    async fn list_issues(
        &self,
        project: &Project,
        openness: Openness,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Issue>, Failure>;
    /// Adds labels.
    async fn add_labels(
        &self,
        project: &Project,
        number: u64,
        labels: &[String],
        at: Timestamp,
    ) -> Result<(), Failure>;
    /// Comments on an issue or pull request, once per marker.
    async fn comment(
        &self,
        project: &Project,
        number: u64,
        author: &str,
        body: &str,
        marker: Option<&str>,
        at: Timestamp,
    ) -> Result<Comment, Failure>;
    /// Comments of an issue or pull request, oldest first.
    async fn list_comments(&self, project: &Project, number: u64) -> Result<Vec<Comment>, Failure>;
    /// Opens or closes an issue.
    async fn set_issue_open(
        &self,
        project: &Project,
        number: u64,
        open: bool,
        at: Timestamp,
    ) -> Result<(), Failure>;

    /// Brings a commit to a branch of the forge that belongs to a run.
    async fn push(&self, project: &Project, branch: &str, commit: &str) -> Result<(), Failure>;
    /// Finds the pull request with this marker or makes it, and brings its text and head up to date.
    async fn open_pull_request(
        &self,
        project: &Project,
        marker: &str,
        head_branch: &str,
        base_branch: &str,
        text: &PullRequestText,
        at: Timestamp,
    ) -> Result<PullRequest, Failure>;
    /// A pull request by number; `NOT_FOUND` if there is none.
    async fn get_pull_request(&self, project: &Project, number: u64) -> Result<PullRequest, Failure>;
    /// Pull requests, newest first.
    async fn list_pull_requests(
        &self,
        project: &Project,
        openness: Openness,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<PullRequest>, Failure>;
    /// Makes a branch stand at the candidate commit, if it stands at `onto`, and the pull request merged. Returns
    /// whether it did; `false` when the branch has moved.
    async fn merge(
        &self,
        project: &Project,
        number: u64,
        candidate: &str,
        onto: &str,
        at: Timestamp,
    ) -> Result<bool, Failure>;
    /// Closes a pull request without merging.
    async fn close_pull_request(&self, project: &Project, number: u64, at: Timestamp) -> Result<(), Failure>;
    /// Where people see it; `None` for the local forge without a server.
    fn pull_request_url(&self, project: &Project, number: u64) -> Option<String>;
}
