//! How a run stands and how it ended.

use serde::{Deserialize, Serialize};

/// The state of a run: the same six words in API, command line, dashboard and notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted, waits for a worker.
    Queued,
    /// An agent works.
    Running,
    /// Needs a person.
    Waiting,
    /// All stages are done.
    Succeeded,
    /// Ended with a cause and a next step.
    Failed,
    /// Stopped by a person or a policy.
    Cancelled,
}

impl Status {
    /// All words, in the order in which a run passes them.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Waiting, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// Whether the run is over.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// All that was asked for is done.
    Done,
    /// The gates and the acceptance proofs hold at the base commit already.
    NoChangeNeeded,
    /// A decision is needed and nobody is there to make it (`exec`).
    NeedsPerson,
    /// The agent repeated itself after it was told.
    Stuck,
    /// No model answered usefully.
    ProviderFailed,
    /// The sandbox could not be had.
    SandboxFailed,
    /// A gate stayed red.
    GateFailed,
    /// The release was taken back.
    RolledBack,
    /// A session used all its turns.
    TurnLimit,
    /// The token cap is used up.
    TokenLimit,
    /// The time cap is used up.
    TimeLimit,
    /// The money cap is used up.
    BudgetExhausted,
    /// Somebody stopped it.
    Cancelled,
    /// Something else failed; the cause says what.
    Failed,
}

impl StopKind {
    /// The state that a run with this end has.
    pub fn status(self) -> Status {
        match self {
            Self::Done | Self::NoChangeNeeded => Status::Succeeded,
            Self::Cancelled => Status::Cancelled,
            _ => Status::Failed,
        }
    }

    /// The exit code of a command that followed the run to this end.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done | Self::NoChangeNeeded => 0,
            Self::NeedsPerson => 3,
            Self::TurnLimit | Self::TokenLimit | Self::TimeLimit | Self::BudgetExhausted => 8,
            Self::Stuck
            | Self::ProviderFailed
            | Self::SandboxFailed
            | Self::GateFailed
            | Self::RolledBack
            | Self::Cancelled
            | Self::Failed => 1,
        }
    }

    /// The name in journals and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NoChangeNeeded => "no_change_needed",
            Self::NeedsPerson => "needs_person",
            Self::Stuck => "stuck",
            Self::ProviderFailed => "provider_failed",
            Self::SandboxFailed => "sandbox_failed",
            Self::GateFailed => "gate_failed",
            Self::RolledBack => "rolled_back",
            Self::TurnLimit => "turn_limit",
            Self::TokenLimit => "token_limit",
            Self::TimeLimit => "time_limit",
            Self::BudgetExhausted => "budget_exhausted",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// The end of a run: its kind and the words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Why it ended.
    pub kind: StopKind,
    /// What happened, in one line.
    pub cause: String,
}

impl Stop {
    /// A stop with its cause.
    pub fn new(kind: StopKind, cause: impl Into<String>) -> Self {
        Self { kind, cause: cause.into() }
    }
}
