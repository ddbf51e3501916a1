//! What runs ask people.

use miyabi_core::digest::Digest;
use miyabi_core::run::event::{ApprovalSubject, Decision};
use miyabi_core::run::state;
use miyabi_core::usecase::approve::version_of;
use serde::{Deserialize, Serialize};

use super::Time;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalKind {
    /// Begin work on a plan.
    Plan,
    /// Open and merge a change.
    Change,
    /// Merge a change although the reviewers did not pass it.
    DisputedReview,
    /// Deploy a commit.
    Deploy,
    /// Carry out a tool call.
    Call,
    /// Answer a question of an agent.
    Question,
    /// Remove an obstacle, then go on.
    Obstacle,
}

/// A question of a run to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its name within the run.
    pub name: String,
    /// What is asked.
    pub kind: ApprovalKind,
    /// Why a person is asked.
    pub reason: String,
    /// What the decision is about: a commit or a plan's hash. Goes back as `head`.
    pub version: Option<String>,
    /// The question, if it is one.
    pub question: Option<String>,
    /// The step it is about.
    pub step: Option<String>,
    /// When it was asked.
    pub requested_at: Time,
    /// The answer, once given.
    pub decision: Option<ApprovalDecision>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalDecision {
    /// The decision.
    pub decision: Decision,
    /// Who decided.
    pub by: String,
    /// Their words, as an artifact.
    pub note: Option<Digest>,
    /// When.
    pub at: Time,
}

impl Approval {
    pub(crate) fn new(name: &str, approval: &state::Approval) -> Self {
        let subject = &approval.request.subject;
        let (kind, question, step) = match subject {
            ApprovalSubject::Plan { .. } => (ApprovalKind::Plan, None, None),
            ApprovalSubject::Change { .. } => (ApprovalKind::Change, None, None),
            ApprovalSubject::DisputedReview { .. } => (ApprovalKind::DisputedReview, None, None),
            ApprovalSubject::Deploy { .. } => (ApprovalKind::Deploy, None, None),
            ApprovalSubject::Call { step, .. } => (ApprovalKind::Call, None, Some(step)),
            ApprovalSubject::Question { step, text } => {
                (ApprovalKind::Question, Some(text.clone()), Some(step))
            }
            ApprovalSubject::Obstacle { step, .. } => (ApprovalKind::Obstacle, None, Some(step)),
        };
        Self {
            name: name.to_owned(),
            kind,
            reason: approval.request.reason.clone(),
            version: version_of(subject),
            question,
            step: step.map(ToString::to_string),
            requested_at: approval.requested_at.into(),
            decision: approval.decided.as_ref().map(ApprovalDecision::new),
        }
    }
}

impl ApprovalDecision {
    fn new(decided: &state::Decided) -> Self {
        Self {
            decision: decided.decision,
            by: decided.by.name.clone(),
            note: decided.note,
            at: decided.at.into(),
        }
    }
}
