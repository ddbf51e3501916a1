//! The journal's vocabulary: the only event model there is, in the store, on the wire and in the dashboard.

use serde::{Deserialize, Serialize};

use super::spec::RunSpec;
use super::step::{Effect, Stage, Step};
use super::value::StepValue;
use crate::budget::Reserve;
use crate::digest::Digest;
use crate::error::Failure;
use crate::id::RunId;
use crate::label::Label;
use crate::plan::Task;
use crate::stop::Stop;
use crate::time::Timestamp;

/// The version of the event form that this program writes. It reads this one and all before it.
pub const VERSION: u16 = 1;

/// One entry of a run's journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The version of the form, see [`VERSION`].
    pub v: u16,
    /// The run.
    pub run_id: RunId,
    /// Its place in the journal, counted from 1 without a gap.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventBody {
    /// The run was asked for.
    RunCreated {
        /// What it shall do.
        spec: Box<RunSpec>,
    },
    /// A worker took it up.
    RunStarted,
    /// A stage began, or began again.
    StageEntered {
        /// The stage.
        stage: Stage,
        /// How many fixes came before, counted from 0.
        round: u32,
    },
    /// A step is about to be performed: the intent before the effect.
    StepStarted {
        /// The step.
        step: Step,
        /// Which try, counted from 1.
        attempt: u32,
        /// What may be done about it after a crash.
        effect: Effect,
        /// What a model call may cost at worst.
        #[serde(skip_serializing_if = "Option::is_none")]
        reserve: Option<Reserve>,
    },
    /// A step was performed: the result after the effect.
    StepFinished {
        /// The step.
        step: Step,
        /// Which try.
        attempt: u32,
        /// What came of it.
        value: Box<StepValue>,
    },
    /// A try failed.
    StepFailed {
        /// The step.
        step: Step,
        /// Which try.
        attempt: u32,
        /// What happened.
        failure: Failure,
        /// When the next try begins; `None` when there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    },
    /// The process ended while the step was open. What becomes of it follows from its effect.
    StepLost {
        /// The step.
        step: Step,
        /// Which try.
        attempt: u32,
    },
    /// A tool call was refused by the policy or by a person; the model is told.
    CallRefused {
        /// The call.
        step: Step,
        /// Why.
        reason: String,
    },
    /// Old tool output of a conversation is left out from now on.
    OutputMasked {
        /// The conversation.
        session: super::step::SessionKey,
        /// Entries before this one are masked.
        before: u32,
    },
    /// A task was added to the plan: a fix after review, or at a person's wish.
    TaskAdded {
        /// The task.
        task: Task,
        /// Why it is needed.
        cause: FixCause,
    },
    /// A person is asked.
    ApprovalRequested {
        /// The question's name within the run, such as `change/1`.
        approval: String,
        /// What is asked, and about what exactly.
        request: ApprovalRequest,
    },
    /// A person, or a rule, decided.
    ApprovalDecided {
        /// The question's name within the run.
        approval: String,
        /// The decision.
        decision: Decision,
        /// Who decided.
        by: Actor,
        /// Their words.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<Digest>,
    },
    /// A person guides the agents, or answers a question.
    Steered {
        /// Who.
        by: Actor,
        /// What they said.
        text: Digest,
        /// Its size, in tokens.
        tokens: u64,
    },
    /// Four fifths of a cap are used; the agents are told.
    BudgetWarned {
        /// The used share, in percent.
        percent: u64,
    },
    /// A cap is used up.
    BudgetExceeded {
        /// Which.
        cap: crate::budget::Cap,
    },
    /// The time cap is used up.
    DeadlinePassed,
    /// Somebody wants it to stop.
    CancelRequested {
        /// Who.
        by: Actor,
    },
    /// The end: the last event of every journal.
    RunEnded {
        /// How it ended.
        stop: Stop,
    },
}

