//! A bug's reproduction: it must fail without the change and pass with it.

use miyabi_core::error::Failure;
use miyabi_core::gate::{Gate, GateResult, Verdict};
use miyabi_core::port::checkouts::{CheckoutId, Program};
use miyabi_core::port::repositories::{Change, FileChangeKind};
use miyabi_core::run::step::GateTarget;

use super::super::checkout::finish_of;
use super::super::commands::{self, At, Ran};
use super::super::{Job, missing_fact};
use super::Subject;
use crate::analyse::is_test_path;

/// The largest test file that is carried over to the old commit, in bytes.
const TEST_FILE_BYTES: u64 = 1024 * 1024;

/// Runs the reproduction at the commit and, with the change's test files alone, at its base.
pub(super) async fn run(
    job: &Job<'_>,
    target: &GateTarget,
    id: &CheckoutId,
    at: &At,
    subject: &Subject,
    change: &Change,
) -> Result<GateResult, Failure> {
    let programs = programs(job, target);
    if programs.is_empty() {
        let detail = "nothing is known that shows the bug".to_owned();
        return Ok(GateResult {
            gate: Gate::Reproduction,
            verdict: Verdict::Unknown,
            detail,
            evidence: Vec::new(),
        });
    }
    // A bug may have its failing test already; otherwise the change brings it.
    let tests: Vec<_> = change.files.iter().filter(|file| is_test_path(&file.path)).collect();
    let has_tests = !tests.is_empty();
    let after = run_until_failure(job, id, at, &programs).await?;

    let project = job.project().await?;
    let before_id = job.checkout(format!("{}-before", id.name));
    job.ports.checkouts.create(&before_id, &project, &subject.base).await?;
    for file in tests {
        if file.kind == FileChangeKind::Deleted {
            continue;
        }
        let read =
            job.ports.repositories.read_file(&project, &subject.commit, &file.path, TEST_FILE_BYTES).await?;
        let bytes = read.ok_or_else(|| missing_fact("a test file of the change"))?;
        job.ports.checkouts.write(&before_id, &file.path, &bytes).await?;
    }
    let base = At {
        commit: subject.base.clone(),
        tree: job.ports.repositories.tree(&project, &subject.base).await?,
    };
    let opened = job.state.opened().ok_or_else(|| missing_fact("the project"))?;
    let set_up = super::set_up(job, &before_id, &base, &opened.checks).await?;
    let before = match set_up {
        Some(_) => Vec::new(),
        None => run_until_failure(job, &before_id, &base, &programs).await?,
    };
    job.ports.checkouts.remove(&before_id).await?;
    Ok(judge(after, before, has_tests))
}

/// What the agent named, or the project's tests.
fn programs(job: &Job<'_>, target: &GateTarget) -> Vec<Program> {
    let named = match target {
        GateTarget::Task { task, .. } => {
            finish_of(job.state, task).and_then(|finish| finish.reproduction.clone())
        }
        _ => None,
    };
    match named {
        Some(command) => vec![Program::Shell(command)],
        None => {
            let tests = job.state.opened().map(|opened| opened.checks.test.clone()).unwrap_or_default();
            tests.into_iter().map(Program::Argv).collect()
        }
    }
}

async fn run_until_failure(
    job: &Job<'_>,
    id: &CheckoutId,
    at: &At,
    programs: &[Program],
) -> Result<Vec<Ran>, Failure> {
    let mut all = Vec::new();
    for program in programs {
        let ran = commands::run(job, id, at, program.clone(), &job.settings.gate_limits, false).await?;
        let succeeded = ran.evidence.succeeded();
        all.push(ran);
        if !succeeded {
            break;
        }
    }
    Ok(all)
}

fn judge(after: Vec<Ran>, before: Vec<Ran>, has_tests: bool) -> GateResult {
    let passes = !after.is_empty() && after.iter().all(|ran| ran.evidence.succeeded());
    let (verdict, detail) = match before.last() {
        _ if !passes => {
            let failed = after.last().map_or("nothing was run".to_owned(), Ran::verdict);
            (Verdict::Fail, format!("the reproduction does not pass with the change: {failed}"))
        }
        None => (Verdict::Unknown, "the old commit could not be set up".to_owned()),
        Some(ran) if ran.evidence.limit.is_some() || ran.is_missing_program() => {
            (Verdict::Unknown, format!("without the change {}", ran.verdict()))
        }
        Some(ran) if ran.evidence.succeeded() && !has_tests => {
            (Verdict::Unknown, "the change has no test file of its own that shows the bug".to_owned())
        }
        Some(ran) if ran.evidence.succeeded() => (
            Verdict::Fail,
            "the reproduction passes without the change too: it does not show the bug".to_owned(),
        ),
        Some(ran) => (Verdict::Pass, format!("without the change {}; with it all pass", ran.verdict())),
    };
    let evidence = before.into_iter().chain(after).map(|ran| ran.evidence).collect();
    GateResult { gate: Gate::Reproduction, verdict, detail, evidence }
}
