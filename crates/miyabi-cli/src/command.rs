//! The commands: each checks its words, makes its calls, prints what came of it.

mod decide;
mod demo;
pub(crate) mod diff;
pub(crate) mod project;
mod run;
mod runs;
mod watch;

use anyhow::Result;

use crate::args::Command;
use crate::context::Context;
use crate::outcome::Exit;

/// Commands that need neither runtime nor data folder; `None` for all others.
///
/// # Errors
/// When output can't be written.
pub(crate) fn without_runtime(_context: &Context, command: Option<&Command>) -> Result<Option<Exit>> {
    match command {
        Some(Command::Version(_)) => {
            crate::print::line(&format!("miyabi {}", env!("CARGO_PKG_VERSION")))?;
            Ok(Some(Exit::OK))
        }
        _ => Ok(None),
    }
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
        Some(Command::Version(_)) | None => Ok(Exit::OK),
    }
}
