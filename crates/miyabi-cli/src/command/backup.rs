//! `backup`: copies of the data folder, and the way back.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use miyabi_core::error::ErrorCode;
use miyabi_dashboard::api::Problem;
use miyabi_store::{Report, check_folder, restore};
use serde::Serialize;

use crate::args::BackupCommand;
use crate::context::Context;
use crate::format::bytes;
use crate::input;
use crate::link::{Link, Need};
use crate::outcome::{Exit, usage};
use crate::print;

/// What a check saw, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Checked {
    folder: String,
    runs: u64,
    events: u64,
    artifacts: u64,
    artifact_bytes: u64,
    problems: Vec<String>,
}

/// `miyabi backup`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, command: &BackupCommand) -> Result<Exit> {
    match command {
        BackupCommand::Create { folder, with_key } => {
            create(context, &inside(context, folder), *with_key).await
        }
        BackupCommand::Check { folder } => check(context, &inside(context, folder)).await,
        BackupCommand::Restore { folder } => bring_back(context, &inside(context, folder)).await,
    }
}

/// A folder of the command line, as seen from where the command acts.
fn inside(context: &Context, folder: &Path) -> PathBuf {
    context.folder.join(folder)
}

async fn create(context: &Context, folder: &Path, with_key: bool) -> Result<Exit> {
    let link = Link::open(context, Need::Look).await?;
    let made = match link.owner() {
        Some(owner) => owner.store().backup_to(folder, with_key).await.map_err(anyhow::Error::from),
        None => Err(Problem::new(
            ErrorCode::DataFolderBusy,
            "another miyabi process works in the data folder; a backup is made by the process that owns it",
        )
        .with_hint("wait until its run ends, or pause it with Ctrl+C, then repeat", None)
        .into()),
    };
    link.close().await;
    made?;
    let report = check_folder(folder).await?;
    told(context, folder, &report)?;
    if !with_key {
        print::note(context, &context.lang().backup_without_key());
    }
    Ok(exit(&report))
}

async fn check(context: &Context, folder: &Path) -> Result<Exit> {
    if !folder.is_dir() {
        let detail = format!("there is no folder `{}`", folder.display());
        return Err(Problem::new(ErrorCode::NotFound, detail).into());
    }
    let report = check_folder(folder).await?;
    told(context, folder, &report)?;
    Ok(exit(&report))
}

fn exit(report: &Report) -> Exit {
    if report.problems.is_empty() { Exit::OK } else { Exit::FAILED }
}

fn told(context: &Context, folder: &Path, report: &Report) -> Result<()> {
    if context.is_json() {
        return print::json(
            context,
            &Checked {
                folder: folder.display().to_string(),
                runs: report.runs,
                events: report.events,
                artifacts: report.artifacts.count,
                artifact_bytes: report.artifacts.size_bytes,
                problems: report.problems.iter().map(ToString::to_string).collect(),
            },
        );
    }
    let lang = context.lang();
    for problem in &report.problems {
        print::line(&problem.to_string())?;
    }
    let size = bytes(report.artifacts.size_bytes);
    let saw = lang.backup_saw(report.runs, report.events, report.artifacts.count, size);
    print::note(context, &saw);
    print::note(
        context,
        &match report.problems.len() {
            0 => lang.backup_is_whole(folder.display()),
            count => lang.backup_is_damaged(folder.display(), count),
        },
    );
    Ok(())
}

async fn bring_back(context: &Context, folder: &Path) -> Result<Exit> {
    let target = &context.paths.data;
    if !context.global.yes {
        if !context.terminal.may_ask {
            let fix = format!("miyabi backup restore --yes {}", folder.display());
            return Err(usage("nobody is here to confirm the restore", fix));
        }
        let question = context.lang().backup_restore_question(folder.display(), target.display());
        if !input::confirm(&question, false).await? {
            return Ok(Exit::FAILED);
        }
    }
    let report = restore(folder, target).await.context("could not restore the backup")?;
    told(context, folder, &report)?;
    print::note(context, &context.lang().next("miyabi doctor"));
    Ok(Exit::OK)
}
