//! `diff`: a run's change, and how any change is shown.

use anyhow::Result;
use miyabi_dashboard::api;
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
    let result = match &args.run {
        Some(run) => show(context, &link, run, form).await,
        None => match latest(context, &link).await {
            Ok(run) => show(context, &link, &run.id.to_string(), form).await,
            Err(error) => Err(error),
        },
    };
    link.close().await;
    result.map(|()| Exit::OK)
}

/// Prints a run's change.
///
/// # Errors
/// As every command.
pub(crate) async fn show(context: &Context, link: &Link, run: &str, form: Form) -> Result<()> {
    let diff: api::Diff = link.client.get(&format!("/runs/{}/diff", encode(run))).await?;
    render(context, &diff, form)
}

/// Prints a change.
///
/// # Errors
/// When output can't be written.
pub(crate) fn render(context: &Context, diff: &api::Diff, form: Form) -> Result<()> {
    if context.is_json() {
        return print::json(context, diff);
    }
    let lines: Vec<String> = match form {
        Form::Patch => diff.patch.lines().map(|line| print::diff_line(context, line)).collect(),
        Form::Stat => diff.files.iter().map(|file| stat(context, file)).collect(),
        Form::Names => diff.files.iter().map(|file| print::clean(&file.path)).collect(),
    };
    print::paged(context, &lines)?;
    if diff.is_truncated && form == Form::Patch {
        print::note(context, &context.lang().diff_is_cut());
    }
    Ok(())
}

fn stat(context: &Context, file: &api::FileDiff) -> String {
    let painter = context.painter();
    let path = match &file.old_path {
        Some(old) => print::clean(&format!("{old} -> {}", file.path)),
        None => print::clean(&file.path),
    };
    if file.is_binary {
        return format!("  {path}  binary");
    }
    let added = painter.paint(Role::Ok, &format!("+{}", file.added));
    let removed = painter.paint(Role::Bad, &format!("-{}", file.removed));
    format!("  {path}  {added} {removed}")
}
