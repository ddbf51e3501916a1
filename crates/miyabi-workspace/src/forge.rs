//! The local forge: issues and pull requests in our store, branches in the project's own repository.
//!
//! It needs no account and no network. Records are kept behind [`ForgeRecords`], commits behind [`Repositories`]; this
//! module holds what ties the two together: which branches a run may push, and a merge that is whole even if the
//! process died in its middle. There is deliberately no git and no SQL here.

mod failure;
mod text;

use std::sync::Arc;

use async_trait::async_trait;
use miyabi_core::error::Failure;
use miyabi_core::forge::{
    Comment, Issue, NewIssue, Openness, PullRequest, PullRequestState, PullRequestText,
};
use miyabi_core::label::Label;
use miyabi_core::port::forge::Forge;
use miyabi_core::port::records::{ForgeRecords, NewComment, NumberPage};
use miyabi_core::port::repositories::Repositories;
use miyabi_core::project::Project;
use miyabi_core::time::Timestamp;

use self::failure::{conflict, from_records, invalid, not_found};

/// What the names of all branches begin with that a run may push.
pub const RUN_BRANCHES: &str = "miyabi/";

/// The longest page of a list; longer ones are asked for in pages.
const MAX_PAGE: u32 = 500;

/// A forge on this machine.
pub struct LocalForge {
    records: Arc<dyn ForgeRecords>,
    repositories: Arc<dyn Repositories>,
}

impl LocalForge {
    /// A forge over these records and repositories.
    pub fn new(records: Arc<dyn ForgeRecords>, repositories: Arc<dyn Repositories>) -> Self {
        Self { records, repositories }
    }

    /// Whether a base branch carries a commit already, at its end or further down.
    async fn carries(&self, project: &Project, head: &str, commit: &str) -> Result<bool, Failure> {
        if head == commit {
            return Ok(true);
        }
        self.repositories.is_ancestor(project, commit, head).await
    }

    async fn head_of(&self, project: &Project, branch: &str) -> Result<String, Failure> {
        let head = self.repositories.head(project, branch).await?;
        head.map(|head| head.commit)
            .ok_or_else(|| not_found(format!("no branch `{branch}` in project `{}`", project.name)))
    }

    /// Moves the base branch, unless it carries the candidate already; whether it carries it now.
    async fn bring_in(
        &self,
        project: &Project,
        base: &str,
        candidate: &str,
        onto: &str,
    ) -> Result<bool, Failure> {
        let head = self.head_of(project, base).await?;
        if self.carries(project, &head, candidate).await? {
            // An earlier try moved the branch and died before it could say so.
            return Ok(true);
        }
        if head != onto {
            return Ok(false);
        }
        if !self.repositories.is_ancestor(project, onto, candidate).await? {
            return Err(invalid(format!(
                "commit `{candidate}` does not stand on `{onto}`: merging it would drop commits of branch `{base}`"
            )));
        }
        self.repositories.move_branch(project, base, candidate, Some(onto)).await
    }
}

#[async_trait]
impl Forge for LocalForge {
    async fn create_issue(
        &self,
        project: &Project,
        issue: &NewIssue,
        at: Timestamp,
    ) -> Result<Issue, Failure> {
        let issue = NewIssue {
            title: text::title(&issue.title)?,
            body: text::whole_body(&issue.body)?,
            author: text::author(&issue.author)?,
            author_label: issue.author_label,
            labels: text::labels(&issue.labels)?,
        };
        let made = self.records.create_issue(project, &issue, at).await;
        made.map_err(from_records)
    }

    async fn get_issue(&self, project: &Project, number: u64) -> Result<Issue, Failure> {
        let found = self.records.find_issue(project, number).await;
        found
            .map_err(from_records)?
            .ok_or_else(|| not_found(format!("no issue {number} in project `{}`", project.name)))
    }

