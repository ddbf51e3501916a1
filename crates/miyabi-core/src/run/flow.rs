//! The course of a run, told as one straight story over the facts that are known.
//!
//! Each call walks the story from its beginning. Where a fact is missing, the command that brings it is noted and the
//! story pauses; where all are known, it goes on. So there is no phase to keep, and none to get wrong after a crash.

mod deploy;
mod generate;
mod plan;
mod pull_request;
mod review;

use super::decide::Command;
use super::event::{ApprovalRequest, ApprovalSubject, Decision, EventBody};
use super::session::Session;
use super::spec::{Autonomy, Template};
use super::state::{Decided, RunState};
use super::step::{SessionKey, Stage, Step};
use super::value::{Judgement, StepValue};
use crate::digest::Digest;
use crate::error::{ErrorCode, Failure, FailureClass};
use crate::policy::ToolVerdict;
use crate::stop::{Stop, StopKind};

/// Why the story does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Something is being done, or a person is asked.
    Pending,
    /// The run ends here.
    Stop(Stop),
}

/// Shares of the context window, in percent, at which old tool output is left out and a summary is made.
const MASK_PERCENT: u64 = 50;
const COMPACT_PERCENT: u64 = 75;

/// One walk through the story.
pub(crate) struct Flow<'a> {
    state: &'a RunState,
    commands: Vec<Command>,
}

impl<'a> Flow<'a> {
    pub(crate) fn new(state: &'a RunState) -> Self {
        Self { state, commands: Vec::new() }
    }

    pub(crate) fn into_commands(self) -> Vec<Command> {
        self.commands
    }

    /// The story.
    pub(crate) fn run(&mut self) -> Result<(), Pause> {
        let (triage, plan) = self.plan()?;
        if self.state.spec.autonomy == Autonomy::Plan {
            return Ok(());
        }
        let head = self.generate(&plan)?;
        if self.state.spec.template == Template::Exec {
            return self.finish_exec();
        }
        self.no_change(&triage, &head)?;
        self.review(&triage, &head)?;
        let merged = self.pull_request(&head)?;
        if self.state.spec.autonomy == Autonomy::Pr {
            return Ok(());
        }
        self.deploy(&merged)
    }

    /// Notes that a stage begins; those that fixes go through again, once per round.
    fn enter(&mut self, stage: Stage) -> Result<(), Pause> {
        let round = match stage {
            Stage::Generate | Stage::Review | Stage::PullRequest => self.round(),
            Stage::Issue | Stage::Coordinate | Stage::Deploy => 0,
        };
        if self.state.stages.iter().any(|mark| mark.stage == stage && mark.round == round) {
            return Ok(());
        }
        self.record(EventBody::StageEntered { stage, round })
    }

    /// Fixes that were added to the plan so far.
    fn round(&self) -> u32 {
        u32::try_from(self.state.added.len()).unwrap_or(u32::MAX)
    }

    /// Writes an event; the story goes on from the changed state.
    fn record<T>(&mut self, event: EventBody) -> Result<T, Pause> {
        self.commands.push(Command::Record(event));
        Err(Pause::Pending)
    }

