//! What steps result in: ids and facts. Contents (prompts, diffs, output) are artifacts, named by digest.

use serde::{Deserialize, Serialize};

use super::step::Effect;
use crate::digest::Digest;
use crate::finding::Finding;
use crate::gate::{Checks, Evidence, GateReport};
use crate::money::UsdMicros;
use crate::plan::Plan;
use crate::port::model::{ModelName, Usage};
use crate::triage::Triage;

/// The result of a step that succeeded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StepValue {
    /// Of `Open`.
    Opened(Opened),
    /// Of `PlanByRules`.
    Planned {
        /// What is asked.
        triage: Triage,
        /// What will be done.
        plan: Plan,
    },
    /// Of `Ask`.
    Turn(Turn),
    /// Of `Call`.
    Called(Called),
    /// Of `Compact`.
    Compacted {
        /// The summary.
        summary: Digest,
        /// Its size, in tokens.
        tokens: u64,
        /// What the call used.
        spent: Spent,
    },
    /// Of `Checkout`: the commit it stands on and the snapshot of its files.
    CheckedOut {
        /// The commit.
        base: String,
        /// The files, byte for byte.
        snapshot: Digest,
    },
    /// Of `SetUp`, `ApplyPatch` and `RunRecipe`.
    Ran {
        /// The commands that were run.
        evidence: Vec<Evidence>,
        /// The files afterwards.
        snapshot: Digest,
    },
    /// Of `Commit`.
    Committed(Committed),
    /// Of `Gates`.
    Gated(GateReport),
    /// Of `Integrate` and `MergeCandidate`.
    Candidate(Candidate),
    /// Of `Refresh`: files that contradict each other and carry conflict marks now.
    Refreshed {
        /// The commit that was brought in.
        onto: String,
        /// Files with conflict marks.
        conflicts: Vec<String>,
        /// The files afterwards.
        snapshot: Digest,
    },
    /// Of `Analyse`.
    Analysed {
        /// What the analysers found.
        findings: Vec<Finding>,
        /// Analysers that are missing on this machine: their questions stay open.
        missing: Vec<String>,
        /// The diff that was looked at.
        diff: Digest,
    },
    /// Of `OpenPullRequest` and `OpenRevert`.
    PullRequest {
        /// Its number in the forge.
        number: u64,
        /// Its address, if it has one.
        url: Option<String>,
    },
    /// Of `Merge`.
    Merged {
        /// The branch's new commit; `None` when the branch had moved and nothing was done.
        commit: Option<String>,
    },
    /// Of `ApplyToCheckout`.
    Applied {
        /// Why it was left out, if it was.
        skipped: Option<String>,
    },
    /// Of `Build`; without a release when nothing says how to deploy the project.
    Built {
        /// The release's name at the target.
        release: Option<String>,
        /// The commands that were run.
        evidence: Vec<Evidence>,
    },
    /// Of `RecordPrevious`.
    Previous {
        /// The release that was current before; `None` on the first deployment.
        release: Option<String>,
    },
    /// Of `Activate` and `Rollback`.
    Activated {
        /// Where the release answers, if it does.
        url: Option<String>,
    },
    /// Of `CheckHealth`.
    Health(Health),
    /// Of steps that have nothing to say.
    Done,
}

/// The project as a run found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The commit at the branch's head.
    pub base: String,
    /// Its tree.
    pub tree: String,
    /// The project's commands, by gate.
    pub checks: Checks,
    /// Globs that the repository wants protected beside our own.
    pub protected_paths: Vec<String>,
    /// The repository's instruction files at its root, as one text.
    pub instructions: Digest,
    /// Whether the repository says how to deploy it.
    pub deployable: bool,
}

/// One answer of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The whole answer.
    pub answer: Digest,
    /// Its size, in tokens.
    pub tokens: u64,
    /// How the conversation began, if this is its first answer: kept, so that a newer program goes on with the same
    /// words and the provider's cache stays warm.
    pub opening: Option<Opening>,
    /// The tool calls it asks for.
    pub calls: Vec<CallRef>,
    /// What the role makes of it.
    pub judgement: Judgement,
    /// What it used.
    pub spent: Spent,
}

