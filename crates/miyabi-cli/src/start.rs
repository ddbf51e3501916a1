//! The program's first steps: become a hidden part of itself if it was started as one, else read the command line.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::error::ErrorKind;
use miyabi_workspace::{sandbox, site};

use crate::args::{self, Cli};
use crate::command;
use crate::context::Context;
use crate::outcome::{Exit, Voice, report, report_by, unwritten};
use crate::panic;
use crate::terminal::Variables;

/// The program.
pub fn main() -> ExitCode {
    // The sandbox starts this program anew for every command, so it must become the launcher before anything else.
    if sandbox::is_launcher() {
        return sandbox::run_launcher();
    }
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == site::SITE_WORD) {
        return site::site_main(words);
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    let variables = variables();
    let voice = Voice::guess(&words, &variables);
    let cli = match args::parse(words) {
        Ok(cli) => cli,
        Err(error) => return usage(&voice, &error),
    };
    let context = match Context::gather(cli.global.clone(), variables) {
        Ok(context) => context,
        Err(error) => return code(report_by(&voice, &error)),
    };
    panic::install(&context);
    init_log(&context);
    match run(&context, cli) {
        Ok(exit) => code(exit),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => code(report(Some(&context), &error)),
    }
}

/// The one place where the environment is read.
fn variables() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn run(context: &Context, cli: Cli) -> Result<Exit> {
    if let Some(exit) = command::without_runtime(context, cli.command.as_ref())? {
        return Ok(exit);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    let result = runtime.block_on(command::run(context, cli.command));
    // A prompt that still reads a closed terminal must not keep the program alive.
    runtime.shutdown_background();
    result
}

/// Help and version go to standard output and are no errors; wrong words are. A command that only groups others
/// answers with its help.
fn usage(voice: &Voice, error: &clap::Error) -> ExitCode {
    let is_answer = !error.use_stderr();
    if is_answer || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        // A closed pipe has seen enough.
        let _ = error.print();
        return if is_answer { ExitCode::SUCCESS } else { code(Exit::USAGE) };
    }
    code(report_by(voice, &unwritten(error)))
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(exit.0)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_pipe = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(is_pipe)
}

/// The log goes to standard error, and only if somebody asked for it: what people need to know is said by commands.
fn init_log(context: &Context) {
    let level = match context.global.verbose {
        0 => "error",
        1 => "warn",
        2 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::new(format!("off,miyabi={level}"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    if log.try_init().is_err() {
        let _ = writeln!(std::io::stderr(), "the log could not be started");
    }
}