    /// The value of a step, which is performed if it was not. A failure ends the run.
    fn step(&mut self, step: Step) -> Result<&'a StepValue, Pause> {
        match self.try_step(step)? {
            Ok(value) => Ok(value),
            Err(failure) => Err(Pause::Stop(Stop::new(stop_kind(failure.code), failure.message.clone()))),
        }
    }

    /// The value of a step, or its failure for good.
    fn try_step(&mut self, step: Step) -> Result<Result<&'a StepValue, &'a Failure>, Pause> {
        let state = self.state;
        if let Some(ended) = state.ended.get(&step) {
            return match &ended.result {
                Err(failure) if failure.class == FailureClass::NeedsPerson => {
                    let subject = ApprovalSubject::Obstacle { step, attempt: ended.attempt };
                    self.approval(subject, failure.message.clone())?;
                    Err(Pause::Pending)
                }
                Err(failure) => Ok(Err(failure)),
                Ok(value) => Ok(Ok(value)),
            };
        }
        let open = state.open.get(&step);
        let (attempt, not_before) = match open {
            Some(open) => match open.retry_at {
                Some(at) => (open.attempt + 1, Some(at)),
                None => return Err(Pause::Pending),
            },
            None => (1, None),
        };
        self.commands.push(Command::Start { step, attempt, not_before });
        Err(Pause::Pending)
    }

    /// The decision about a subject, which is asked for if it was not. A rejection ends the run.
    fn approval(&mut self, subject: ApprovalSubject, reason: String) -> Result<&'a Decided, Pause> {
        let name = subject.name();
        match self.state.approvals.get(&name).map(|approval| &approval.decided) {
            Some(Some(decided)) if decided.decision == Decision::Rejected => {
                Err(Pause::Stop(Stop::new(StopKind::Cancelled, format!("rejected by {}", decided.by.name))))
            }
            Some(Some(decided)) => Ok(decided),
            Some(None) => Err(Pause::Pending),
            None if !self.state.spec.attended => Err(Pause::Stop(Stop::new(StopKind::NeedsPerson, reason))),
            None => {
                let request = ApprovalRequest { subject, reason };
                self.record(EventBody::ApprovalRequested { approval: name, request })
            }
        }
    }

    /// The end of a conversation: what the role made of the model's last answer.
    fn session(&mut self, key: &SessionKey) -> Result<&'a Judgement, Pause> {
        let state = self.state;
        match state.sessions.get(key).and_then(|session| session.accepted.as_ref()) {
            Some(judgement) => Ok(judgement),
            None => self.converse(key),
        }
    }

    /// The next move of a conversation that has not ended.
    fn converse<T>(&mut self, key: &SessionKey) -> Result<T, Pause> {
        let state = self.state;
        let Some(session) = state.sessions.get(key) else {
            self.step(Step::Ask { session: key.clone(), turn: 0 })?;
            return Err(Pause::Pending);
        };
        if session.is_stuck {
            let cause = format!("`{key}` made the same call again and again, with the same result");
            return Err(Pause::Stop(Stop::new(StopKind::Stuck, cause)));
        }
        if session.corrections > state.spec.limits.corrections {
            let cause = format!("`{key}`: {} answers in a row could not be used", session.corrections);
            return Err(Pause::Stop(Stop::new(StopKind::ProviderFailed, cause)));
        }
        if !session.calls.is_empty() {
            return self.calls(key, session);
        }
        if session.turn >= state.spec.budget.turns {
            let cause = format!("`{key}` used all its {} turns; the work so far is kept", session.turn);
            return Err(Pause::Stop(Stop::new(StopKind::TurnLimit, cause)));
        }
        self.make_room(key, session)?;
        self.step(Step::Ask { session: key.clone(), turn: session.turn })?;
        Err(Pause::Pending)
    }

    /// Keeps a conversation within its model's context.
    fn make_room(&mut self, key: &SessionKey, session: &Session) -> Result<(), Pause> {
        let Some(model) = self.state.spec.models.get(key.role()) else {
            return Ok(());
        };
        let room = model.context_tokens.saturating_sub(u64::from(model.max_output_tokens)).max(1);
        let percent = session.tokens().saturating_mul(100) / room;
        let tail = session.tail_start();
        if percent >= MASK_PERCENT && session.masked_before < tail {
            let before = u32::try_from(tail).unwrap_or(u32::MAX);
            return self.record(EventBody::OutputMasked { session: key.clone(), before });
        }
        // A summary of nothing but what is kept anyway would gain nothing, and be made for ever.
        if percent >= COMPACT_PERCENT && tail > 1 {
            self.step(Step::Compact { session: key.clone(), count: session.compactions })?;
        }
        Ok(())
    }

    /// The tool calls that may be carried out now.
    fn calls<T>(&mut self, key: &SessionKey, session: &Session) -> Result<T, Pause> {
        let turn = session.turn.saturating_sub(1);
        for index in session.ready_calls() {
            let step = Step::Call { session: key.clone(), turn, index };
            let call = &session.calls[index as usize].call;
            match self.state.spec.policy.tool_verdict(&call.tool) {
                ToolVerdict::Allow => {}
                ToolVerdict::Deny => {
                    let reason = format!("the policy of this run does not allow `{}`", call.tool);
                    return self.record(EventBody::CallRefused { step, reason });
                }
                ToolVerdict::Ask => {
                    let digest = Digest::of_json(&(&call.tool, &call.arguments));
                    let subject = ApprovalSubject::Call { step: step.clone(), digest };
                    let reason = format!("the policy asks for each call of `{}`", call.tool);
                    let decided = self.approval(subject, reason)?;
                    if decided.decision != Decision::Approved {
                        let reason = format!("{} did not allow this call", decided.by.name);
                        return self.record(EventBody::CallRefused { step, reason });
                    }
                }
            }
            match self.try_step(step.clone()) {
                Ok(Err(failure)) => {
                    let reason = failure.message.clone();
                    return self.record(EventBody::CallRefused { step, reason });
                }
                Err(Pause::Stop(stop)) => return Err(Pause::Stop(stop)),
                Ok(Ok(_)) | Err(Pause::Pending) => {}
            }
        }
        if let Some((index, text)) = session.open_question() {
            let step = Step::Call { session: key.clone(), turn, index };
            let subject = ApprovalSubject::Question { step, text: text.to_owned() };
            self.approval(subject, text.to_owned())?;
        }
        Err(Pause::Pending)
    }
}

/// How a run ends when a step fails for good.
fn stop_kind(code: ErrorCode) -> StopKind {
    match code {
        ErrorCode::ModelUnknown
        | ErrorCode::ModelAuthentication
        | ErrorCode::ModelRateLimited
        | ErrorCode::ModelUnavailable
        | ErrorCode::ModelRejected
        | ErrorCode::ModelContextOverflow
        | ErrorCode::ModelUnusable => StopKind::ProviderFailed,
        ErrorCode::SandboxUnavailable | ErrorCode::SandboxSetup => StopKind::SandboxFailed,
        ErrorCode::GateFailed | ErrorCode::ImportRefused => StopKind::GateFailed,
        ErrorCode::Cancelled => StopKind::Cancelled,
        _ => StopKind::Failed,
    }
}
