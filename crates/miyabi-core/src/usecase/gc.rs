//! Clean up: remove what the operator's policy says may go, and tell what it was.
//!
//! What may go is decided by `policy`, a pure function over what is there. Nothing of a run that has not ended goes,
//! and no checkout or record whose change is neither merged nor discarded on purpose.

mod policy;

use std::collections::BTreeSet;

pub use policy::{Found, FoundRun, Plan, Work, plan};

use super::run::RunDetail;
use super::{Act, Caller, Error, Services, may, record};
use crate::digest::Digest;
use crate::id::{RunId, TenantId};
use crate::port::artifacts;
use crate::port::checkouts::CheckoutId;
use crate::port::journal::RunFilter;
use crate::port::retention::Swept;
use crate::run::event::Decision;
use crate::run::spec::Template;
use crate::run::{RunState, Step, StepValue};
use crate::stop::Status;

/// Answers to requests by idempotency key are kept for so long, in milliseconds: far longer than anybody repeats one.
const ANSWERS_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// Rows read at once.
const ROWS: u32 = 500;

/// What is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectGarbage {
    /// Only tell what would go.
    pub dry_run: bool,
    /// Ended runs whose unmerged change may go too: discarded on purpose.
    pub discard: BTreeSet<RunId>,
}

/// What went, or would go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Records of ended runs.
    pub runs: Vec<RunId>,
    /// Checkouts.
    pub checkouts: Vec<CheckoutId>,
    /// Ended runs that are kept because their change is neither merged nor discarded.
    pub kept_for_their_change: Vec<RunId>,
    /// Contents; `None` on a dry run, because what refers to them is still there.
    pub artifacts: Option<Swept>,
    /// Old releases.
    pub releases: u32,
    /// Noted answers to requests.
    pub answers: u64,
}

/// Cleans up by the operator's policy.
///
/// # Errors
/// [`Error::Config`], [`Error::NotFound`] and [`Error::RunActive`] for runs to discard, and those of the ports; what
/// was removed before stays removed, and the next time goes on from there.
pub async fn collect_garbage(
    services: &Services,
    caller: &Caller,
    wanted: &CollectGarbage,
) -> Result<Collected, Error> {
    may(caller, Act::CollectGarbage)?;
    let retention = services.intake.settings.load(None).await?.config.retention;
    for run in &wanted.discard {
        let (_, state) = record::load(&services.runs, caller, *run).await?;
        if state.stop.is_none() {
            return Err(Error::RunActive { run: *run });
        }
    }
    let found = find(services, caller).await?;
    let now = services.runs.clock.now();
    let plan = plan(&found, &wanted.discard, &retention, now);
    let mut collected = Collected {
        runs: plan.runs.iter().copied().collect(),
        checkouts: plan.checkouts.clone(),
        kept_for_their_change: plan.kept_for_their_change,
        ..Collected::default()
    };
    if wanted.dry_run {
        return Ok(collected);
    }
    for checkout in &plan.checkouts {
        services.code.checkouts.remove(checkout).await?;
    }
    for run in &plan.runs {
        services.upkeep.runs.remove_run(caller.tenant, *run).await?;
    }
    let days = |days: u32| u64::from(days) * policy::DAY_MS;
    let older_than = now.before_millis(days(retention.artifacts_days));
    let keep = referenced(services).await?;
    collected.artifacts = Some(services.upkeep.artifacts.sweep(keep, older_than).await?);
    collected.answers = services.upkeep.runs.forget_answers(now.before_millis(ANSWERS_MS)).await?;
    for project in services.intake.projects.list(caller.tenant).await? {
        collected.releases += services.target.prune(&project, retention.keep_releases as usize).await?;
    }
    Ok(collected)
}

