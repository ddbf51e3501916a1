//! `issues`: the issues of the local forge.

use anyhow::Result;
use miyabi_dashboard::api::{Comment, CommentRequest, CreateIssue, Issue, IssueDetail, Page, Project};
use miyabi_dashboard::client::encode;

use super::project;
use super::run::{key, text_or_stdin};
use crate::args::IssuesCommand;
use crate::context::Context;
use crate::format::{ago, rfc3339};
use crate::link::{Link, Need};
use crate::outcome::{Exit, usage};
use crate::print;
use crate::style::Role;
use crate::table::{Cell, Column, cell, number, text, title};
use crate::wire::system::SystemClock;
use miyabi_core::port::clock::Clock as _;
use miyabi_core::time::Timestamp;

const COLUMNS: [Column; 5] =
    [number("NUMBER"), title("TITLE"), text("LABELS"), text("STATE"), text("CHANGED")];
/// The most issues that the server gives at once.
const MAX_PAGE: u32 = 200;

/// `miyabi issues`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, command: &IssuesCommand) -> Result<Exit> {
    let link = Link::open(context, Need::Look).await?;
    let result = match project::of(context, &link, None).await {
        Ok(project) => carry_out(context, &link, &project, command).await,
        Err(error) => Err(error),
    };
    link.close().await;
    result.map(|()| Exit::OK)
}

async fn carry_out(context: &Context, link: &Link, project: &Project, command: &IssuesCommand) -> Result<()> {
    let lang = context.lang();
    let path = |number: &str| Ok::<_, anyhow::Error>(format!("{}/{}", below(project), parse_number(number)?));
    match command {
        IssuesCommand::List { all, label, limit } => {
            list(context, link, project, *all, label.as_deref(), *limit).await
        }
        IssuesCommand::Show { number } => show(context, &link.client.get(&path(number)?).await?),
        IssuesCommand::Create { title, body, label } => {
            let body = text_or_stdin(body.as_deref().unwrap_or_default()).await?;
            let request = CreateIssue { title: title.clone(), body, labels: label.clone() };
            let issue: Issue = link.client.post_once(&below(project), &request, &key()).await?;
            done(context, &issue, &lang.issue_created(issue.number))?;
            print::note(context, &lang.next(format!("miyabi run \"#{}\"", issue.number)));
            Ok(())
        }
        IssuesCommand::Comment { number, body } => {
            let request = CommentRequest { body: text_or_stdin(body).await? };
            let path = format!("{}/comments", path(number)?);
            let comment: Comment = link.client.post_once(&path, &request, &key()).await?;
            done(context, &comment, &lang.issue_commented(parse_number(number)?))
        }
        IssuesCommand::Close { number } => {
            let issue: Issue = link.client.post(&format!("{}/close", path(number)?), &()).await?;
            done(context, &issue, &lang.issue_closed(issue.number))
        }
        IssuesCommand::Reopen { number } => {
            let issue: Issue = link.client.post(&format!("{}/reopen", path(number)?), &()).await?;
            done(context, &issue, &lang.issue_reopened(issue.number))
        }
    }
}

fn below(project: &Project) -> String {
    format!("/projects/{}/issues", encode(&project.id.to_string()))
}

/// `12` or `#12`.
///
/// # Errors
/// When it is not a number.
pub(super) fn parse_number(text: &str) -> Result<u64> {
    text.strip_prefix('#')
        .unwrap_or(text)
        .parse()
        .map_err(|_| usage(format!("`{text}` is not a number"), "write it like 12 or \"#12\""))
}

/// Says what is now true, or prints the object.
///
/// # Errors
/// When output can't be written.
pub(super) fn done(context: &Context, object: &impl serde::Serialize, said: &str) -> Result<()> {
    if context.is_json() {
        return print::json(context, object);
    }
    print::note(context, said);
    Ok(())
}

/// When something happened: for people who look, or exactly.
pub(super) fn when(context: &Context, at: Timestamp) -> String {
    if context.terminal.stdout_is_tty { ago(at, SystemClock.now()) } else { rfc3339(at) }
}

async fn list(
    context: &Context,
    link: &Link,
    project: &Project,
    all: bool,
    label: Option<&str>,
    limit: u32,
) -> Result<()> {
    let state = if all { "all" } else { "open" };
    // A label is looked for here, so that more than is shown must be seen.
    let wanted = if label.is_some() { MAX_PAGE } else { limit };
    let query = format!("{}?state={state}&limit={wanted}", below(project));
    let mut page: Page<Issue> = link.client.get(&query).await?;
    if let Some(label) = label {
        page.items.retain(|issue| issue.labels.iter().any(|has| has == label));
        page.items.truncate(limit as usize);
    }
    if context.is_json() {
        return print::json(context, &page);
    }
    if page.items.is_empty() {
        print::note(context, &context.lang().no_issues());
        return Ok(());
    }
    let rows: Vec<Vec<Cell>> = page.items.iter().map(|issue| row(context, issue)).collect();
    print::table(context, &COLUMNS, &rows)
}

fn row(context: &Context, issue: &Issue) -> Vec<Cell> {
    let (role, state) = if issue.is_open { (Role::Ok, "open") } else { (Role::Dim, "closed") };
    vec![
        format!("#{}", issue.number).into(),
        issue.title.clone().into(),
        issue.labels.join(",").into(),
        cell(role, state),
        when(context, issue.updated_at.0).into(),
    ]
}

fn show(context: &Context, detail: &IssueDetail) -> Result<()> {
    if context.is_json() {
        return print::json(context, detail);
    }
    let issue = &detail.issue;
    let painter = context.painter();
    let state = if issue.is_open { "open" } else { "closed" };
    let mut lines = vec![
        painter.paint(Role::Bold, &print::clean(&format!("#{} {}", issue.number, issue.title))),
        byline(context, &issue.author, issue.created_at.0, &[state, &issue.labels.join(",")]),
        String::new(),
    ];
    lines.extend(issue.body.lines().map(print::clean));
    for comment in &detail.comments {
        lines.push(String::new());
        lines.push(byline(context, &comment.author, comment.created_at.0, &[]));
        lines.extend(comment.body.lines().map(|line| print::clean(&format!("  {line}"))));
    }
    print::paged(context, &lines)
}

/// Who, when, and what else there is.
pub(super) fn byline(context: &Context, author: &str, at: Timestamp, more: &[&str]) -> String {
    let when = when(context, at);
    let words = [author, &when].into_iter().chain(more.iter().copied());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    context.painter().paint(Role::Dim, &print::clean(&words.join("  ")))
}

/// The number of the newest open issue.
///
/// # Errors
/// As every call.
pub(crate) async fn newest_open(link: &Link, project: &Project) -> Result<Option<u64>> {
    let page: Page<Issue> = link.client.get(&format!("{}?state=open&limit=1", below(project))).await?;
    Ok(page.items.first().map(|issue| issue.number))
}

/// How many issues are open, up to so many.
///
/// # Errors
/// As every call.
pub(crate) async fn count_open(link: &Link, project: &Project, most: usize) -> Result<usize> {
    let page: Page<Issue> = link.client.get(&format!("{}?state=open&limit={most}", below(project))).await?;
    Ok(page.items.len())
}
