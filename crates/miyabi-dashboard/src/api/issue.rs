//! Issues.

use miyabi_core::forge;
use miyabi_core::label::Label;
use miyabi_core::usecase::issue;
use serde::{Deserialize, Serialize};

use super::Time;

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Its number in the project; pull requests share the count.
    pub number: u64,
    /// One line.
    pub title: String,
    /// Markdown. Untrusted: never to be shown as HTML.
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
    pub created_at: Time,
    /// When it changed last.
    pub updated_at: Time,
}

impl From<forge::Issue> for Issue {
    fn from(issue: forge::Issue) -> Self {
        Self {
            number: issue.number,
            title: issue.title,
            body: issue.body,
            author: issue.author,
            author_label: issue.author_label,
            labels: issue.labels,
            is_open: issue.is_open,
            created_at: issue.created_at.into(),
            updated_at: issue.updated_at.into(),
        }
    }
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
    /// Markdown. Untrusted: never to be shown as HTML.
    pub body: String,
    /// When it was made.
    pub created_at: Time,
}

impl From<forge::Comment> for Comment {
    fn from(comment: forge::Comment) -> Self {
        Self {
            id: comment.id,
            author: comment.author,
            author_label: comment.author_label,
            body: comment.body,
            created_at: comment.created_at.into(),
        }
    }
}

/// An issue with its comments, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueDetail {
    /// The issue.
    #[serde(flatten)]
    pub issue: Issue,
    /// What was said about it.
    pub comments: Vec<Comment>,
}

impl From<issue::IssueDetail> for IssueDetail {
    fn from(detail: issue::IssueDetail) -> Self {
        Self {
            issue: detail.issue.into(),
            comments: detail.comments.into_iter().map(Comment::from).collect(),
        }
    }
}

/// Makes an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateIssue {
    /// One line.
    pub title: String,
    /// Markdown.
    #[serde(default)]
    pub body: String,
    /// Labels.
    #[serde(default)]
    pub labels: Vec<String>,
}

impl From<CreateIssue> for issue::IssueText {
    fn from(request: CreateIssue) -> Self {
        Self { title: request.title, body: request.body, labels: request.labels }
    }
}

/// Comments on an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommentRequest {
    /// Markdown.
    pub body: String,
}
