//! The commands: each checks its words, makes its calls, prints what came of it.

mod backup;
mod config;
mod decide;
mod demo;
mod deploy;
pub(crate) mod diff;
mod doctor;
mod gc;
mod help;
mod home;
mod init;
mod issues;
mod logs;
mod model;
pub(crate) mod project;
mod prs;
mod restore;
mod run;
mod runs;
mod secret;
mod shell;
mod watch;

use anyhow::Result;

use crate::args::Command;
use crate::context::Context;
use crate::outcome::Exit;

/// Commands that need neither runtime nor data folder; `None` for all others.
///
/// # Errors
/// When output can't be written.
pub(crate) fn without_runtime(context: &Context, command: Option<&Command>) -> Result<Option<Exit>> {
    Ok(Some(match command {
        Some(Command::Version(_)) => shell::version(context)?,
        Some(Command::Completions(args)) => shell::completions(args.shell)?,
        Some(Command::Man(args)) => shell::man(context, args)?,
        Some(Command::Help(args)) => help::run(context, &args.words)?,
        Some(Command::Config(args)) => config::run(context, &args.command)?,
        _ => return Ok(None),
    }))
}

/// Carries a command out.
///
/// # Errors
/// What went wrong, for [`crate::outcome::report`].
pub(crate) async fn run(context: &Context, command: Option<Command>) -> Result<Exit> {
    match command {
        Some(Command::Demo(args)) => demo::run(context, &args).await,
        Some(Command::Run(args)) => run::run(context, args).await,
        Some(Command::Exec(args)) => run::exec(context, args).await,
        Some(Command::Runs(args)) => runs::run(context, &args.command).await,
        Some(Command::Watch(args)) => watch::run(context, &args).await,
        Some(Command::Diff(args)) => diff::run(context, &args).await,
        Some(Command::Approve(args)) => decide::approve(context, args).await,
        Some(Command::Reject(args)) => decide::reject(context, args).await,
        Some(Command::Steer(args)) => decide::steer(context, &args).await,
        Some(Command::Stop(args)) => decide::stop(context, &args).await,
        Some(Command::Retry(args)) => run::retry(context, args).await,
        Some(Command::Init(args)) => init::run(context, &args).await,
        Some(Command::Doctor(args)) => doctor::run(context, &args).await,
        Some(Command::Logs(args)) => logs::run(context, &args).await,
        Some(Command::Undo(args)) => restore::undo(context, &args.files).await,
        Some(Command::Restore(args)) => restore::restore(context, &args.files).await,
        Some(Command::Issues(args)) => issues::run(context, &args.command).await,
        Some(Command::Prs(args)) => prs::run(context, &args.command).await,
        Some(Command::Deploy(args)) => deploy::run(context, &args.command).await,
        Some(Command::Model(args)) => model::run(context, &args.command).await,
        Some(Command::Secret(args)) => secret::run(context, &args.command).await,
        Some(Command::Gc(args)) => gc::run(context, &args).await,
        Some(Command::Backup(args)) => backup::run(context, &args.command).await,
        None => home::run(context).await,
        Some(
            Command::Version(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Help(_)
            | Command::Config(_),
        ) => Ok(Exit::OK),
    }
}
