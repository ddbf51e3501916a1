//! The host's gates: the project's own commands and our analysers, at one commit, in a clean clone.
//!
//! Nothing of the task's own clone is used, so what the agent did there beside its commit has no effect here.

mod proofs;
mod reproduction;

use miyabi_core::error::Failure;
use miyabi_core::gate::{Checks, Gate, GateReport, GateResult, Verdict};
use miyabi_core::port::checkouts::CheckoutId;
use miyabi_core::port::repositories::Change;
use miyabi_core::project::Project;
use miyabi_core::run::planned::{task_of, triage_of};
use miyabi_core::run::step::GateTarget;
use miyabi_core::run::value::{Candidate, Opened};
use miyabi_core::run::{RunState, Step, StepValue};
use miyabi_core::triage::IssueKind;

use super::checkout::committed;
use super::commands::{At, Ran, run_all};
use super::issue::repository_config;
use super::review::DIFF_BYTES;
use super::{Job, missing_fact};
use crate::analyse;

/// The project's commands, in the order in which they are run: what fails fast comes first.
const COMMAND_GATES: [Gate; 4] = [Gate::Format, Gate::Lint, Gate::Build, Gate::Test];

/// The commit to be checked and what it is compared with.
pub(crate) struct Subject {
    pub(crate) commit: String,
    pub(crate) base: String,
}

pub(super) async fn run(job: &Job<'_>, target: &GateTarget) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let opened = job.state.opened().ok_or_else(|| missing_fact("the project"))?;
    let subject = subject(job.state, target)?;
    let at = At {
        tree: job.ports.repositories.tree(&project, &subject.commit).await?,
        commit: subject.commit.clone(),
    };
    let change = job.ports.repositories.diff(&project, &subject.base, &subject.commit, DIFF_BYTES).await?;
    let mut results = analysed(job, target, &project, &change).await?;

    let id = job.checkout(clone_name(target));
    job.ports.checkouts.create(&id, &project, &subject.commit).await?;
    let checked = in_clone(job, target, &id, &at, opened, &subject, &change, &mut results).await;
    // The clone is of no use any more, whatever came of it; a left-over one is replaced by the next `create`.
    if let Err(failure) = job.ports.checkouts.remove(&id).await {
        tracing::warn!(run.id = %job.state.run_id, checkout = %id, %failure, "a checkout can't be removed");
    }
    let proofs = checked?;
    let protected_paths = analyse::protected_paths(&change, &job.state.spec.policy, &opened.protected_paths);
    Ok(StepValue::Gated(GateReport { commit: at.commit, tree: at.tree, results, protected_paths, proofs }))
}

/// Everything that needs the clone; what it finds is added to `results`, the proofs are returned.
#[expect(
    clippy::too_many_arguments,
    reason = "one straight story over facts that no type would hold together"
)]
async fn in_clone(
    job: &Job<'_>,
    target: &GateTarget,
    id: &CheckoutId,
    at: &At,
    opened: &Opened,
    subject: &Subject,
    change: &Change,
    results: &mut Vec<GateResult>,
) -> Result<Vec<(usize, bool)>, Failure> {
    if let Some(failed) = set_up(job, id, at, &opened.checks).await? {
        results.push(failed);
        return Ok(Vec::new());
    }
    for gate in COMMAND_GATES {
        results.extend(command_gate(job, id, at, &opened.checks, gate).await?);
    }
    let (proven, result) = proofs::run(job, target, id, at, results).await?;
    results.extend(result);
    let is_bug = triage_of(job.state).is_some_and(|triage| triage.kind == IssueKind::Bug);
    if is_bug && matches!(target, GateTarget::Task { .. }) && *subject.base == opened.base {
        results.push(reproduction::run(job, target, id, at, subject, change).await?);
    }
    Ok(proven)
}

/// The commit that a target stands for, and what it is compared with.
fn subject(state: &RunState, target: &GateTarget) -> Result<Subject, Failure> {
    let opened = state.opened().ok_or_else(|| missing_fact("the project"))?;
    let candidate = |step: Step| match state.value(&step) {
        Some(StepValue::Candidate(Candidate::Clean { commit, onto, .. })) => {
            Some((commit.clone(), onto.clone()))
        }
        _ => None,
    };
    match target {
        GateTarget::Base => Ok(Subject { commit: opened.base.clone(), base: opened.base.clone() }),
        GateTarget::Task { task, round } => {
            let committed =
                committed(state, task, *round).ok_or_else(|| missing_fact("the task's commit"))?;
            let commit = committed.commit.clone().ok_or_else(|| missing_fact("the task's commit"))?;
            Ok(Subject { commit, base: committed.base.clone() })
        }
        GateTarget::Integration { task, round } => {
            let step = Step::Integrate { task: task.clone(), round: *round };
            let (commit, _) = candidate(step).ok_or_else(|| missing_fact("the integrated commit"))?;
            Ok(Subject { commit, base: opened.base.clone() })
        }
        GateTarget::Merge { round } => {
            let step = Step::MergeCandidate { round: *round };
            let (commit, onto) = candidate(step).ok_or_else(|| missing_fact("the merge candidate"))?;
            Ok(Subject { commit, base: onto })
        }
    }
}

