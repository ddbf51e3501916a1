//! Steps: the durable units of a run. A step is its own name; what it says is what is done, and only once.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::finding::Aspect;
use crate::plan::TaskKey;

/// One of the six parts of a run, each with its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The Issue agent finds out what is asked.
    Issue,
    /// The Coordinator plans.
    Coordinate,
    /// CodeGen writes.
    Generate,
    /// Reviewers judge.
    Review,
    /// The PR agent opens and merges.
    PullRequest,
    /// The Deployment agent brings it out.
    Deploy,
}

impl Stage {
    /// All stages, in their order.
    pub const ALL: [Self; 6] =
        [Self::Issue, Self::Coordinate, Self::Generate, Self::Review, Self::PullRequest, Self::Deploy];

    /// The name in journals, JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Coordinate => "coordinate",
            Self::Generate => "generate",
            Self::Review => "review",
            Self::PullRequest => "pull_request",
            Self::Deploy => "deploy",
        }
    }
}

/// A conversation with a model, named by what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum SessionKey {
    /// Triage of the issue.
    Issue,
    /// The plan.
    Coordinate,
    /// One task's change.
    Generate {
        /// The task.
        task: TaskKey,
    },
    /// One reviewer of one round.
    Review {
        /// Counted from 0.
        round: u32,
        /// What the reviewer looks at.
        aspect: Aspect,
    },
    /// The second look at a round's findings.
    Validate {
        /// Counted from 0.
        round: u32,
    },
    /// The words of a pull request.
    PullRequest {
        /// Counted from 0.
        round: u32,
    },
    /// The note about a release that was taken back.
    Incident,
}

impl SessionKey {
    /// The role that leads the conversation, as named in the configuration of models.
    pub fn role(&self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Coordinate => "coordinator",
            Self::Generate { .. } => "codegen",
            Self::Review { .. } | Self::Validate { .. } => "review",
            Self::PullRequest { .. } => "pr",
            Self::Incident => "deployment",
        }
    }

    /// The stage it belongs to.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Issue => Stage::Issue,
            Self::Coordinate => Stage::Coordinate,
            Self::Generate { .. } => Stage::Generate,
            Self::Review { .. } | Self::Validate { .. } => Stage::Review,
            Self::PullRequest { .. } => Stage::PullRequest,
            Self::Incident => Stage::Deploy,
        }
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issue => f.write_str("issue"),
            Self::Coordinate => f.write_str("coordinate"),
            Self::Generate { task } => write!(f, "generate/{task}"),
            Self::Review { round, aspect } => write!(f, "review/{round}/{}", aspect.as_str()),
            Self::Validate { round } => write!(f, "review/{round}/validate"),
            Self::PullRequest { round } => write!(f, "pull_request/{round}"),
            Self::Incident => f.write_str("deploy/incident"),
        }
    }
}

/// What a check by the host's gates is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum GateTarget {
    /// The commit that the run started from.
    Base,
    /// A task's own commit.
    Task {
        /// The task.
        task: TaskKey,
        /// Which of its commits, counted from 0.
        round: u32,
    },
    /// A task's commit on top of the tasks merged before it.
    Integration {
        /// The task.
        task: TaskKey,
        /// Which of its commits, counted from 0.
        round: u32,
    },
    /// The change on top of the branch as it is now.
    Merge {
        /// Which try, counted from 0.
        round: u32,
    },
}

impl fmt::Display for GateTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => f.write_str("issue/gates"),
            Self::Task { task, round } => write!(f, "generate/{task}/{round}/gates"),
            Self::Integration { task, round } => write!(f, "generate/{task}/{round}/integrated_gates"),
            Self::Merge { round } => write!(f, "pull_request/{round}/gates"),
        }
    }
}

/// When the health of a deployed release is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthPhase {
    /// Right after the new release was activated.
    Start,
    /// For a while after that.
    Watch,
    /// After the previous release was brought back.
    Rollback,
}

