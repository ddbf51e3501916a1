//! `watch`: follow a run, and drive it if nobody else does.

use anyhow::Result;
use miyabi_core::run::Stage;
use miyabi_core::stop::Status;

use super::run::{conclude, timeout, view};
use super::runs::latest;
use crate::args::Watch;
use crate::context::Context;
use crate::follow::{self, OnWait, Until, View};
use crate::link::{Link, Need};
use crate::outcome::{Exit, usage};

/// `miyabi watch`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, args: &Watch) -> Result<Exit> {
    let until = args.until.as_deref().map(until).transpose()?;
    let mut link = Link::open(context, Need::Drive).await?;
    let run = match &args.run {
        Some(run) => link.client.get_run(run).await?.run.id,
        None => latest(context, &link).await?.id,
    };
    let on_wait = match (context.terminal.may_ask, until) {
        (true, _) => OnWait::Prompt,
        (false, Some(Until::Status(Status::Succeeded)) | None) => OnWait::Return,
        (false, Some(_)) => OnWait::Block,
    };
    let view = if args.events && !context.is_json() { View::Events } else { view(context) };
    let options = follow::Options { view, on_wait, until, timeout: timeout(context)? };
    let followed = follow::follow(context, &mut link, run, &options).await?;
    let exit = conclude(context, &link, &followed).await?;
    link.close().await;
    Ok(exit)
}

fn until(word: &str) -> Result<Until> {
    let status = Status::ALL.into_iter().find(|status| status.as_str() == word).map(Until::Status);
    let stage = || Stage::ALL.into_iter().find(|stage| stage.as_str() == word).map(Until::Stage);
    status.or_else(stage).ok_or_else(|| {
        let words: Vec<_> = Status::ALL
            .iter()
            .map(|status| status.as_str())
            .chain(Stage::ALL.iter().map(|stage| stage.as_str()))
            .collect();
        usage(format!("`{word}` is no state and no stage"), format!("one of: {}", words.join(", ")))
    })
}
