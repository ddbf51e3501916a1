//! Drives one run: decide, write the intent, perform, write the result, decide again.

use std::collections::BTreeMap;
use std::sync::Arc;

use miyabi_core::budget::{Admission, Reserve};
use miyabi_core::error::{Failure, FailureClass};
use miyabi_core::id::{RunId, TenantId};
use miyabi_core::port::clock::Clock;
use miyabi_core::port::journal::Error as JournalError;
use miyabi_core::run::decide::{Command, admit, decide};
use miyabi_core::run::{Effect, EventBody, RunState, Step, StepValue};
use miyabi_core::time::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::pen::Pen;
use super::queue::Place;
use crate::perform::Attempt;

/// The first and the longest pause before a step is tried again, in milliseconds.
const RETRY_BASE_MS: u64 = 1_000;
const RETRY_CAP_MS: u64 = 60_000;

/// Drives one run until it ends, waits for a person, or the process stops.
pub(super) struct Driver {
    shared: Arc<Shared>,
    tenant: TenantId,
    run: RunId,
    wake: Arc<Notify>,
}

/// A step that is being performed here.
struct Running {
    attempt: u32,
    cancel: CancellationToken,
}

struct Finished {
    step: Step,
    attempt: u32,
    result: Result<StepValue, Failure>,
}

/// A run while it is being driven.
struct Drive {
    shared: Arc<Shared>,
    pen: Pen,
    running: BTreeMap<Step, Running>,
    tasks: JoinSet<Finished>,
    place: Option<Place>,
    wake: Arc<Notify>,
    cancel: CancellationToken,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, tenant: TenantId, run: RunId, wake: Arc<Notify>) -> Self {
        Self { shared, tenant, run, wake }
    }

    pub(super) async fn drive(self, cancel: CancellationToken) {
        let run = self.run;
        match self.try_drive(cancel).await {
            Ok(()) => {}
            Err(JournalError::Fenced) => tracing::info!(run.id = %run, "another process drives the run now"),
            Err(error) => tracing::error!(run.id = %run, %error, "the run can't be driven on"),
        }
    }

    async fn try_drive(self, cancel: CancellationToken) -> Result<(), JournalError> {
        let journal = Arc::clone(&self.shared.journal);
        let clock = self.shared.performer.clock();
        let pen = Pen::load(journal, clock, self.tenant, self.run).await?;
        let mut drive = Drive {
            shared: self.shared,
            pen,
            running: BTreeMap::new(),
            tasks: JoinSet::new(),
            place: None,
            wake: Arc::clone(&self.wake),
            cancel: cancel.clone(),
        };
        drive.recover().await?;
        loop {
            drive.advance().await?;
            if drive.pen.state.stop.is_some() {
                drive.shared.performer.ended(&drive.pen.state).await;
                return Ok(());
            }
            let wake_at = drive.next_wake();
            let clock = drive.shared.performer.clock();
            // A run that only waits for a person needs no driver: the journal holds all there is.
            if drive.tasks.is_empty() && wake_at.is_none() {
                return Ok(());
            }
            tokio::select! {
                () = cancel.cancelled() => break,
                () = self.wake.notified() => drive.pen.refresh().await?,
                () = sleep_until(clock.as_ref(), wake_at) => {}
                Some(finished) = drive.tasks.join_next() => match finished {
                    Ok(finished) => drive.finish(finished).await?,
                    Err(error) => {
                        tracing::error!(run.id = %self.run, %error, "a step ended without a result");
                        drive.recover_lost().await?;
                    }
                },
            }
        }
        // The process stops: end what runs here. The journal says it was open; the next start deals with that.
        for running in drive.running.values() {
            running.cancel.cancel();
        }
        drive.tasks.join_all().await;
        Ok(())
    }
}

