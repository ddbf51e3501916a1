//! `diff`: a run's change.

use anyhow::Result;
use miyabi_core::port::repositories::FileChange;
use miyabi_dashboard::client::encode;

use super::runs::latest;
use crate::args::Diff;
use crate::context::Context;
use crate::link::{Link, Need};
use crate::outcome::Exit;
use crate::print;
use crate::style::Role;

/// How much of a change is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Everything.
    Patch,
    /// Files and numbers of lines.
    Stat,
    /// Names of files.
    Names,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct RunDiff {
    patch: String,
    files: Vec<FileChange>,
}

/// `miyabi diff`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, args: &Diff) -> Result<Exit> {
    let form = match (args.stat, args.name_only) {
        (true, _) => Form::Stat,
        (_, true) => Form::Names,
        _ => Form::Patch,
    };
    let link = Link::open(context, Need::Look).await?;
    let run = match &args.run {
        Some(run) => run.clone(),
        None => latest(context, &link).await?.id.to_string(),
    };
    let result = show(context, &link, &run, form).await;
    link.close().await;
    result.map(|()| Exit::OK)
}

/// Prints a run's change.
///
/// # Errors
/// As every command.
pub(crate) async fn show(context: &Context, link: &Link, run: &str, form: Form) -> Result<()> {
    let diff: RunDiff = link.client.get(&format!("/runs/{}/diff", encode(run))).await?;
    if context.is_json() {
        return print::json(context, &diff);
    }
    match form {
        Form::Patch => patch(context, &diff.patch),
        Form::Stat => stat(context, &diff),
        Form::Names => diff.files.iter().try_for_each(|file| print::line(&file.path)),
    }
}

fn stat(context: &Context, diff: &RunDiff) -> Result<()> {
    let painter = context.painter();
    for file in &diff.files {
        let added = painter.paint(Role::Ok, &format!("+{}", file.added));
        let removed = painter.paint(Role::Bad, &format!("-{}", file.removed));
        print::line(&format!("  {}  {added} {removed}", file.path))?;
    }
    Ok(())
}

fn patch(context: &Context, patch: &str) -> Result<()> {
    let painter = context.painter();
    for text in patch.lines() {
        // A diff is bytes of a repository: nothing in it may steer the terminal.
        let text: String = text.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        let role = match text.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Some(Role::Bold),
            [b'+', ..] => Some(Role::Ok),
            [b'-', ..] => Some(Role::Bad),
            [b'@', ..] => Some(Role::Run),
            [b'd', b'i', b'f', b'f', ..] => Some(Role::Bold),
            _ => None,
        };
        print::line(&role.map_or_else(|| text.clone(), |role| painter.paint(role, &text)))?;
    }
    Ok(())
}
