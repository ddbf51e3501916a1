//! `deploy`: the releases of the local target, and the way back to an earlier one.

use anyhow::Result;
use miyabi_core::error::ErrorCode;
use miyabi_dashboard::api::{List, Problem, Project, Release, Rollback, RollbackRequest};
use miyabi_dashboard::client::encode;

use super::issues::{done, when};
use super::project;
use crate::args::DeployCommand;
use crate::context::Context;
use crate::input;
use crate::link::{Link, Need};
use crate::outcome::Exit;
use crate::print;
use crate::style::Role;
use crate::table::{Cell, Column, cell, text, title};

const COLUMNS: [Column; 5] = [text("STATE"), title("RELEASE"), text("COMMIT"), text("BUILT"), text("URL")];

/// `miyabi deploy`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, command: &DeployCommand) -> Result<Exit> {
    let link = Link::open(context, Need::Look).await?;
    let result = match project::of(context, &link, None).await {
        Ok(project) => carry_out(context, &link, &project, command).await,
        Err(error) => Err(error),
    };
    link.close().await;
    result
}

async fn carry_out(
    context: &Context,
    link: &Link,
    project: &Project,
    command: &DeployCommand,
) -> Result<Exit> {
    let below = format!("/projects/{}/releases", encode(&project.id.to_string()));
    let all: List<Release> = link.client.get(&below).await?;
    match command {
        DeployCommand::List => list(context, &all)?,
        DeployCommand::Show { release } => show(context, find(&all, release.as_deref())?)?,
        DeployCommand::Rollback { to } => {
            return roll_back(context, link, &below, &all, to.as_deref()).await;
        }
    }
    Ok(Exit::OK)
}

/// The named release, or the current one.
fn find<'a>(all: &'a List<Release>, name: Option<&str>) -> Result<&'a Release> {
    let found = match name {
        Some(name) => all.items.iter().find(|release| release.name == name),
        None => all.items.iter().find(|release| release.is_current),
    };
    found.ok_or_else(|| {
        let detail = match name {
            Some(name) => format!("no release `{name}`"),
            None => "no release is current".to_owned(),
        };
        let names = all.items.iter().map(|release| release.name.as_str());
        let problem = Problem::new(ErrorCode::NotFound, detail);
        match name.and_then(|name| miyabi_core::config::nearest(name, names)) {
            Some(near) => problem.with_hint(format!("did you mean `{near}`?"), None).into(),
            None => problem.with_hint("see which there are", Some("miyabi deploy list")).into(),
        }
    })
}

async fn roll_back(
    context: &Context,
    link: &Link,
    below: &str,
    all: &List<Release>,
    to: Option<&str>,
) -> Result<Exit> {
    if let Some(name) = to {
        find(all, Some(name))?;
    }
    let lang = context.lang();
    let current = all.items.iter().find(|release| release.is_current);
    let current = current.map_or_else(|| "-".to_owned(), |release| release.name.clone());
    let question = match to {
        Some(name) => lang.rollback_question(current, name),
        None => lang.rollback_question(current, lang.the_one_before()),
    };
    if !input::agreed(context, &question, "miyabi deploy rollback").await? {
        return Ok(Exit::FAILED);
    }
    let request = RollbackRequest { to: to.map(str::to_owned) };
    let rolled: Rollback = link.client.post(&format!("{below}/rollback"), &request).await?;
    done(context, &rolled, &lang.rolled_back(&rolled.release.name, &rolled.health))?;
    Ok(Exit::OK)
}

fn list(context: &Context, all: &List<Release>) -> Result<()> {
    if context.is_json() {
        return print::json(context, all);
    }
    if all.items.is_empty() {
        print::note(context, &context.lang().no_releases());
        return Ok(());
    }
    let row = |release: &Release| -> Vec<Cell> {
        let state = if release.is_current { cell(Role::Ok, "current") } else { cell(Role::Dim, "kept") };
        vec![
            state,
            release.name.clone().into(),
            release.commit.get(..12).unwrap_or(&release.commit).into(),
            when(context, release.created_at.0).into(),
            release.url.clone().unwrap_or_default().into(),
        ]
    };
    print::table(context, &COLUMNS, &all.items.iter().map(row).collect::<Vec<_>>())
}

fn show(context: &Context, release: &Release) -> Result<()> {
    if context.is_json() {
        return print::json(context, release);
    }
    let painter = context.painter();
    print::line(&painter.paint(Role::Bold, &release.name))?;
    let facts = [
        ("state", if release.is_current { "current" } else { "kept" }.to_owned()),
        ("commit", release.commit.clone()),
        ("digest", release.digest.to_string()),
        ("built", when(context, release.created_at.0)),
        ("url", release.url.clone().unwrap_or_else(|| "-".to_owned())),
    ];
    for (name, value) in facts {
        print::line(&format!("  {} {value}", painter.paint(Role::Dim, &format!("{name:<8}"))))?;
    }
    Ok(())
}