/// Everything that the policy decides about.
async fn find(services: &Services, caller: &Caller) -> Result<Found, Error> {
    let mut found =
        Found { checkouts: services.upkeep.checkouts.list_checkouts().await?, ..Found::default() };
    // Checkouts of other tenants' runs are not this caller's to clean.
    for tenant in services.upkeep.runs.tenants().await?.into_iter().filter(|tenant| *tenant != caller.tenant)
    {
        found.foreign.extend(run_ids(services, tenant).await?);
    }
    for run in run_ids(services, caller.tenant).await? {
        let (stored, state) = record::load(&services.runs, caller, run).await?;
        let ended_at = state.stop.as_ref().map(|_| state.updated_at);
        let work = work_of(&RunDetail::new(state, &stored));
        found.runs.push(FoundRun { run, ended_at, work });
    }
    Ok(found)
}

async fn run_ids(services: &Services, tenant: TenantId) -> Result<Vec<RunId>, Error> {
    let mut filter = RunFilter { limit: ROWS, ..RunFilter::default() };
    let mut ids = Vec::new();
    loop {
        let rows = services.runs.journal.list(tenant, &filter).await?;
        ids.extend(rows.iter().map(|row| row.run_id));
        filter.before = rows.last().map(|row| row.run_id);
        if rows.len() < ROWS as usize {
            return Ok(ids);
        }
    }
}

/// What became of a run's change.
fn work_of(detail: &RunDetail) -> Work {
    let state = &detail.state;
    let is_handed_over = state.spec.template == Template::Exec && state.status() == Status::Succeeded;
    if state.merged_commit().is_some() || is_handed_over {
        return Work::Merged;
    }
    if !has_change(state, detail) {
        return Work::None;
    }
    // To stop a run is not to give its work up; to reject what it asks for is.
    let decisions = state.approvals.values().filter_map(|approval| approval.decided.as_ref());
    let mut rejections = decisions.filter(|decided| decided.decision == Decision::Rejected);
    if rejections.next().is_some() { Work::Discarded } else { Work::Unmerged }
}

/// Whether some step changed files beyond what the set-up did.
fn has_change(state: &RunState, detail: &RunDetail) -> bool {
    let has_commit = state.ended.iter().any(|(step, ended)| match (step, &ended.result) {
        (Step::Commit { .. }, Ok(StepValue::Committed(committed))) => committed.commit.is_some(),
        _ => false,
    });
    let steps = super::restore::file_steps(detail);
    has_commit || steps.iter().any(|step| step.before.is_some() && !step.step.ends_with("/set_up"))
}

/// All contents that some journal refers to, and those that these refer to in turn.
async fn referenced(services: &Services) -> Result<BTreeSet<Digest>, Error> {
    let mut keep = BTreeSet::new();
    let mut snapshots = Vec::new();
    for tenant in services.upkeep.runs.tenants().await? {
        for run in run_ids(services, tenant).await? {
            for stored in services.runs.journal.load(tenant, run, 0).await? {
                let json = serde_json::to_value(&stored.event).unwrap_or_default();
                collect_digests(&json, "", &mut keep, &mut snapshots);
            }
        }
    }
    let mut seen: BTreeSet<Digest> = snapshots.iter().copied().collect();
    while let Some(snapshot) = snapshots.pop() {
        // A snapshot that is gone or damaged keeps nothing else alive, and must not stop the clean-up.
        let bytes = match services.runs.artifacts.get(snapshot).await {
            Ok(bytes) => bytes,
            Err(artifacts::Error::Missing(_) | artifacts::Error::Corrupt(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        for reference in services.upkeep.checkouts.references(&bytes) {
            keep.insert(reference);
            if seen.insert(reference) {
                snapshots.push(reference);
            }
        }
    }
    Ok(keep)
}

/// The digests in an event, wherever they stand; those under the key `snapshot` apart as well.
fn collect_digests(
    json: &serde_json::Value,
    key: &str,
    all: &mut BTreeSet<Digest>,
    snapshots: &mut Vec<Digest>,
) {
    match json {
        serde_json::Value::String(text) => {
            if let Ok(digest) = text.parse() {
                all.insert(digest);
                if key == "snapshot" {
                    snapshots.push(digest);
                }
            }
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|item| collect_digests(item, key, all, snapshots));
        }
        serde_json::Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| collect_digests(value, key, all, snapshots));
        }
        _ => {}
    }
}
