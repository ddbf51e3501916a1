//! Commands that start, follow and guide runs.

use clap::{Args, ValueEnum};

/// Run the whole flow on a small example, without account, key or network.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi demo\n  miyabi demo --yes --keep\n\n")]
pub(crate) struct Demo {
    /// Keep the example's folder when the demo ends
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Solve an issue: plan, write, check, review, open, merge, deploy.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  miyabi run \"#12\"\n  miyabi run \"Say hello in Japanese too\" --budget 0.50\n  miyabi run \"#7\" --engine patch --autonomy pr\n\n"
)]
pub(crate) struct Run {
    /// An issue's number (`#12` or `12`), or what shall be done, in words
    pub(crate) task: String,
    #[command(flatten)]
    pub(crate) wishes: Wishes,
    /// How far it goes by itself
    #[arg(long, value_name = "STAGE")]
    pub(crate) autonomy: Option<Autonomy>,
    /// How much it asks
    #[arg(long, value_name = "MODE")]
    pub(crate) policy: Option<PolicyMode>,
    /// What to do when a decision is needed
    #[arg(long, value_name = "HOW")]
    pub(crate) wait_approval: Option<WaitApproval>,
    /// Start it and return at once
    #[arg(long, conflicts_with = "wait_approval")]
    pub(crate) detach: bool,
    /// Show what would be started, and start nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Do one task headless: write and check the change, then print the patch.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  miyabi exec \"Fix the typo in the README\"\n  miyabi exec --apply --json \"Sort the imports\"\n  git format-patch -1 --stdout | miyabi exec --engine patch -\n\n"
)]
pub(crate) struct Exec {
    /// What shall be done, in words; `-` reads it from standard input
    pub(crate) task: String,
    #[command(flatten)]
    pub(crate) wishes: Wishes,
    /// Run the gates, or none
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pub(crate) gates: GatesChoice,
}

/// What a run shall do otherwise than configured.
#[derive(Debug, Args)]
pub(crate) struct Wishes {
    /// Work on the repository in this folder, or on the project of this name
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// What writes the change: `loop` (a model), `patch` (the task's own diff) or a recipe's name
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Option<String>,
    /// The model, as `provider/name`, or of one role, as `review=provider/name`; may be repeated
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Vec<String>,
    /// What it may cost, in US dollars
    #[arg(long, value_name = "USD")]
    pub(crate) budget: Option<String>,
    /// The cage for its commands
    #[arg(long, value_name = "LEVEL")]
    pub(crate) sandbox: Option<SandboxChoice>,
    /// Bring the change to your own checkout, if that is clean
    #[arg(long)]
    pub(crate) apply: bool,
}

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Autonomy {
    /// To the plan.
    Plan,
    /// To the merged pull request.
    Pr,
    /// To the deployment.
    Deploy,
}

/// How much a run asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyMode {
    /// Plan, change and deployment.
    Manual,
    /// The change.
    Auto,
    /// Only what never goes without a person.
    Turbo,
}

/// What to do when a decision is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WaitApproval {
    /// End this command with exit code 3; the run waits.
    Fail,
    /// Ask here.
    Prompt,
    /// Wait until somebody decides elsewhere.
    Block,
}

/// Which gates are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GatesChoice {
    /// All.
    All,
    /// None.
    None,
}

/// The cage for commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxChoice {
    /// Own namespaces, minimal root, no network.
    Strict,
    /// Limits, and what the host has.
    Reduced,
    /// Your own container is the cage.
    External,
}

/// Follow a run; take it up again if nobody drives it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi watch run_8f2a\n  miyabi watch run_8f2a --events --json\n\n")]
pub(crate) struct Watch {
    /// The run; the latest one if left out
    pub(crate) run: Option<String>,
    /// One line per event instead of one per stage
    #[arg(long)]
    pub(crate) events: bool,
    /// Return when the run has this state or enters this stage
    #[arg(long, value_name = "STATE|STAGE")]
    pub(crate) until: Option<String>,
}

/// Show what a run's agents and gates did and printed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi logs run_8f2a\n  miyabi logs run_8f2a --grep error --raw\n\n")]
pub(crate) struct Logs {
    /// The run; the latest one if left out
    pub(crate) run: Option<String>,
    /// Go on printing while the run works
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only what is newer than this (`10m`, `2h`)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only what matters at least so much
    #[arg(long, value_name = "LEVEL")]
    pub(crate) level: Option<LogLevelChoice>,
    /// Only this agent's part (`codegen`, `review`, ...)
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// Only lines that contain this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) grep: Option<String>,
    /// The stored output of commands instead of one line per step
    #[arg(long)]
    pub(crate) raw: bool,
}

/// How much a line of a log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevelChoice {
    /// Every step.
    Debug,
    /// What changed, and results.
    Info,
    /// What failed and was coped with, and questions.
    Warn,
    /// What failed for good.
    Error,
}

/// Show a run's change.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi diff run_8f2a\n  miyabi diff run_8f2a --stat\n\n")]
pub(crate) struct Diff {
    /// The run; the latest one if left out
    pub(crate) run: Option<String>,
    /// Files and numbers of lines only
    #[arg(long)]
    pub(crate) stat: bool,
    /// Names of files only
    #[arg(long, conflicts_with = "stat")]
    pub(crate) name_only: bool,
}

/// Approve what a run waits for; shows what it is about first.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  miyabi approve run_8f2a\n  miyabi approve run_8f2a --head 1a2b3c4 --yes\n\n"
)]
pub(crate) struct Approve {
    /// The run; the only waiting one if left out
    pub(crate) run: Option<String>,
    /// Only if this is still the commit in question
    #[arg(long, value_name = "COMMIT")]
    pub(crate) head: Option<String>,
    /// A word about it, kept in the record
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// Decide and return at once
    #[arg(long)]
    pub(crate) detach: bool,
}

/// Reject what a run waits for, or ask for changes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  miyabi reject run_8f2a\n  miyabi reject run_8f2a --changes -m \"Keep the old name\"\n\n"
)]
pub(crate) struct Reject {
    /// The run; the only waiting one if left out
    pub(crate) run: Option<String>,
    /// Ask for changes instead of ending the run
    #[arg(long)]
    pub(crate) changes: bool,
    /// Only if this is still the commit in question
    #[arg(long, value_name = "COMMIT")]
    pub(crate) head: Option<String>,
    /// Why, or what to change
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// Decide and return at once
    #[arg(long)]
    pub(crate) detach: bool,
}

/// Guide a run's agents, or answer their question.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi steer run_8f2a \"Use the existing parser\"\n\n")]
pub(crate) struct Steer {
    /// The run
    pub(crate) run: String,
    /// What the agents shall know; `-` reads it from standard input
    pub(crate) text: String,
    /// Say it and return at once
    #[arg(long)]
    pub(crate) detach: bool,
}

/// Stop a run; its work so far is kept.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi stop run_8f2a\n\n")]
pub(crate) struct Stop {
    /// The run
    pub(crate) run: String,
}

/// Start a new run on the same task.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  miyabi retry run_8f2a\n  miyabi retry run_8f2a --budget 5\n\n")]
pub(crate) struct Retry {
    /// The run that ended
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) wishes: Wishes,
    /// Start it and return at once
    #[arg(long)]
    pub(crate) detach: bool,
}