/// A durable unit of work. Two equal steps of a run are one and the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Step {
    /// Bring the project's branch in and read its rules and checks.
    Open,
    /// Find out by rules alone what is asked and plan it, for engines without a model.
    PlanByRules,
    /// Label the issue.
    LabelIssue,
    /// Ask a model for its next answer.
    Ask {
        /// The conversation.
        session: SessionKey,
        /// Which answer, counted from 0.
        turn: u32,
    },
    /// Carry out a tool call.
    Call {
        /// The conversation.
        session: SessionKey,
        /// The answer that asked for it.
        turn: u32,
        /// Which of its calls, counted from 0.
        index: u32,
    },
    /// Shorten a conversation to a summary.
    Compact {
        /// The conversation.
        session: SessionKey,
        /// Which time, counted from 0.
        count: u32,
    },
    /// Make a task's private clone.
    Checkout {
        /// The task.
        task: TaskKey,
    },
    /// Run the project's set-up commands in it.
    SetUp {
        /// The task.
        task: TaskKey,
    },
    /// Apply the issue's patch in it.
    ApplyPatch {
        /// The task.
        task: TaskKey,
    },
    /// Run the operator's recipe in it.
    RunRecipe {
        /// The task.
        task: TaskKey,
    },
    /// Commit what the task changed and bring it out of the clone.
    Commit {
        /// The task.
        task: TaskKey,
        /// Which of its commits, counted from 0.
        round: u32,
    },
    /// Run the gates.
    Gates {
        /// At which commit.
        target: GateTarget,
    },
    /// Put a task's commit on top of those merged before it.
    Integrate {
        /// The task.
        task: TaskKey,
        /// Which of its commits, counted from 0.
        round: u32,
    },
    /// Bring what was merged meanwhile into the task's clone.
    Refresh {
        /// The task.
        task: TaskKey,
        /// Which of its commits could not be merged, counted from 0.
        round: u32,
    },
    /// Let the analysers look at the change.
    Analyse {
        /// Counted from 0.
        round: u32,
    },
    /// Push the run's branch.
    Push {
        /// Counted from 0.
        round: u32,
    },
    /// Find or create the pull request and bring its text up to date.
    OpenPullRequest {
        /// Counted from 0.
        round: u32,
    },
    /// Compute the change on top of the branch as it is now.
    MergeCandidate {
        /// Counted from 0.
        round: u32,
    },
    /// Merge the candidate, if the branch has not moved.
    Merge {
        /// Counted from 0.
        round: u32,
    },
    /// Tell the issue what became of it.
    CloseIssue,
    /// Bring the change to the user's own checkout.
    ApplyToCheckout,
    /// Build a release from the merge commit.
    Build,
    /// Note the current release and prove that it can be brought back.
    RecordPrevious,
    /// Make the new release the current one.
    Activate,
    /// Look whether the current release is healthy.
    CheckHealth {
        /// When.
        phase: HealthPhase,
    },
    /// Bring the previous release back.
    Rollback,
    /// Open a pull request that takes the change back.
    OpenRevert,
    /// Open the issue again, with the evidence.
    ReopenIssue,
}

/// What may be done about a step that was open when the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It changes nothing: repeat it.
    Pure,
    /// It may be repeated with the same key without doubling anything.
    Keyed,
    /// Look whether it happened, and do it only if not.
    Probe,
    /// Nobody can know: say "outcome unknown" and let who asked decide.
    Ask,
}

