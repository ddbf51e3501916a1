//! Folds one event into the state. Total: an event that does not fit the state, or comes twice, changes nothing.

use super::event::{ApprovalSubject, Decision, Event, EventBody};
use super::session::{CallResult, Entry, OUTCOME_UNKNOWN};
use super::spec::Engine;
use super::state::{Approval, Decided, EndedStep, Integrated, OpenStep, RunState, StageMark};
use super::step::{Effect, GateTarget, SessionKey, Step};
use super::value::{Candidate, Spent, StepValue};
use crate::budget::Reserve;
use crate::error::{Failure, FailureClass};
use crate::gate::Verdict;
use crate::id::RunId;
use crate::plan::TaskKey;
use crate::stop::Status;
use crate::time::Timestamp;

/// Begins a state with a journal's first event; `None` if that is not a creation.
pub fn begin(event: &Event) -> Option<RunState> {
    match &event.body {
        EventBody::RunCreated { spec } => {
            let mut state = RunState::new(event.run_id, (**spec).clone(), event.at);
            state.seq = event.seq;
            Some(state)
        }
        _ => None,
    }
}

/// Folds a whole journal; `None` if it does not begin with a creation.
pub fn replay<'a>(run_id: RunId, events: impl IntoIterator<Item = &'a Event>) -> Option<RunState> {
    let mut events = events.into_iter().filter(|event| event.run_id == run_id);
    let mut state = begin(events.next()?)?;
    for event in events {
        apply(&mut state, event);
    }
    Some(state)
}

/// Folds the next event in. Events that are known already, and all after the end, are passed over.
pub fn apply(state: &mut RunState, event: &Event) {
    if event.seq <= state.seq || state.stop.is_some() {
        return;
    }
    if state.status() == Status::Running {
        state.active_ms += event.at.millis_since(state.updated_at);
    }
    state.seq = event.seq;
    state.updated_at = event.at;
    let at = event.at;
    match &event.body {
        EventBody::RunCreated { .. } => {}
        EventBody::RunStarted => state.is_started = true,
        EventBody::StageEntered { stage, round } => {
            state.stages.push(StageMark { stage: *stage, round: *round, at });
        }
        EventBody::StepStarted { step, attempt, effect, reserve } => {
            start(state, step, *attempt, *effect, *reserve, at);
        }
        EventBody::StepFinished { step, attempt, value } => finish(state, step, *attempt, value, at),
        EventBody::StepFailed { step, attempt, failure, retry_at } => {
            fail(state, step, *attempt, failure, *retry_at, at);
        }
        EventBody::StepLost { step, attempt } => lose(state, step, *attempt, at),
        EventBody::CallRefused { step, reason } => {
            answer_call(state, step, CallResult::Host { text: reason.clone(), is_error: true });
        }
        EventBody::OutputMasked { session, before } => {
            if let Some(session) = state.sessions.get_mut(session) {
                session.mask_before(*before);
            }
        }
        EventBody::TaskAdded { task, cause } => state.added.push((task.clone(), cause.clone())),
        EventBody::ApprovalRequested { approval, request } => {
            let asked = Approval { request: request.clone(), requested_at: at, decided: None };
            state.approvals.entry(approval.clone()).or_insert(asked);
        }
        EventBody::ApprovalDecided { approval, decision, by, note } => {
            let decided = Decided { decision: *decision, by: by.clone(), note: *note, at };
            decide_approval(state, approval, decided);
        }
        EventBody::Steered { by, text, tokens } => {
            if by.label.may_steer() {
                steer(
                    state,
                    *text,
                    *tokens,
                    &Decided { decision: Decision::Approved, by: by.clone(), note: Some(*text), at },
                );
            }
        }
        EventBody::BudgetWarned { percent } => warn(state, *percent),
        EventBody::BudgetExceeded { cap } => state.exceeded = Some(*cap),
        EventBody::DeadlinePassed => state.is_overdue = true,
        EventBody::CancelRequested { by } => {
            state.cancelled_by.get_or_insert_with(|| by.clone());
        }
        EventBody::RunEnded { stop } => {
            state.open.clear();
            state.stop = Some(stop.clone());
        }
    }
}

fn start(
    state: &mut RunState,
    step: &Step,
    attempt: u32,
    effect: Effect,
    reserve: Option<Reserve>,
    at: Timestamp,
) {
    if state.ended.contains_key(step) {
        return;
    }
    let before = state.open.get(step);
    if before.is_some_and(|open| open.retry_at.is_none() || open.attempt >= attempt) {
        return;
    }
    let may_have_happened = before.is_some_and(|open| open.may_have_happened);
    if let Some(reserve) = &reserve {
        state.ledger.reserve(reserve);
    }
    let open = OpenStep { attempt, effect, reserve, since: at, retry_at: None, may_have_happened };
    state.open.insert(step.clone(), open);
}

