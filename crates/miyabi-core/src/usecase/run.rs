//! See runs: the list, one of them in full, and the one that a short name means.

use super::{Act, Caller, Error, Page, Runs, may, page_size, record};
use crate::id::{ProjectId, RunId};
use crate::money::UsdMicros;
use crate::port::journal::{RunFilter, RunRow, StoredEvent};
use crate::port::model::{ModelName, Usage};
use crate::run::value::Spent;
use crate::run::{Effect, EventBody, RunState, Step, StepValue};
use crate::stop::Status;
use crate::time::Timestamp;

/// Runs that are looked through for a short name, newest first. Beyond them a run must be named in full.
const SEARCHED: usize = 10_000;

/// Which runs are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListRuns {
    /// Only those of a project.
    pub project: Option<ProjectId>,
    /// Only those in one of these states; empty for all.
    pub statuses: Vec<Status>,
    /// Only those made after this time.
    pub since: Option<Timestamp>,
    /// Only those older than this run.
    pub before: Option<RunId>,
    /// At most so many.
    pub limit: u32,
}

/// A run in full: what its journal adds up to, and its steps in the order in which they began.
#[derive(Debug, Clone, PartialEq)]
pub struct RunDetail {
    /// The state.
    pub state: RunState,
    /// Tries of steps, oldest first.
    pub steps: Vec<StepRecord>,
    /// The place of the last event among all runs' events: where a stream goes on from this view without a gap.
    pub global_seq: u64,
}

/// One try of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    /// The step.
    pub step: Step,
    /// Which try, counted from 1.
    pub attempt: u32,
    /// What may be done about it after a crash.
    pub effect: Effect,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it stands.
    pub outcome: StepOutcome,
}

/// How a try stands.
#[derive(Debug, Clone, PartialEq)]
pub enum StepOutcome {
    /// It is being performed.
    Running,
    /// It was performed.
    Finished(Box<StepValue>),
    /// It failed.
    Failed {
        /// What happened.
        failure: crate::error::Failure,
        /// When it is tried again, if it is.
        retry_at: Option<Timestamp>,
    },
    /// The process ended while it was open.
    Lost,
    /// The run ended while it was open.
    Cancelled,
}

/// What a model used in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCost {
    /// The model.
    pub model: ModelName,
    /// Answers.
    pub answers: u32,
    /// Tokens.
    pub usage: Usage,
    /// Money.
    pub cost_usd_micros: UsdMicros,
}

impl RunDetail {
    pub(super) fn new(state: RunState, stored: &[StoredEvent]) -> Self {
        let mut steps: Vec<StepRecord> = Vec::new();
        for stored in stored {
            note(&mut steps, stored);
        }
        let global_seq = stored.last().map_or(0, |stored| stored.global_seq);
        Self { state, steps, global_seq }
    }

    /// What each model used, by its name.
    pub fn costs(&self) -> Vec<ModelCost> {
        let mut costs: Vec<ModelCost> = Vec::new();
        for spent in self.steps.iter().filter_map(StepRecord::spent) {
            let index = costs.iter().position(|cost| cost.model == spent.model);
            let index = index.unwrap_or_else(|| {
                costs.push(ModelCost {
                    model: spent.model.clone(),
                    answers: 0,
                    usage: Usage::default(),
                    cost_usd_micros: UsdMicros::ZERO,
                });
                costs.len() - 1
            });
            add(&mut costs[index], spent);
        }
        costs.sort_by(|a, b| a.model.cmp(&b.model));
        costs
    }
}

impl StepRecord {
    /// What its model call used.
    pub fn spent(&self) -> Option<&Spent> {
        match &self.outcome {
            StepOutcome::Finished(value) => match value.as_ref() {
                StepValue::Turn(turn) => Some(&turn.spent),
                StepValue::Compacted { spent, .. } => Some(spent),
                _ => None,
            },
            _ => None,
        }
    }
}

fn add(cost: &mut ModelCost, spent: &Spent) {
    let (sum, usage) = (&mut cost.usage, &spent.usage);
    cost.answers += 1;
    sum.input_tokens = sum.input_tokens.saturating_add(usage.input_tokens);
    sum.cached_input_tokens = sum.cached_input_tokens.saturating_add(usage.cached_input_tokens);
    sum.output_tokens = sum.output_tokens.saturating_add(usage.output_tokens);
    sum.reasoning_tokens = sum.reasoning_tokens.saturating_add(usage.reasoning_tokens);
    sum.estimated |= usage.estimated;
    cost.cost_usd_micros += spent.cost_usd_micros;
}