/// The beginning of a conversation: instructions and task, stored as one artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The artifact.
    pub digest: Digest,
    /// Its size, in tokens.
    pub tokens: u64,
}

/// What a model call used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The model that answered.
    pub model: ModelName,
    /// Tokens by kind.
    pub usage: Usage,
    /// What they cost.
    pub cost_usd_micros: UsdMicros,
    /// Requests sent until the answer came.
    pub attempts: u32,
}

/// A tool call as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRef {
    /// The call's id in the conversation.
    pub id: String,
    /// The tool's name as the model wrote it.
    pub tool: String,
    /// The arguments.
    pub arguments: Digest,
    /// What may be done about it after a crash.
    pub effect: Effect,
    /// Whether it may run beside its neighbours: it only reads.
    pub reads_only: bool,
}

/// What a role makes of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Judgement {
    /// It asks for tools.
    Calls,
    /// It can't be used; the note goes back to the model.
    Corrected {
        /// What is wrong with it.
        note: String,
    },
    /// The triage.
    Triage(Triage),
    /// The plan.
    Plan(Plan),
    /// A reviewer's findings.
    Findings {
        /// The findings.
        findings: Vec<Finding>,
    },
    /// The second look at a round's findings.
    Validated {
        /// Numbers of the findings that hold.
        confirmed: Vec<usize>,
        /// Acceptance items without proof, counted from 0.
        unproven: Vec<usize>,
    },
    /// The words of a pull request or of an incident note.
    Wording {
        /// One line.
        title: String,
        /// A few sentences.
        summary: String,
    },
}

/// The result of a tool call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Called {
    /// What the model is told.
    pub result: Digest,
    /// Its size, in tokens.
    pub tokens: u64,
    /// Whether the tool failed.
    pub is_error: bool,
    /// The files afterwards, if the tool may have changed them.
    pub snapshot: Option<Digest>,
    /// What it means for the conversation.
    pub control: Option<Control>,
}

/// A tool call that is addressed to the run itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Control {
    /// The work is done.
    Finish(Finish),
    /// A person is asked.
    Question {
        /// The question.
        text: String,
    },
}

/// What CodeGen says at the end of its work. The host believes none of it before the gates have spoken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Finish {
    /// What was done and why, for the commit message.
    pub summary: String,
    /// Nothing needed to be changed.
    #[serde(default)]
    pub no_change: bool,
    /// A command for each acceptance item that shows it true.
    #[serde(default)]
    pub proofs: Vec<Proof>,
    /// For a bug: a command that fails before the change and passes after it.
    #[serde(default)]
    pub reproduction: Option<String>,
}

/// A command that shows an acceptance item true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The item, counted from 0.
    pub item: usize,
    /// A shell command; the host runs it in the sandbox, in a clean clone. Exit code 0 is the proof.
    pub command: String,
}

/// A task's commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// The commit, or `None` when nothing was changed.
    pub commit: Option<String>,
    /// The commit it stands on.
    pub base: String,
    /// Files changed.
    pub files: u32,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
}

/// A commit put on top of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Candidate {
    /// It fits.
    Clean {
        /// The new commit.
        commit: String,
        /// What it stands on.
        onto: String,
        /// Its files are those that were checked already.
        same_tree: bool,
    },
    /// It contradicts what is there.
    Conflict {
        /// What it was put on.
        onto: String,
        /// The files.
        files: Vec<String>,
    },
}

/// What the health samples said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Whether it counts as healthy.
    pub healthy: bool,
    /// Healthy samples.
    pub healthy_samples: u32,
    /// All samples.
    pub samples: u32,
    /// The last thing that was wrong, or how it answered.
    pub detail: String,
}

/// A tool's effect and whether it only reads; the engine asks the tool host for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolTraits {
    /// What may be done about it after a crash.
    pub effect: Effect,
    /// It changes nothing.
    pub reads_only: bool,
}