async fn sleep_until(clock: &dyn Clock, at: Option<Timestamp>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl Drive {
    /// Steps that a process that is gone had begun.
    async fn recover(&mut self) -> Result<(), JournalError> {
        let open = self.pen.state.open.iter().filter(|(_, open)| open.retry_at.is_none());
        let lost: Vec<_> = open
            .map(|(step, open)| EventBody::StepLost { step: step.clone(), attempt: open.attempt })
            .collect();
        let mut events = lost;
        if !self.pen.state.is_started && self.pen.state.stop.is_none() {
            events.push(EventBody::RunStarted);
        }
        if !events.is_empty() {
            tracing::info!(run.id = %self.pen.state.run_id, lost = events.len(), "the run is taken up");
            self.pen.insist(events, &self.cancel).await?;
        }
        Ok(())
    }

    /// Steps whose task broke off here.
    async fn recover_lost(&mut self) -> Result<(), JournalError> {
        if !self.tasks.is_empty() {
            return Ok(());
        }
        let lost: Vec<_> = std::mem::take(&mut self.running)
            .into_iter()
            .map(|(step, running)| EventBody::StepLost { step, attempt: running.attempt })
            .collect();
        self.pen.insist(lost, &self.cancel).await
    }

    /// Carries out what the state calls for until nothing is left but to wait.
    async fn advance(&mut self) -> Result<(), JournalError> {
        if self.is_overdue() {
            self.pen.insist(vec![EventBody::DeadlinePassed], &self.cancel).await?;
        }
        loop {
            let commands = decide(&self.pen.state);
            let mut wants_place = false;
            let mut changed = false;
            let mut starts = Vec::new();
            for command in commands {
                match command {
                    Command::Record(body) => {
                        self.pen.write(vec![body], &self.cancel).await?;
                        changed = true;
                        break;
                    }
                    Command::CancelOpen => self.cancel_open().await?,
                    Command::Start { step, attempt, not_before } => {
                        wants_place |= in_merge_queue(&step);
                        let is_due = not_before.is_none_or(|at| at <= self.shared.performer.clock().now());
                        if is_due && !self.running.contains_key(&step) {
                            starts.push((step, attempt));
                        }
                    }
                }
            }
            if changed {
                continue;
            }
            wants_place |= self.running.keys().any(in_merge_queue);
            if !wants_place {
                self.place = None;
            }
            if starts.is_empty() || !self.start_all(starts).await? {
                return Ok(());
            }
        }
    }

    /// Writes the intents and begins. Whether the state changed, so that there may be more to do.
    async fn start_all(&mut self, starts: Vec<(Step, u32)>) -> Result<bool, JournalError> {
        let mut intents = Vec::new();
        let mut prepared = Vec::new();
        for (step, attempt) in starts {
            if in_merge_queue(&step) && self.place.is_none() {
                self.place = self.enter_queue().await?;
                if self.place.is_none() {
                    // Somebody wants something of the run, or the process stops.
                    return Ok(!self.cancel.is_cancelled());
                }
            }
            let reserve = match self.reserve(&step).await {
                Ok(reserve) => reserve,
                Err(failure) => {
                    let effect = Effect::Pure;
                    intents.push(EventBody::StepStarted {
                        step: step.clone(),
                        attempt,
                        effect,
                        reserve: None,
                    });
                    intents.push(self.failed(step, attempt, failure));
                    continue;
                }
            };
            if let Some(reserve) = &reserve {
                match admit(&self.pen.state, reserve) {
                    Admission::Admitted => {}
                    // Asked again when a call has settled.
                    Admission::Deferred => continue,
                    Admission::Exhausted(cap) => {
                        intents.push(EventBody::BudgetExceeded { cap });
                        break;
                    }
                }
            }
            let effect = effect_of(&self.pen.state, &step);
            intents.push(EventBody::StepStarted { step: step.clone(), attempt, effect, reserve });
            prepared.push((step, attempt));
            // The next admission must see this reservation, so a model call is written before the next is looked at.
            if reserve.is_some() {
                break;
            }
        }
        if intents.is_empty() {
            return Ok(false);
        }
        if self.pen.write(intents, &self.cancel).await? {
            for (step, attempt) in prepared {
                self.begin(step, attempt);
            }
        }
        Ok(true)
    }

    async fn enter_queue(&mut self) -> Result<Option<Place>, JournalError> {
        let (project, branch) = (self.pen.state.spec.project, self.pen.state.spec.branch.clone());
        tokio::select! {
            () = self.cancel.cancelled() => Ok(None),
            () = self.wake.notified() => {
                self.pen.refresh().await?;
                Ok(None)
            }
            place = self.shared.merge_queue.enter(project, &branch) => Ok(place),
        }
    }

    /// What a model call may cost at worst; `None` for steps that ask no model.
    async fn reserve(&self, step: &Step) -> Result<Option<Reserve>, Failure> {
        if !step.asks_model() {
            return Ok(None);
        }
        self.shared.performer.reserve(&self.pen.state, step).await.map(Some)
    }

    fn begin(&mut self, step: Step, attempt: u32) {
        let cancel = self.cancel.child_token();
        let is_repeat = self.pen.state.open.get(&step).is_some_and(|open| open.may_have_happened);
        let state = Arc::new(self.pen.state.clone());
        let performer = Arc::clone(&self.shared.performer);
        self.running.insert(step.clone(), Running { attempt, cancel: cancel.clone() });
        self.tasks.spawn(async move {
            let result =
                performer.perform(&state, &step, &Attempt { number: attempt, is_repeat, cancel }).await;
            Finished { step, attempt, result }
        });
    }

    async fn finish(&mut self, finished: Finished) -> Result<(), JournalError> {
        let Finished { step, attempt, result } = finished;
        self.running.remove(&step);
        let body = match result {
            Ok(value) => EventBody::StepFinished { step, attempt, value: Box::new(value) },
            // Ended because the process stops: it stays open in the journal and is taken up again.
            Err(failure) if failure.class == FailureClass::Cancelled && self.cancel.is_cancelled() => {
                return Ok(());
            }
            Err(failure) => self.failed(step, attempt, failure),
        };
        self.pen.insist(vec![body], &self.cancel).await
    }

    /// The event of a failed try, with the time of the next one if there is one. The jitter is drawn here, once.
    fn failed(&self, step: Step, attempt: u32, failure: Failure) -> EventBody {
        let performer = &self.shared.performer;
        let may_retry = failure.class == FailureClass::Retry && attempt < self.pen.state.spec.limits.attempts;
        let retry_at = may_retry.then(|| {
            let base = RETRY_BASE_MS.saturating_mul(1 << attempt.min(16)).min(RETRY_CAP_MS);
            let jitter = u64::try_from(performer.draw() % u128::from(base / 2)).unwrap_or(0);
            performer.clock().now().plus_millis(base / 2 + jitter)
        });
        tracing::debug!(run.id = %self.pen.state.run_id, %step, attempt, error.code = %failure.code, "a step failed");
        EventBody::StepFailed { step, attempt, failure, retry_at }
    }

    async fn cancel_open(&mut self) -> Result<(), JournalError> {
        for running in self.running.values() {
            running.cancel.cancel();
        }
        // Open in the journal, but not here: nobody will end it.
        let strays: Vec<_> = self
            .pen
            .state
            .open
            .iter()
            .filter(|(step, open)| open.retry_at.is_none() && !self.running.contains_key(*step))
            .map(|(step, open)| EventBody::StepLost { step: step.clone(), attempt: open.attempt })
            .collect();
        if strays.is_empty() { Ok(()) } else { self.pen.insist(strays, &self.cancel).await }
    }

    fn is_overdue(&self) -> bool {
        let state = &self.pen.state;
        let works = state.stop.is_none() && !state.is_overdue && !self.tasks.is_empty();
        works && deadline(state) <= self.shared.performer.clock().now()
    }

    /// When something is due although nothing happens: a retry, or the end of the run's time.
    fn next_wake(&self) -> Option<Timestamp> {
        let state = &self.pen.state;
        let retry = state.open.values().filter_map(|open| open.retry_at).min();
        let deadline = (!self.tasks.is_empty() && !state.is_overdue).then(|| deadline(state));
        retry.into_iter().chain(deadline).min()
    }
}

/// When the run has worked for as long as it may.
fn deadline(state: &RunState) -> Timestamp {
    state.updated_at.plus_millis(state.spec.budget.wall_ms.saturating_sub(state.active_ms))
}

/// What may be done about a step after a crash; of a tool call the tool said it.
fn effect_of(state: &RunState, step: &Step) -> Effect {
    match step {
        Step::Call { session, index, .. } => state
            .sessions
            .get(session)
            .and_then(|session| session.calls.get(*index as usize))
            .map_or(Effect::Ask, |open| open.call.effect),
        _ => step.effect(),
    }
}

fn in_merge_queue(step: &Step) -> bool {
    use miyabi_core::run::step::GateTarget;
    matches!(
        step,
        Step::MergeCandidate { .. } | Step::Merge { .. } | Step::Gates { target: GateTarget::Merge { .. } }
    )
}
