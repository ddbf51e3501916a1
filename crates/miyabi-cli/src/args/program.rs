//! Commands about the program itself: set-up, check-up, settings, backups, clean-up, and its place in the shell.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Connect the repository you are in, and set the program up.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi init\n  miyabi init --yes --model openai/gpt-5\n\n")]
pub(crate) struct Init {
    /// The project's name; the folder's if left out
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The branch that runs start from and merge into
    #[arg(long, value_name = "BRANCH")]
    pub(crate) branch: Option<String>,
    /// The model of all agents, as `provider/name`
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// How far runs go by themselves
    #[arg(long, value_name = "STAGE")]
    pub(crate) autonomy: Option<super::Autonomy>,
    /// What a run may cost, in US dollars
    #[arg(long, value_name = "USD")]
    pub(crate) budget: Option<String>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(crate) print: bool,
    /// Replace values that are set already
    #[arg(long)]
    pub(crate) force: bool,
}

/// Check that everything works here, and say how to cure what does not.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi doctor\n  miyabi doctor --fix\n\n")]
pub(crate) struct Doctor {
    /// Repair what can be repaired safely, after asking
    #[arg(long)]
    pub(crate) fix: bool,
    /// Ask no model provider
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Remove what is not needed any more.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi gc --dry-run\n  miyabi gc\n\n")]
pub(crate) struct Gc {
    /// Show what would go, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Give up the unmerged change of this ended run; may be repeated
    #[arg(long, value_name = "RUN")]
    pub(crate) discard: Vec<String>,
}

/// See and change settings.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi config list --origin\n  miyabi config set budget.cost_usd 3\n\n")]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// What to do with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print one value
    Get {
        /// The key, such as `budget.cost_usd`
        key: String,
    },
    /// Set a value in your own file
    Set {
        /// The key
        key: String,
        /// The value
        value: String,
    },
    /// Print all values
    List {
        /// With where each comes from
        #[arg(long)]
        origin: bool,
    },
    /// Print the file's path
    Path,
    /// Open the file in an editor
    Edit,
    /// Check all files
    Validate,
}

/// Copy everything to a folder, check a copy, bring one back.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  miyabi backup create ~/miyabi-backup\n  miyabi backup check ~/miyabi-backup\n\n"
)]
pub(crate) struct Backup {
    #[command(subcommand)]
    pub(crate) command: BackupCommand,
}

/// What to do with backups.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Copy everything to a new folder
    Create {
        /// The folder
        folder: PathBuf,
        /// With the key that opens the secrets
        #[arg(long)]
        with_key: bool,
    },
    /// Check a copy: database, hash chains, artifacts
    Check {
        /// The folder
        folder: PathBuf,
    },
    /// Put a copy in the place of an empty data folder
    Restore {
        /// The folder
        folder: PathBuf,
    },
}

/// Print a shell's completion script.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  miyabi completions bash > ~/.local/share/bash-completion/completions/miyabi\n\n"
)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// Print manual pages.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi man | man -l -\n  miyabi man run | man -l -\n\n")]
pub(crate) struct Man {
    /// The command; the whole program if left out
    pub(crate) command: Option<String>,
    /// Write all pages to this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(crate) to: Option<PathBuf>,
}

/// Explain a command, a topic or an error code.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  miyabi help run\n  miyabi help exit-codes\n  miyabi help CHECKOUT_DIRTY\n\n"
)]
pub(crate) struct Help {
    /// The command, topic or code; a list of all if left out
    #[arg(value_name = "TOPIC")]
    pub(crate) words: Vec<String>,
}

/// Print the version.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi version\n  miyabi version --json\n\n")]
pub(crate) struct Version {}