    async fn list_issues(
        &self,
        project: &Project,
        openness: Openness,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Issue>, Failure> {
        let page = page(openness, before, limit);
        self.records.list_issues(project, page).await.map_err(from_records)
    }

    async fn add_labels(
        &self,
        project: &Project,
        number: u64,
        labels: &[String],
        at: Timestamp,
    ) -> Result<(), Failure> {
        let labels = text::labels(labels)?;
        let added = self.records.add_labels(project, number, &labels, at).await;
        added.map_err(from_records)
    }

    /// A comment with a marker is one that a run makes: its words may be a model's, so they are labelled as such and
    /// can steer nothing. Without one it comes from a person who can write to this machine's data folder.
    async fn comment(
        &self,
        project: &Project,
        number: u64,
        author: &str,
        body: &str,
        marker: Option<&str>,
        at: Timestamp,
    ) -> Result<Comment, Failure> {
        let comment = NewComment {
            number,
            author: text::author(author)?,
            author_label: match marker {
                Some(_) => Label::Model,
                None => Label::Writer,
            },
            body: text::cut_body(body),
            marker: marker.map(text::marker).transpose()?,
            at,
        };
        let made = self.records.comment(project, &comment).await;
        made.map_err(from_records)
    }

    async fn list_comments(&self, project: &Project, number: u64) -> Result<Vec<Comment>, Failure> {
        let found = self.records.list_comments(project, number).await;
        found.map_err(from_records)
    }

    async fn set_issue_open(
        &self,
        project: &Project,
        number: u64,
        open: bool,
        at: Timestamp,
    ) -> Result<(), Failure> {
        let set = self.records.set_issue_open(project, number, open, at).await;
        set.map_err(from_records)
    }

    async fn push(&self, project: &Project, branch: &str, commit: &str) -> Result<(), Failure> {
        text::run_branch(branch)?;
        let moved = self.repositories.move_branch(project, branch, commit, None).await?;
        if moved {
            Ok(())
        } else {
            Err(conflict(format!("could not push branch `{branch}`: somebody else moves it")))
        }
    }

    async fn open_pull_request(
        &self,
        project: &Project,
        marker: &str,
        head_branch: &str,
        base_branch: &str,
        text: &PullRequestText,
        at: Timestamp,
    ) -> Result<PullRequest, Failure> {
        text::run_branch(head_branch)?;
        let head = self.head_of(project, head_branch).await?;
        self.head_of(project, base_branch).await?;
        let wanted = PullRequest {
            // The records count; the number of a pull request that is there already stays.
            number: 0,
            title: text::title(&text.title)?,
            body: text::cut_body(&text.body),
            head_branch: head_branch.to_owned(),
            head,
            base_branch: base_branch.to_owned(),
            state: PullRequestState::Open,
            merge_commit: None,
            marker: text::marker(marker)?,
            created_at: at,
            updated_at: at,
        };
        let made = self.records.upsert_pull_request(project, &wanted).await;
        made.map_err(from_records)
    }

    async fn get_pull_request(&self, project: &Project, number: u64) -> Result<PullRequest, Failure> {
        let found = self.records.find_pull_request(project, number).await;
        found
            .map_err(from_records)?
            .ok_or_else(|| not_found(format!("no pull request {number} in project `{}`", project.name)))
    }

    async fn list_pull_requests(
        &self,
        project: &Project,
        openness: Openness,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<PullRequest>, Failure> {
        let page = page(openness, before, limit);
        let found = self.records.list_pull_requests(project, page).await;
        found.map_err(from_records)
    }

    /// The branch moves first, the record follows. What dies in between is mended by a repeat, which finds the
    /// candidate on the branch.
    async fn merge(
        &self,
        project: &Project,
        number: u64,
        candidate: &str,
        onto: &str,
        at: Timestamp,
    ) -> Result<bool, Failure> {
        let pull_request = self.get_pull_request(project, number).await?;
        match pull_request.state {
            PullRequestState::Open => {}
            PullRequestState::Merged if pull_request.merge_commit.as_deref() == Some(candidate) => {
                return Ok(true);
            }
            ended => {
                return Err(conflict(format!(
                    "pull request {number} can't be merged: it is {} already",
                    ended.as_str()
                )));
            }
        }
        if !self.bring_in(project, &pull_request.base_branch, candidate, onto).await? {
            return Ok(false);
        }
        let merged = PullRequestState::Merged;
        let ended = self.records.end_pull_request(project, number, merged, Some(candidate), at).await;
        ended.map_err(from_records)?;
        Ok(true)
    }

    async fn close_pull_request(&self, project: &Project, number: u64, at: Timestamp) -> Result<(), Failure> {
        match self.get_pull_request(project, number).await?.state {
            PullRequestState::Closed => Ok(()),
            PullRequestState::Merged => {
                Err(conflict(format!("pull request {number} can't be closed: it is merged already")))
            }
            PullRequestState::Open => {
                let closed = PullRequestState::Closed;
                let ended = self.records.end_pull_request(project, number, closed, None, at).await;
                ended.map_err(from_records)
            }
        }
    }

    fn pull_request_url(&self, _project: &Project, _number: u64) -> Option<String> {
        None
    }
}

fn page(openness: Openness, before: Option<u64>, limit: u32) -> NumberPage {
    NumberPage { openness, before, limit: limit.min(MAX_PAGE) }
}
