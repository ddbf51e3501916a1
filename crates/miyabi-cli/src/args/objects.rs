//! Commands about things: runs, issues, pull requests, deployments, models, secrets, and a task's files.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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

/// Bring a task's files back to before its last step that changed them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  miyabi undo run_8f2a\n  miyabi undo run_8f2a generate/t1/turn/4/call/0 --to ./before\n\n"
)]
pub(crate) struct Undo {
    #[command(flatten)]
    pub(crate) files: TaskFiles,
}

/// Bring a task's files to how a step left them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  miyabi restore run_8f2a\n  miyabi restore run_8f2a generate/t1/checkout --to ./first\n\n"
)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) files: TaskFiles,
}

/// Which files, of which step, and where to.
#[derive(Debug, Args)]
pub(crate) struct TaskFiles {
    /// The run
    pub(crate) run: String,
    /// The step; the last one that changed files if left out
    pub(crate) step: Option<String>,
    /// The task, where several changed files
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<String>,
    /// Write the files to this new folder instead of the task's own checkout
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
}
