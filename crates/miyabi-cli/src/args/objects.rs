//! Commands about things: runs, issues, pull requests, deployments, settings; and the program itself.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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

/// List and show runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi runs list --state waiting\n  miyabi runs show run_8f2a\n\n")]
pub(crate) struct Runs {
    #[command(subcommand)]
    pub(crate) command: RunsCommand,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, newest first
    List {
        /// Only those in this state; may be repeated
        #[arg(long, value_name = "STATE")]
        state: Vec<String>,
        /// Only those newer than this (`2h`, `3d`)
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
        /// Runs of all projects, not only of the one you are in
        #[arg(long)]
        all: bool,
    },
    /// Show one run: stages, tasks, evidence, cost
    Show {
        /// The run; the latest one if left out
        run: Option<String>,
    },
}

/// Work with the issues of the local forge.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  miyabi issues create \"Page is empty\" --body \"On Mondays ...\"\n  miyabi issues list\n\n"
)]
pub(crate) struct Issues {
    #[command(subcommand)]
    pub(crate) command: IssuesCommand,
}

/// What to do with issues.
#[derive(Debug, Subcommand)]
pub(crate) enum IssuesCommand {
    /// List issues, newest first
    List {
        /// Closed ones too
        #[arg(long)]
        all: bool,
        /// Only those with this label
        #[arg(long, value_name = "LABEL")]
        label: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 30)]
        limit: u32,
    },
    /// Show an issue with its comments
    Show {
        /// Its number
        number: String,
    },
    /// Make an issue
    Create {
        /// One line
        title: String,
        /// The text; `-` reads it from standard input
        #[arg(long, value_name = "TEXT")]
        body: Option<String>,
        /// A label; may be repeated
        #[arg(long, value_name = "LABEL")]
        label: Vec<String>,
    },
    /// Comment on an issue
    Comment {
        /// Its number
        number: String,
        /// The text; `-` reads it from standard input
        body: String,
    },
    /// Close an issue
    Close {
        /// Its number
        number: String,
    },
    /// Open a closed issue again
    Reopen {
        /// Its number
        number: String,
    },
}

/// Work with the pull requests of the local forge.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi prs list\n  miyabi prs diff 4\n\n")]
pub(crate) struct Prs {
    #[command(subcommand)]
    pub(crate) command: PrsCommand,
}

/// What to do with pull requests.
#[derive(Debug, Subcommand)]
pub(crate) enum PrsCommand {
    /// List pull requests, newest first
    List {
        /// Merged and closed ones too
        #[arg(long)]
        all: bool,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 30)]
        limit: u32,
    },
    /// Show a pull request with its comments
    Show {
        /// Its number
        number: String,
    },
    /// Show a pull request's change
    Diff {
        /// Its number
        number: String,
    },
    /// Merge a pull request
    Merge {
        /// Its number
        number: String,
        /// Only if this is still its commit
        #[arg(long, value_name = "COMMIT")]
        head: Option<String>,
    },
    /// Close a pull request without merging
    Close {
        /// Its number
        number: String,
    },
}

/// See and roll back deployments of the local target.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi deploy list\n  miyabi deploy rollback\n\n")]
pub(crate) struct Deploy {
    #[command(subcommand)]
    pub(crate) command: DeployCommand,
}

/// What to do with deployments.
#[derive(Debug, Subcommand)]
pub(crate) enum DeployCommand {
    /// List releases, newest first
    List,
    /// Show the current release, or another one
    Show {
        /// The release
        release: Option<String>,
    },
    /// Bring an earlier release back
    Rollback {
        /// The release; the one before the current one if left out
        #[arg(long, value_name = "RELEASE")]
        to: Option<String>,
    },
}

/// Remove what is not needed any more.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi gc --dry-run\n  miyabi gc\n\n")]
pub(crate) struct Gc {
    /// Show what would go, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Set up and test model providers.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  miyabi model add openai\n  miyabi model list\n  miyabi model test openai/gpt-5\n\n"
)]
pub(crate) struct Model {
    #[command(subcommand)]
    pub(crate) command: ModelCommand,
}

/// What to do with models.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Add a provider; its key is asked for, or read from standard input
    Add {
        /// The provider: a known name, or one of your own
        provider: String,
        /// Where its paths begin, for one of your own
        #[arg(long, value_name = "URL")]
        base_url: Option<String>,
        /// Make this model of it the default
        #[arg(long, value_name = "NAME")]
        default: Option<String>,
    },
    /// List models and what is known of them
    List,
    /// Ask a model for one word
    Test {
        /// The model; every role's if left out
        model: Option<String>,
    },
}

/// Keep secrets. They can be set and removed, never read.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi secret set openai-key\n  miyabi secret list\n\n")]
pub(crate) struct Secret {
    #[command(subcommand)]
    pub(crate) command: SecretCommand,
}

/// What to do with secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Set a secret; the value is asked for, or read from standard input
    Set {
        /// Its name
        name: String,
    },
    /// List names and when they were set
    List,
    /// Remove a secret
    Rm {
        /// Its name
        name: String,
    },
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
    pub(crate) shell: Shell,
}

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say all")]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    #[value(name = "powershell")]
    PowerShell,
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
    pub(crate) topic: Option<String>,
}

/// Print the version.
#[derive(Debug, Args)]
pub(crate) struct Version {}
