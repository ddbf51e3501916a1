//! Issues of the forge.

use super::{Act, Caller, Error, Page, Runs, may, page_size};
use crate::error::{ErrorCode, Failure};
use crate::forge::{Comment, Issue, NewIssue, Openness};
use crate::port::forge::Forge;
use crate::project::Project;

/// The longest title, in bytes.
pub const MAX_TITLE_BYTES: usize = 256;

/// The longest body of an issue or a comment, in bytes.
pub const MAX_BODY_BYTES: usize = super::start::MAX_TEXT_BYTES;

/// An issue with its comments, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueDetail {
    /// The issue.
    pub issue: Issue,
    /// What was said about it.
    pub comments: Vec<Comment>,
}

/// What a new issue says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueText {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Labels.
    pub labels: Vec<String>,
}

/// "There is none" in the words of the use cases.
pub(super) fn named(failure: Failure, kind: &'static str, number: u64) -> Error {
    if failure.code == ErrorCode::NotFound {
        Error::not_found(kind, format!("#{number}"))
    } else {
        failure.into()
    }
}

/// Issues, newest first.
///
/// # Errors
/// Those of the forge.
pub async fn list_issues(
    forge: &dyn Forge,
    caller: &Caller,
    project: &Project,
    openness: Openness,
    before: Option<u64>,
    limit: u32,
) -> Result<Page<Issue, u64>, Error> {
    may(caller, Act::ReadIssues)?;
    let limit = page_size(limit);
    let issues = forge.list_issues(project, openness, before, limit + 1).await?;
    Ok(Page::cut(issues, limit, |issue| issue.number))
}

/// An issue with its comments.
///
/// # Errors
/// [`Error::NotFound`], and those of the forge.
pub async fn get_issue(
    forge: &dyn Forge,
    caller: &Caller,
    project: &Project,
    number: u64,
) -> Result<IssueDetail, Error> {
    may(caller, Act::ReadIssues)?;
    let issue = forge.get_issue(project, number).await.map_err(|failure| named(failure, "issue", number))?;
    let comments = forge.list_comments(project, number).await?;
    Ok(IssueDetail { issue, comments })
}

/// Makes an issue.
///
/// # Errors
/// [`Error::Invalid`], and those of the forge.
pub async fn create_issue(
    runs: &Runs,
    forge: &dyn Forge,
    caller: &Caller,
    project: &Project,
    text: &IssueText,
) -> Result<Issue, Error> {
    may(caller, Act::WriteIssues)?;
    if text.title.trim().is_empty() || text.title.len() > MAX_TITLE_BYTES || text.title.contains('\n') {
        return Err(Error::invalid("title", format!("must be one line of 1 to {MAX_TITLE_BYTES} bytes")));
    }
    if text.body.len() > MAX_BODY_BYTES {
        return Err(Error::invalid("body", format!("must have at most {MAX_BODY_BYTES} bytes")));
    }
    let new = NewIssue {
        title: text.title.trim().to_owned(),
        body: text.body.clone(),
        author: caller.actor.name.clone(),
        author_label: caller.actor.label,
        labels: text.labels.clone(),
    };
    Ok(forge.create_issue(project, &new, runs.clock.now()).await?)
}

/// Comments on an issue.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`], and those of the forge.
pub async fn comment_issue(
    runs: &Runs,
    forge: &dyn Forge,
    caller: &Caller,
    project: &Project,
    number: u64,
    body: &str,
) -> Result<Comment, Error> {
    may(caller, Act::WriteIssues)?;
    if body.trim().is_empty() || body.len() > MAX_BODY_BYTES {
        return Err(Error::invalid("body", format!("must have 1 to {MAX_BODY_BYTES} bytes")));
    }
    forge.get_issue(project, number).await.map_err(|failure| named(failure, "issue", number))?;
    let (author, at) = (&caller.actor.name, runs.clock.now());
    Ok(forge.comment(project, number, author, body, None, at).await?)
}

/// Opens or closes an issue; doing so twice is the same as once.
///
/// # Errors
/// [`Error::NotFound`], and those of the forge.
pub async fn set_issue_open(
    runs: &Runs,
    forge: &dyn Forge,
    caller: &Caller,
    project: &Project,
    number: u64,
    open: bool,
) -> Result<Issue, Error> {
    may(caller, Act::WriteIssues)?;
    let find =
        async || forge.get_issue(project, number).await.map_err(|failure| named(failure, "issue", number));
    if find().await?.is_open != open {
        forge.set_issue_open(project, number, open, runs.clock.now()).await?;
    }
    find().await
}