impl Step {
    /// The stage it belongs to.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Open | Self::PlanByRules | Self::LabelIssue => Stage::Issue,
            Self::Ask { session, .. } | Self::Call { session, .. } | Self::Compact { session, .. } => {
                session.stage()
            }
            Self::Checkout { .. }
            | Self::SetUp { .. }
            | Self::ApplyPatch { .. }
            | Self::RunRecipe { .. }
            | Self::Commit { .. }
            | Self::Integrate { .. }
            | Self::Refresh { .. } => Stage::Generate,
            Self::Gates { target } => match target {
                GateTarget::Base | GateTarget::Task { .. } | GateTarget::Integration { .. } => {
                    Stage::Generate
                }
                GateTarget::Merge { .. } => Stage::PullRequest,
            },
            Self::Analyse { .. } => Stage::Review,
            Self::Push { .. }
            | Self::OpenPullRequest { .. }
            | Self::MergeCandidate { .. }
            | Self::Merge { .. }
            | Self::CloseIssue
            | Self::ApplyToCheckout => Stage::PullRequest,
            Self::Build
            | Self::RecordPrevious
            | Self::Activate
            | Self::CheckHealth { .. }
            | Self::Rollback
            | Self::OpenRevert
            | Self::ReopenIssue => Stage::Deploy,
        }
    }

    /// The task it works on.
    pub fn task(&self) -> Option<&TaskKey> {
        match self {
            Self::Ask { session: SessionKey::Generate { task }, .. }
            | Self::Call { session: SessionKey::Generate { task }, .. }
            | Self::Compact { session: SessionKey::Generate { task }, .. }
            | Self::Checkout { task }
            | Self::SetUp { task }
            | Self::ApplyPatch { task }
            | Self::RunRecipe { task }
            | Self::Commit { task, .. }
            | Self::Integrate { task, .. }
            | Self::Refresh { task, .. }
            | Self::Gates { target: GateTarget::Task { task, .. } | GateTarget::Integration { task, .. } } => {
                Some(task)
            }
            _ => None,
        }
    }

    /// Whether it asks a model, and so needs a reservation.
    pub fn asks_model(&self) -> bool {
        matches!(self, Self::Ask { .. } | Self::Compact { .. })
    }

    /// What may be done about it after a crash. Of a tool call the tool says it; see [`super::value::CallRef`].
    pub fn effect(&self) -> Effect {
        match self {
            Self::Ask { .. }
            | Self::Compact { .. }
            | Self::Gates { .. }
            | Self::Analyse { .. }
            | Self::Open
            | Self::PlanByRules
            | Self::MergeCandidate { .. }
            | Self::RecordPrevious
            | Self::CheckHealth { .. }
            | Self::Integrate { .. } => Effect::Pure,
            Self::Call { .. } => Effect::Ask,
            Self::Checkout { .. }
            | Self::SetUp { .. }
            | Self::ApplyPatch { .. }
            | Self::RunRecipe { .. }
            | Self::Commit { .. }
            | Self::Refresh { .. }
            | Self::Push { .. }
            | Self::Build
            | Self::LabelIssue
            | Self::CloseIssue
            | Self::ReopenIssue => Effect::Keyed,
            Self::OpenPullRequest { .. }
            | Self::Merge { .. }
            | Self::ApplyToCheckout
            | Self::Activate
            | Self::Rollback
            | Self::OpenRevert => Effect::Probe,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("issue/open"),
            Self::PlanByRules => f.write_str("issue/plan_by_rules"),
            Self::LabelIssue => f.write_str("issue/label"),
            Self::Ask { session, turn } => write!(f, "{session}/turn/{turn}"),
            Self::Call { session, turn, index } => write!(f, "{session}/turn/{turn}/call/{index}"),
            Self::Compact { session, count } => write!(f, "{session}/compact/{count}"),
            Self::Checkout { task } => write!(f, "generate/{task}/checkout"),
            Self::SetUp { task } => write!(f, "generate/{task}/set_up"),
            Self::ApplyPatch { task } => write!(f, "generate/{task}/patch"),
            Self::RunRecipe { task } => write!(f, "generate/{task}/recipe"),
            Self::Commit { task, round } => write!(f, "generate/{task}/{round}/commit"),
            Self::Gates { target } => write!(f, "{target}"),
            Self::Integrate { task, round } => write!(f, "generate/{task}/{round}/integrate"),
            Self::Refresh { task, round } => write!(f, "generate/{task}/{round}/refresh"),
            Self::Analyse { round } => write!(f, "review/{round}/analyse"),
            Self::Push { round } => write!(f, "pull_request/{round}/push"),
            Self::OpenPullRequest { round } => write!(f, "pull_request/{round}/open"),
            Self::MergeCandidate { round } => write!(f, "pull_request/{round}/candidate"),
            Self::Merge { round } => write!(f, "pull_request/{round}/merge"),
            Self::CloseIssue => f.write_str("pull_request/close_issue"),
            Self::ApplyToCheckout => f.write_str("pull_request/apply"),
            Self::Build => f.write_str("deploy/build"),
            Self::RecordPrevious => f.write_str("deploy/previous"),
            Self::Activate => f.write_str("deploy/activate"),
            Self::CheckHealth { phase: HealthPhase::Start } => f.write_str("deploy/health"),
            Self::CheckHealth { phase: HealthPhase::Watch } => f.write_str("deploy/watch"),
            Self::CheckHealth { phase: HealthPhase::Rollback } => f.write_str("deploy/rollback_health"),
            Self::Rollback => f.write_str("deploy/rollback"),
            Self::OpenRevert => f.write_str("deploy/revert"),
            Self::ReopenIssue => f.write_str("deploy/reopen_issue"),
        }
    }
}
