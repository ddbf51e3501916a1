//! The port to what is stored beside the journal: projects, the local forge's records, secrets, idempotency keys.

use async_trait::async_trait;

use crate::digest::Digest;
use crate::forge::{Comment, Issue, NewIssue, Openness, PullRequest, PullRequestState};
use crate::id::{ProjectId, TenantId};
use crate::label::Label;
use crate::project::Project;
use crate::secret::Secret;
use crate::time::Timestamp;

/// Why a record could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist for this tenant.
    #[error("no {kind} `{name}`")]
    NotFound {
        /// What kind of thing.
        kind: &'static str,
        /// Which one.
        name: String,
    },
    /// A name that must be unique is taken.
    #[error("{kind} `{name}` exists already")]
    Exists {
        /// What kind of thing.
        kind: &'static str,
        /// Which one.
        name: String,
    },
    /// What is stored can't be read any more.
    #[error("{kind} `{name}` can't be read: {why}")]
    Corrupt {
        /// What kind of thing.
        kind: &'static str,
        /// Which one.
        name: String,
        /// What is wrong with it, such as a seal under another key.
        why: &'static str,
    },
    /// Another process took over; this one must write nothing any more.
    #[error("another process took over the data folder")]
    Fenced,
    /// No space is left.
    #[error("no space is left for the database")]
    Full,
    /// The database failed or is locked; trying again may help.
    #[error("the database can't be reached: {0}")]
    Unavailable(String),
}

/// The connected repositories.
#[async_trait]
pub trait Projects: Send + Sync {
    /// Connects a repository.
    async fn create(&self, project: &Project) -> Result<(), Error>;
    /// Changes path or branch.
    async fn update(&self, project: &Project) -> Result<(), Error>;
    /// By id.
    async fn find(&self, tenant: TenantId, id: ProjectId) -> Result<Option<Project>, Error>;
    /// By the path of the user's checkout.
    async fn find_by_path(&self, tenant: TenantId, path: &str) -> Result<Option<Project>, Error>;
    /// All, by name.
    async fn list(&self, tenant: TenantId) -> Result<Vec<Project>, Error>;
}

/// A page of a list that is ordered by number, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberPage {
    /// Open, closed or all.
    pub openness: Openness,
    /// Only numbers below this one: where the last page ended.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

/// The local forge's issues, comments and pull requests. Numbers count up per project, shared by issues and pull
/// requests. What carries a `marker` is made once: with a marker that exists, the existing one is returned.
#[async_trait]
pub trait ForgeRecords: Send + Sync {
    /// Makes an issue.
    async fn create_issue(&self, project: &Project, issue: &NewIssue, at: Timestamp) -> Result<Issue, Error>;
    /// An issue by number.
    async fn find_issue(&self, project: &Project, number: u64) -> Result<Option<Issue>, Error>;
    /// Issues, newest first.
    async fn list_issues(&self, project: &Project, page: NumberPage) -> Result<Vec<Issue>, Error>;
    /// Opens or closes an issue.
    async fn set_issue_open(
        &self,
        project: &Project,
        number: u64,
        open: bool,
        at: Timestamp,
    ) -> Result<(), Error>;
    /// Adds labels; those that are there stay.
    async fn add_labels(
        &self,
        project: &Project,
        number: u64,
        labels: &[String],
        at: Timestamp,
    ) -> Result<(), Error>;
    /// Comments on an issue or a pull request.
    async fn comment(&self, project: &Project, comment: &NewComment) -> Result<Comment, Error>;
    /// Comments of an issue or a pull request, oldest first.
    async fn list_comments(&self, project: &Project, number: u64) -> Result<Vec<Comment>, Error>;
    /// Makes a pull request, or finds the one with its marker and brings title, body and head up to date.
    async fn upsert_pull_request(&self, project: &Project, new: &PullRequest) -> Result<PullRequest, Error>;
    /// A pull request by number.
    async fn find_pull_request(&self, project: &Project, number: u64) -> Result<Option<PullRequest>, Error>;
    /// Pull requests, newest first.
    async fn list_pull_requests(
        &self,
        project: &Project,
        page: NumberPage,
    ) -> Result<Vec<PullRequest>, Error>;
    /// Notes that a pull request was merged or closed.
    async fn end_pull_request(
        &self,
        project: &Project,
        number: u64,
        state: PullRequestState,
        merge_commit: Option<&str>,
        at: Timestamp,
    ) -> Result<(), Error>;
}

/// A new comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewComment {
    /// The issue or pull request.
    pub number: u64,
    /// The author's name.
    pub author: String,
    /// How far the author is trusted.
    pub author_label: Label,
    /// Markdown.
    pub body: String,
    /// Made once per marker, if there is one.
    pub marker: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Secrets, encrypted at rest. There is no call that lists values.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Sets or replaces a secret.
    async fn set(&self, tenant: TenantId, name: &str, value: &Secret, at: Timestamp) -> Result<(), Error>;
    /// The value, for the one adapter that needs it.
    async fn get(&self, tenant: TenantId, name: &str) -> Result<Option<Secret>, Error>;
    /// Names and when each was set.
    async fn list(&self, tenant: TenantId) -> Result<Vec<(String, Timestamp)>, Error>;
    /// Forgets a secret; whether there was one.
    async fn remove(&self, tenant: TenantId, name: &str) -> Result<bool, Error>;
}

/// What a request under an idempotency key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The first of its key.
    Fresh,
    /// The same request came before; this was the answer.
    Replay(Vec<u8>),
    /// Another request came under this key.
    Mismatch,
}

/// Answers to requests by idempotency key.
#[async_trait]
pub trait Idempotency: Send + Sync {
    /// Looks a key up.
    async fn look_up(&self, tenant: TenantId, key: &str, request: Digest) -> Result<Recorded, Error>;
    /// Notes the answer to a request.
    async fn note(
        &self,
        tenant: TenantId,
        key: &str,
        request: Digest,
        answer: &[u8],
        at: Timestamp,
    ) -> Result<(), Error>;
}