/// Takes a running try out of the open steps; `None` if this try does not run.
fn take_running(state: &mut RunState, step: &Step, attempt: u32) -> Option<OpenStep> {
    let runs = state.open.get(step).is_some_and(|open| open.attempt == attempt && open.retry_at.is_none());
    if runs { state.open.remove(step) } else { None }
}

fn settle(state: &mut RunState, open: &OpenStep, spent: Option<&Spent>) {
    let Some(reserve) = &open.reserve else { return };
    let actual = spent.map(|spent| Reserve {
        cost_usd_micros: spent.cost_usd_micros,
        tokens: spent.usage.input_tokens.saturating_add(spent.usage.output_tokens),
    });
    state.ledger.settle(reserve, &actual.unwrap_or_default());
}

fn finish(state: &mut RunState, step: &Step, attempt: u32, value: &StepValue, at: Timestamp) {
    let Some(open) = take_running(state, step, attempt) else {
        return;
    };
    let spent = match value {
        StepValue::Turn(turn) => Some(&turn.spent),
        StepValue::Compacted { spent, .. } => Some(spent),
        _ => None,
    };
    settle(state, &open, spent);
    let duration_ms = at.millis_since(open.since);
    state.ended.insert(step.clone(), EndedStep { attempt, duration_ms, result: Ok(value.clone()) });
    on_value(state, step, value);
}

/// What a result means beyond itself.
fn on_value(state: &mut RunState, step: &Step, value: &StepValue) {
    match (step, value) {
        (Step::Ask { session, .. }, StepValue::Turn(turn)) => {
            state.sessions.entry(session.clone()).or_default().on_turn(turn);
        }
        (Step::Call { session, index, .. }, StepValue::Called(called)) => {
            if let Some(session) = state.sessions.get_mut(session) {
                session.on_called(*index, called);
            }
        }
        (Step::Compact { session, .. }, StepValue::Compacted { summary, tokens, .. }) => {
            if let Some(session) = state.sessions.get_mut(session) {
                session.on_compacted(*summary, *tokens);
            }
        }
        (Step::Commit { task, .. }, StepValue::Committed(committed)) if committed.commit.is_none() => {
            integrate(state, task, None, None);
        }
        (Step::Gates { target }, StepValue::Gated(report)) => {
            state.proofs.extend(report.proofs.iter().copied());
            on_gates(state, target, report.verdict(), &report.commit);
        }
        (
            Step::Integrate { task, round },
            StepValue::Candidate(Candidate::Clean { commit, same_tree, .. }),
        ) if *same_tree || !state.spec.gates => {
            let gates = GateTarget::Task { task: task.clone(), round: *round };
            integrate(state, task, Some(commit.clone()), state.spec.gates.then_some(gates));
        }
        (Step::Refresh { task, .. }, StepValue::Refreshed { .. }) => {
            refuse_finish(state, task, CallResult::Refresh { step: step.clone() });
        }
        _ => {}
    }
}

fn on_gates(state: &mut RunState, target: &GateTarget, verdict: Verdict, commit: &str) {
    match target {
        GateTarget::Task { task, .. } if verdict == Verdict::Fail => {
            refuse_finish(state, task, CallResult::Gates { target: target.clone() });
        }
        // A failure here is answered after the clone has been brought up to date, see `Refresh`.
        GateTarget::Integration { task, .. } if verdict != Verdict::Fail => {
            integrate(state, task, Some(commit.to_owned()), Some(target.clone()));
        }
        _ => {}
    }
}

fn integrate(state: &mut RunState, task: &TaskKey, commit: Option<String>, gates: Option<GateTarget>) {
    if !state.is_integrated(task) {
        state.integrated.push(Integrated { task: task.clone(), commit, gates });
        if let Some(session) = state.sessions.get_mut(&SessionKey::Generate { task: task.clone() }) {
            session.is_finished = true;
        }
    }
}

fn refuse_finish(state: &mut RunState, task: &TaskKey, result: CallResult) {
    if let Some(session) = state.sessions.get_mut(&SessionKey::Generate { task: task.clone() }) {
        session.refuse_finish(result);
    }
}

