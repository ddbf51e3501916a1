//! The command line as it is written: raw words, not yet checked against anything.

mod objects;
mod program;
mod work;

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub(crate) use objects::*;
pub(crate) use program::*;
pub(crate) use work::*;

use crate::terminal::ColorChoice;

/// One sentence, the examples, then usage and flags.
const TEMPLATE: &str = "{about-with-newline}\n{after-help}{usage-heading} {usage}\n\n{all-args}";
/// Columns that help keeps to, also on a wider terminal.
const WIDTH: usize = 80;

/// Takes an issue to a reviewed, merged and deployed change, on your own machine.
#[derive(Debug, Parser)]
#[command(
    name = "miyabi",
    version,
    disable_help_subcommand = true,
    infer_long_args = false,
    max_term_width = WIDTH,
    after_help = "Examples:\n  miyabi demo               watch a whole run, without account, key or network\n  miyabi init               connect the repository you are in\n  miyabi run \"#12\"          solve issue 12 of it\n\n"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global flags")]
pub(crate) struct Global {
    /// Print one JSON document (JSON lines for streams); `--json=a,b` picks fields
    #[arg(long, global = true, value_name = "FIELDS", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) json: Option<String>,
    /// Tab-separated columns without decoration
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) plain: bool,
    /// Say less
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more; twice for the log
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colours
    #[arg(long, global = true, hide_short_help = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
    /// Never ask anything
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) no_input: bool,
    /// Answer every question with yes
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    /// Don't show long output in a pager
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) no_pager: bool,
    /// Give up following after so long (`90s`, `10m`); a run goes on
    #[arg(long, global = true, hide_short_help = true, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
    /// Use this configuration file
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Keep everything in this folder
    #[arg(long, global = true, hide_short_help = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Set an option for this command (`budget.cost_usd=3`); may be repeated
    #[arg(long = "set", global = true, hide_short_help = true, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Act as if started in this folder
    #[arg(short = 'C', global = true, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

/// The commands, in the order of help.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(Demo),
    Init(Init),
    Doctor(Doctor),
    Run(Run),
    Exec(Exec),
    Watch(Watch),
    Logs(Logs),
    Diff(Diff),
    Approve(Approve),
    Reject(Reject),
    Steer(Steer),
    Stop(Stop),
    Retry(Retry),
    Undo(Undo),
    Restore(Restore),
    Runs(Runs),
    Issues(Issues),
    Prs(Prs),
    Deploy(Deploy),
    Model(Model),
    Secret(Secret),
    Config(Config),
    Gc(Gc),
    Backup(Backup),
    Completions(Completions),
    Man(Man),
    Help(Help),
    Version(Version),
}

/// The whole command line, with every command's help in the one form.
pub(crate) fn command() -> clap::Command {
    fn shape(command: clap::Command) -> clap::Command {
        command.help_template(TEMPLATE).disable_help_subcommand(true).mut_subcommands(shape)
    }
    shape(Cli::command())
}

/// Reads the command line.
///
/// # Errors
/// What is wrong with it, or help and version, which end the program too.
pub(crate) fn parse(words: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Cli, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

#[cfg(test)]
mod tests;
