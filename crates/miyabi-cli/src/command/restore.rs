//! `undo` and `restore`: a task's files as they were before or after a step.

use std::path::Path;

use anyhow::Result;
use miyabi_dashboard::api::{RestoreRequest, Restored, Side};
use miyabi_dashboard::client::encode;

use super::issues::done;
use crate::args::TaskFiles;
use crate::context::Context;
use crate::link::{Link, Need};
use crate::outcome::Exit;

/// `miyabi undo`: before the step.
///
/// # Errors
/// As every command.
pub(crate) async fn undo(context: &Context, files: &TaskFiles) -> Result<Exit> {
    bring_back(context, files, Side::Before).await
}

/// `miyabi restore`: after the step.
///
/// # Errors
/// As every command.
pub(crate) async fn restore(context: &Context, files: &TaskFiles) -> Result<Exit> {
    bring_back(context, files, Side::After).await
}

async fn bring_back(context: &Context, files: &TaskFiles, side: Side) -> Result<Exit> {
    let absolute = |folder: &Path| context.folder.join(folder).to_string_lossy().into_owned();
    let request = RestoreRequest {
        side,
        step: files.step.clone(),
        task: files.task.clone(),
        to: files.to.as_deref().map(absolute),
    };
    let link = Link::open(context, Need::Look).await?;
    let path = format!("/runs/{}/restore", encode(&files.run));
    let restored: Result<Restored, _> = link.client.post(&path, &request).await;
    link.close().await;
    let restored = restored?;
    let lang = context.lang();
    let place = restored.to.clone().unwrap_or_else(|| lang.the_checkout(&restored.task));
    let said = match restored.side {
        Side::Before => lang.restored_before(place, &restored.step),
        Side::After => lang.restored_after(place, &restored.step),
    };
    done(context, &restored, &said)?;
    Ok(Exit::OK)
}
