//! `prs`: the pull requests of the local forge.

use anyhow::Result;
use miyabi_core::forge::PullRequestState;
use miyabi_dashboard::api::{Diff, MergeRequest, Page, Project, PullRequest};
use miyabi_dashboard::client::encode;

use super::diff::{self, Form};
use super::issues::{byline, done, parse_number, when};
use super::project;
use crate::args::PrsCommand;
use crate::context::Context;
use crate::input;
use crate::link::{Link, Need};
use crate::outcome::Exit;
use crate::print;
use crate::style::Role;
use crate::table::{Cell, Column, cell, number, text, title};

const COLUMNS: [Column; 5] =
    [number("NUMBER"), title("TITLE"), text("STATE"), text("BRANCH"), text("CHANGED")];

/// `miyabi prs`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, command: &PrsCommand) -> Result<Exit> {
    let link = Link::open(context, Need::Look).await?;
    let result = match project::of(context, &link, None).await {
        Ok(project) => carry_out(context, &link, &project, command).await,
        Err(error) => Err(error),
    };
    link.close().await;
    result
}

async fn carry_out(context: &Context, link: &Link, project: &Project, command: &PrsCommand) -> Result<Exit> {
    let below = format!("/projects/{}/pull_requests", encode(&project.id.to_string()));
    let path = |number: &str| Ok::<_, anyhow::Error>(format!("{below}/{}", parse_number(number)?));
    match command {
        PrsCommand::List { all, limit } => {
            let state = if *all { "all" } else { "open" };
            let page = link.client.get(&format!("{below}?state={state}&limit={limit}")).await?;
            list(context, &page)?;
        }
        PrsCommand::Show { number } => show(context, &link.client.get(&path(number)?).await?)?,
        PrsCommand::Diff { number } => {
            let found: Diff = link.client.get(&format!("{}/diff", path(number)?)).await?;
            diff::render(context, &found, Form::Patch)?;
        }
        PrsCommand::Merge { number, head } => {
            return merge(context, link, &path(number)?, number, head.as_deref()).await;
        }
        PrsCommand::Close { number } => {
            let question = context.lang().pull_request_close_question(number);
            if !input::agreed(context, &question, &format!("miyabi prs close {number}")).await? {
                return Ok(Exit::FAILED);
            }
            let closed: PullRequest = link.client.post(&format!("{}/close", path(number)?), &()).await?;
            done(context, &closed, &context.lang().pull_request_closed(closed.number))?;
        }
    }
    Ok(Exit::OK)
}

/// Shows what will be merged, asks, and merges exactly that.
async fn merge(context: &Context, link: &Link, path: &str, number: &str, head: Option<&str>) -> Result<Exit> {
    let found: PullRequest = link.client.get(path).await?;
    if found.state == PullRequestState::Open && context.terminal.may_ask && !context.global.yes {
        let change: Diff = link.client.get(&format!("{path}/diff")).await?;
        print::note(context, &format!("#{} {}", found.number, print::clean(&found.title)));
        diff::render(context, &change, Form::Stat)?;
    }
    let question = context.lang().pull_request_merge_question(found.number, &found.base_branch);
    if found.state == PullRequestState::Open
        && !input::agreed(context, &question, &format!("miyabi prs merge {number}")).await?
    {
        return Ok(Exit::FAILED);
    }
    // What the person looked at is what is merged, also if it moves in this very moment.
    let head = head.map_or_else(|| found.head.clone(), str::to_owned);
    let request = MergeRequest { head: Some(head) };
    let merged: PullRequest = link.client.post(&format!("{path}/merge"), &request).await?;
    let commit = merged.merge_commit.clone().unwrap_or_default();
    done(context, &merged, &context.lang().merged(merged.number, short(&commit)))?;
    Ok(Exit::OK)
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn role(state: PullRequestState) -> Role {
    match state {
        PullRequestState::Open => Role::Ok,
        PullRequestState::Merged => Role::Accent,
        PullRequestState::Closed => Role::Dim,
    }
}

fn list(context: &Context, page: &Page<PullRequest>) -> Result<()> {
    if context.is_json() {
        return print::json(context, page);
    }
    if page.items.is_empty() {
        print::note(context, &context.lang().no_pull_requests());
        return Ok(());
    }
    let row = |found: &PullRequest| -> Vec<Cell> {
        vec![
            format!("#{}", found.number).into(),
            found.title.clone().into(),
            cell(role(found.state), found.state.as_str()),
            found.head_branch.clone().into(),
            when(context, found.updated_at.0).into(),
        ]
    };
    print::table(context, &COLUMNS, &page.items.iter().map(row).collect::<Vec<_>>())
}

fn show(context: &Context, found: &PullRequest) -> Result<()> {
    if context.is_json() {
        return print::json(context, found);
    }
    let painter = context.painter();
    let branches = format!("{} -> {}", found.head_branch, found.base_branch);
    let run = found.run_id.map(|run| run.to_string()).unwrap_or_default();
    let mut lines = vec![
        painter.paint(Role::Bold, &print::clean(&format!("#{} {}", found.number, found.title))),
        byline(context, &run, found.created_at.0, &[found.state.as_str(), &branches, short(&found.head)]),
        String::new(),
    ];
    lines.extend(found.body.lines().map(print::clean));
    print::paged(context, &lines)
}