impl EventBody {
    /// The event's name as in its JSON form.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RunCreated { .. } => "run_created",
            Self::RunStarted => "run_started",
            Self::StageEntered { .. } => "stage_entered",
            Self::StepStarted { .. } => "step_started",
            Self::StepFinished { .. } => "step_finished",
            Self::StepFailed { .. } => "step_failed",
            Self::StepLost { .. } => "step_lost",
            Self::CallRefused { .. } => "call_refused",
            Self::OutputMasked { .. } => "output_masked",
            Self::TaskAdded { .. } => "task_added",
            Self::ApprovalRequested { .. } => "approval_requested",
            Self::ApprovalDecided { .. } => "approval_decided",
            Self::Steered { .. } => "steered",
            Self::BudgetWarned { .. } => "budget_warned",
            Self::BudgetExceeded { .. } => "budget_exceeded",
            Self::DeadlinePassed => "deadline_passed",
            Self::CancelRequested { .. } => "cancel_requested",
            Self::RunEnded { .. } => "run_ended",
        }
    }

    /// The step it is about.
    pub fn step(&self) -> Option<&Step> {
        match self {
            Self::StepStarted { step, .. }
            | Self::StepFinished { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepLost { step, .. }
            | Self::CallRefused { step, .. } => Some(step),
            _ => None,
        }
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// A person's name at the forge or on this machine, or a rule's name.
    pub name: String,
    /// How far they are trusted.
    pub label: Label,
}

impl Actor {
    /// The person who runs this program on their own machine.
    pub fn operator(name: impl Into<String>) -> Self {
        Self { name: name.into(), label: Label::Operator }
    }

    /// A rule of the policy that decided without a person.
    pub fn rule(name: impl Into<String>) -> Self {
        Self { name: name.into(), label: Label::Operator }
    }
}

/// Why a task was added to a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FixCause {
    /// The review did not pass.
    Review {
        /// The round that judged.
        round: u32,
    },
    /// A person asked for changes.
    Person {
        /// Their words.
        note: Option<Digest>,
    },
    /// The branch moved and now contradicts the change, or fails its gates with it.
    Branch {
        /// The round that found it.
        round: u32,
    },
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// What is asked.
    pub subject: ApprovalSubject,
    /// Why a person is asked.
    pub reason: String,
}

/// The exact thing that is approved; a decision about anything else does not count.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ApprovalSubject {
    /// Begin work on this plan.
    Plan {
        /// The plan's content.
        digest: Digest,
    },
    /// Open and merge this commit.
    Change {
        /// The head commit.
        head: String,
    },
    /// Merge this commit although the reviewers did not pass it.
    DisputedReview {
        /// The head commit.
        head: String,
    },
    /// Deploy this commit.
    Deploy {
        /// The merge commit.
        commit: String,
    },
    /// Carry out this tool call.
    Call {
        /// The call.
        step: Step,
        /// Tool and arguments.
        digest: Digest,
    },
    /// Answer a question of an agent; `steer` answers it.
    Question {
        /// The step that asked.
        step: Step,
        /// The question.
        text: String,
    },
    /// Remove an obstacle, then try the step again.
    Obstacle {
        /// The step that failed.
        step: Step,
        /// Which try.
        attempt: u32,
    },
}

impl ApprovalSubject {
    /// The name under which a run knows the question; equal subjects are one question.
    pub fn name(&self) -> String {
        match self {
            Self::Plan { digest } => format!("plan/{}", short(&digest.hex())),
            Self::Change { head } => format!("change/{}", short(head)),
            Self::DisputedReview { head } => format!("review/{}", short(head)),
            Self::Deploy { commit } => format!("deploy/{}", short(commit)),
            Self::Call { step, .. } => format!("call/{step}"),
            Self::Question { step, .. } => format!("question/{step}"),
            Self::Obstacle { step, attempt } => format!("obstacle/{step}/{attempt}"),
        }
    }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// A decision about what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Go on.
    Approved,
    /// Not like this: the note says what to change.
    ChangesRequested,
    /// Stop.
    Rejected,
}
