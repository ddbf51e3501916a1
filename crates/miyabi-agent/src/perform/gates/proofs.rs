//! Proofs of acceptance items: commands that agents named and the host runs itself.

use miyabi_core::error::Failure;
use miyabi_core::gate::{Gate, GateResult, Verdict};
use miyabi_core::plan::TaskKey;
use miyabi_core::port::checkouts::{CheckoutId, Program};
use miyabi_core::run::RunState;
use miyabi_core::run::step::{GateTarget, SessionKey};
use miyabi_core::run::value::{Control, Finish, Proof};

use super::super::Job;
use super::super::commands::{self, At};

/// Runs the proofs that are known at this target. Items of engines without a model stand and fall with the tests.
async fn run_known(
    job: &Job<'_>,
    id: &CheckoutId,
    at: &At,
    proofs: &[Proof],
) -> Result<(Vec<(usize, bool)>, Option<GateResult>), Failure> {
    let mut evidence = Vec::new();
    let mut proven: Vec<(usize, bool)> = Vec::new();
    let mut failed = Vec::new();
    for proof in proofs {
        let program = Program::Shell(proof.command.clone());
        let ran = commands::run(job, id, at, program, &job.settings.gate_limits, false).await?;
        let holds = ran.evidence.succeeded();
        if !holds {
            failed.push(format!("item {}: {}", proof.item, ran.verdict()));
        }
        match proven.iter_mut().find(|(item, _)| *item == proof.item) {
            Some((_, all)) => *all &= holds,
            None => proven.push((proof.item, holds)),
        }
        evidence.push(ran.evidence);
    }
    if proofs.is_empty() {
        return Ok((proven, None));
    }
    let verdict = if failed.is_empty() { Verdict::Pass } else { Verdict::Fail };
    let detail = if failed.is_empty() { format!("{} proofs hold", proofs.len()) } else { failed.join("; ") };
    Ok((proven, Some(GateResult { gate: Gate::Acceptance, verdict, detail, evidence })))
}

/// Runs the proofs of a target.
pub(super) async fn run(
    job: &Job<'_>,
    target: &GateTarget,
    id: &CheckoutId,
    at: &At,
    results: &[GateResult],
) -> Result<(Vec<(usize, bool)>, Option<GateResult>), Failure> {
    if !job.state.spec.engine.uses_model() {
        let tests = results.iter().find(|result| result.gate == Gate::Test);
        let hold = tests.is_some_and(|result| result.verdict == Verdict::Pass);
        return Ok((vec![(0, hold)], None));
    }
    run_known(job, id, at, &proofs_at(job.state, target)).await
}

/// Proofs of all tasks that are part of the commit: those that are integrated, and the one that is being checked.
fn proofs_at(state: &RunState, target: &GateTarget) -> Vec<Proof> {
    let own: Option<&TaskKey> = match target {
        GateTarget::Task { task, .. } | GateTarget::Integration { task, .. } => Some(task),
        GateTarget::Base | GateTarget::Merge { .. } => None,
    };
    let mut all = Vec::new();
    for (key, session) in &state.sessions {
        let SessionKey::Generate { task } = key else {
            continue;
        };
        let counts =
            Some(task) == own || (state.is_integrated(task) && !matches!(target, GateTarget::Task { .. }));
        let finish: Option<&Finish> = session.calls.iter().find_map(|open| match &open.control {
            Some(Control::Finish(finish)) => Some(finish),
            _ => None,
        });
        if let (true, Some(finish)) = (counts, finish) {
            all.extend(finish.proofs.iter().cloned());
        }
    }
    all
}