fn clone_name(target: &GateTarget) -> String {
    match target {
        GateTarget::Base => "gates-base".into(),
        GateTarget::Task { task, .. } => format!("gates-{task}"),
        GateTarget::Integration { task, .. } => format!("gates-{task}-on-top"),
        GateTarget::Merge { .. } => "gates-merge".into(),
    }
}

/// What the analysers say of the change. Needs no clone.
async fn analysed(
    job: &Job<'_>,
    target: &GateTarget,
    project: &Project,
    change: &Change,
) -> Result<Vec<GateResult>, Failure> {
    let base = &job.state.opened().ok_or_else(|| missing_fact("the project"))?.base;
    let own_limit = repository_config(job, project, base).await?.max_changed_lines;
    let touches = match target {
        GateTarget::Task { task, .. } => {
            task_of(job.state, task).map(|task| task.touches).unwrap_or_default()
        }
        _ => vec!["**".into()],
    };
    Ok(analyse::gates(&analyse::Input {
        change,
        touches: &touches,
        max_changed_lines: own_limit.unwrap_or(u32::MAX).min(job.settings.max_changed_lines),
    }))
}

/// Runs the set-up commands; a result if they fail, because nothing can be checked then.
async fn set_up(
    job: &Job<'_>,
    id: &CheckoutId,
    at: &At,
    checks: &Checks,
) -> Result<Option<GateResult>, Failure> {
    let (limits, network) = (&job.settings.gate_limits, job.settings.set_up_network);
    let ran = run_all(job, id, at, &checks.setup, limits, network).await?;
    let failed = ran.last().filter(|ran| !ran.evidence.succeeded());
    let detail = failed.map(|failed| super::checkout::set_up_failure(&failed.verdict(), network).message);
    Ok(detail.map(|detail| {
        let evidence = ran.into_iter().map(|ran| ran.evidence).collect();
        GateResult { gate: Gate::Build, verdict: Verdict::Fail, detail, evidence }
    }))
}

/// One of the project's own checks. A project without a formatter, linter or build has no such gate; one without
/// tests has an unknown one, because nothing shows that it works.
async fn command_gate(
    job: &Job<'_>,
    id: &CheckoutId,
    at: &At,
    checks: &Checks,
    gate: Gate,
) -> Result<Option<GateResult>, Failure> {
    let commands = checks.commands(gate);
    if commands.is_empty() {
        let unknown = || {
            let detail = "no test command is known; name one in .miyabi/config.toml".to_owned();
            GateResult { gate, verdict: Verdict::Unknown, detail, evidence: Vec::new() }
        };
        return Ok((gate == Gate::Test).then(unknown));
    }
    let ran = run_all(job, id, at, commands, &job.settings.gate_limits, false).await?;
    Ok(Some(result(gate, ran)))
}

/// The result of commands of which each must succeed.
fn result(gate: Gate, ran: Vec<Ran>) -> GateResult {
    let (verdict, detail) = match ran.last() {
        Some(last) if last.is_missing_program() => {
            let program = last.evidence.command.first().cloned().unwrap_or_default();
            (Verdict::Unknown, format!("`{program}` is not installed here"))
        }
        Some(last) if !last.evidence.succeeded() => (Verdict::Fail, last.verdict()),
        Some(last) => (Verdict::Pass, summary(last)),
        None => (Verdict::Unknown, "nothing was run".into()),
    };
    GateResult { gate, verdict, detail, evidence: ran.into_iter().map(|ran| ran.evidence).collect() }
}

/// What a successful command said at its end, if that is a summary that people know; else the command.
fn summary(ran: &Ran) -> String {
    let tail = ran.tail();
    let is_summary = |line: &&str| {
        let line = line.to_ascii_lowercase();
        line.contains("passed")
            || line.contains("passing")
            || line.starts_with("ok ")
            || line.contains("tests run")
    };
    let line = tail.lines().rev().map(str::trim).find(is_summary);
    line.map_or_else(|| ran.evidence.command.join(" "), |line| line.chars().take(160).collect())
}