fn fail(
    state: &mut RunState,
    step: &Step,
    attempt: u32,
    failure: &Failure,
    retry_at: Option<Timestamp>,
    at: Timestamp,
) {
    let Some(open) = take_running(state, step, attempt) else {
        return;
    };
    settle(state, &open, None);
    if retry_at.is_some() {
        state.open.insert(step.clone(), OpenStep { retry_at, reserve: None, ..open });
        return;
    }
    // The model that wrote the change can act on a refused commit; nobody else can.
    if let (Step::Commit { task, .. }, FailureClass::Permanent, Engine::Loop) =
        (step, failure.class, &state.spec.engine)
    {
        refuse_finish(
            state,
            &task.clone(),
            CallResult::Host { text: failure.message.clone(), is_error: true },
        );
    }
    let duration_ms = at.millis_since(open.since);
    state.ended.insert(step.clone(), EndedStep { attempt, duration_ms, result: Err(failure.clone()) });
}

fn lose(state: &mut RunState, step: &Step, attempt: u32, at: Timestamp) {
    let Some(open) = take_running(state, step, attempt) else {
        return;
    };
    // The provider may have counted the call; what nobody knows is booked at its worst case.
    if let Some(reserve) = &open.reserve {
        state.ledger.settle(reserve, reserve);
    }
    if open.effect == Effect::Ask {
        answer_call(state, step, CallResult::Host { text: OUTCOME_UNKNOWN.to_owned(), is_error: true });
        let result = Ok(StepValue::Done);
        state
            .ended
            .insert(step.clone(), EndedStep { attempt, duration_ms: at.millis_since(open.since), result });
    } else {
        let again = OpenStep { retry_at: Some(at), reserve: None, may_have_happened: true, ..open };
        state.open.insert(step.clone(), again);
    }
}

fn answer_call(state: &mut RunState, step: &Step, result: CallResult) {
    if let Step::Call { session, turn, index } = step
        && let Some(session) = state.sessions.get_mut(session)
        && session.turn == turn + 1
    {
        session.answer(*index, result);
    }
}

fn decide_approval(state: &mut RunState, name: &str, decided: Decided) {
    let Some(approval) = state.approvals.get_mut(name) else {
        return;
    };
    if approval.decided.is_some() || !decided.by.label.may_steer() {
        return;
    }
    let at = decided.at;
    let (decision, note) = (decided.decision, decided.note);
    approval.decided = Some(decided);
    match approval.request.subject.clone() {
        ApprovalSubject::Obstacle { step, attempt } if decision != Decision::Rejected => {
            let failed =
                state.ended.get(&step).is_some_and(|ended| ended.result.is_err() && ended.attempt == attempt);
            if failed {
                state.ended.remove(&step);
                let effect = step.effect();
                let again = OpenStep {
                    attempt,
                    effect,
                    reserve: None,
                    since: at,
                    retry_at: Some(at),
                    may_have_happened: false,
                };
                state.open.insert(step, again);
            }
        }
        ApprovalSubject::Question { step, .. } if decision != Decision::Rejected => {
            let result = match note {
                Some(text) => CallResult::Person { text, tokens: 0 },
                None => CallResult::Host {
                    text: "The person said: go on as you think best.".into(),
                    is_error: false,
                },
            };
            answer_question(state, &step, result);
        }
        _ => {}
    }
}

/// Answers what an agent asked: a tool call, or the triage that found the issue unclear.
fn answer_question(state: &mut RunState, step: &Step, result: CallResult) {
    match (step, result) {
        (Step::Ask { session: SessionKey::Issue, .. }, CallResult::Person { text, tokens }) => {
            if let Some(session) = state.sessions.get_mut(&SessionKey::Issue) {
                session.accepted = None;
                session.say(Entry::Guidance { text, tokens });
            }
        }
        (_, result) => answer_call(state, step, result),
    }
}

fn steer(state: &mut RunState, text: crate::digest::Digest, tokens: u64, decided: &Decided) {
    let mut answered = Vec::new();
    for approval in state.approvals.values_mut().filter(|approval| approval.decided.is_none()) {
        if let ApprovalSubject::Question { step, .. } = &approval.request.subject {
            approval.decided = Some(decided.clone());
            answered.push(step.clone());
        }
    }
    for step in &answered {
        answer_question(state, step, CallResult::Person { text, tokens });
    }
    if answered.is_empty() {
        for (key, session) in &mut state.sessions {
            if matches!(key, SessionKey::Generate { .. }) && !session.is_finished {
                session.say(Entry::Guidance { text, tokens });
            }
        }
    }
}

fn warn(state: &mut RunState, percent: u64) {
    state.is_warned = true;
    let text = format!(
        "{percent} % of this run's budget is used. Come to an end: leave out what is not needed, check, and `finish`."
    );
    for (key, session) in &mut state.sessions {
        if matches!(key, SessionKey::Generate { .. }) && !session.is_finished {
            session.say(Entry::Note { text: text.clone() });
        }
    }
}