fn note(steps: &mut Vec<StepRecord>, stored: &StoredEvent) {
    let at = stored.event.at;
    let mut end = |step: &Step, attempt: u32, outcome: StepOutcome| {
        let mut tries = steps.iter_mut().rev();
        if let Some(record) = tries.find(|record| record.step == *step && record.attempt == attempt) {
            record.outcome = outcome;
            record.ended_at = Some(at);
        }
    };
    match &stored.event.body {
        EventBody::StepStarted { step, attempt, effect, .. } => steps.push(StepRecord {
            step: step.clone(),
            attempt: *attempt,
            effect: *effect,
            started_at: at,
            ended_at: None,
            outcome: StepOutcome::Running,
        }),
        EventBody::StepFinished { step, attempt, value } => {
            end(step, *attempt, StepOutcome::Finished(value.clone()));
        }
        EventBody::StepFailed { step, attempt, failure, retry_at } => {
            end(step, *attempt, StepOutcome::Failed { failure: failure.clone(), retry_at: *retry_at });
        }
        EventBody::StepLost { step, attempt } => end(step, *attempt, StepOutcome::Lost),
        EventBody::RunEnded { .. } => {
            for record in steps.iter_mut().filter(|record| record.outcome == StepOutcome::Running) {
                record.outcome = StepOutcome::Cancelled;
                record.ended_at = Some(at);
            }
        }
        _ => {}
    }
}

/// A run in full.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_run(runs: &Runs, caller: &Caller, run: RunId) -> Result<RunDetail, Error> {
    may(caller, Act::ReadRuns)?;
    let (stored, state) = record::load(runs, caller, run).await?;
    Ok(RunDetail::new(state, &stored))
}

/// Runs, newest first.
///
/// # Errors
/// Only those of the store.
pub async fn list_runs(
    runs: &Runs,
    caller: &Caller,
    wanted: &ListRuns,
) -> Result<Page<RunRow, RunId>, Error> {
    may(caller, Act::ReadRuns)?;
    let limit = page_size(wanted.limit);
    let filter = RunFilter {
        project: wanted.project,
        statuses: wanted.statuses.clone(),
        since: wanted.since,
        before: wanted.before,
        limit: limit + 1,
    };
    let rows = runs.journal.list(caller.tenant, &filter).await?;
    Ok(Page::cut(rows, limit, |row| row.run_id))
}

/// The run that a name means: an id, or the last characters of one, with or without its prefix.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Ambiguous`] when the characters fit several runs.
pub async fn find_run(runs: &Runs, caller: &Caller, name: &str) -> Result<RunId, Error> {
    may(caller, Act::ReadRuns)?;
    if let Ok(run) = name.parse() {
        let row = runs.journal.find(caller.tenant, run).await?;
        return row.map(|row| row.run_id).ok_or_else(|| Error::not_found("run", name));
    }
    let ending = name.strip_prefix("run_").unwrap_or(name).to_ascii_lowercase();
    if ending.is_empty() || !ending.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Error::not_found("run", name));
    }
    let mut filter = RunFilter { limit: MAX_SCAN_PAGE, ..RunFilter::default() };
    let (mut fitting, mut searched) = (Vec::new(), 0);
    loop {
        let rows = runs.journal.list(caller.tenant, &filter).await?;
        let ids = rows.iter().map(|row| row.run_id);
        fitting.extend(ids.filter(|id| id.to_string().ends_with(&ending)));
        searched += rows.len();
        filter.before = rows.last().map(|row| row.run_id);
        if rows.len() < MAX_SCAN_PAGE as usize || searched >= SEARCHED {
            break;
        }
    }
    match fitting.as_slice() {
        [] => Err(Error::not_found("run", name)),
        [run] => Ok(*run),
        several => Err(Error::Ambiguous {
            kind: "run",
            name: name.to_owned(),
            candidates: several.iter().take(5).map(ToString::to_string).collect(),
        }),
    }
}

/// Rows read at once when looking for a short name.
const MAX_SCAN_PAGE: u32 = 500;
