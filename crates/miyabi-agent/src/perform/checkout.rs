//! Steps of stage Generate: clones, set-up, engines without a model, commits and their integration.

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::plan::TaskKey;
use miyabi_core::port::checkouts::{CheckoutId, CommitRequest, Exec, Program};
use miyabi_core::port::repositories::Replant;
use miyabi_core::run::event::FixCause;
use miyabi_core::run::planned::task_of;
use miyabi_core::run::spec::Engine;
use miyabi_core::run::step::SessionKey;
use miyabi_core::run::value::{Committed, Finish};
use miyabi_core::run::{RunState, Step, StepValue};

use super::commands::{At, run_all};
use super::{Job, missing_fact};

/// Name of the file under which an issue's patch is put into a checkout's way: it is given to `git apply` in the
/// sandbox and removed before anything is committed.
const PATCH_FILE: &str = ".miyabi-issue.patch";

pub(super) async fn create(job: &Job<'_>, task: &TaskKey) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let base = job.state.head().ok_or_else(|| missing_fact("the base commit"))?.to_owned();
    let id = job.checkout(&task.0);
    job.ports.checkouts.create(&id, &project, &base).await?;
    let snapshot = job.ports.checkouts.snapshot(&id).await?;
    Ok(StepValue::CheckedOut { base, snapshot })
}

pub(super) async fn set_up(job: &Job<'_>, task: &TaskKey) -> Result<StepValue, Failure> {
    let opened = job.state.opened().ok_or_else(|| missing_fact("the project"))?;
    let id = job.checkout(&task.0);
    let at = at_base(job, task)?;
    let (limits, network) = (&job.settings.gate_limits, job.settings.set_up_network);
    let ran = run_all(job, &id, &at, &opened.checks.setup, limits, network).await?;
    if let Some(failed) = ran.last().filter(|ran| !ran.evidence.succeeded()) {
        return Err(set_up_failure(&failed.verdict(), network));
    }
    let snapshot = job.ports.checkouts.snapshot(&id).await?;
    Ok(StepValue::Ran { evidence: ran.into_iter().map(|ran| ran.evidence).collect(), snapshot })
}

/// The failure of a set-up command, with the likely cause.
pub(super) fn set_up_failure(verdict: &str, network: bool) -> Failure {
    let hint = if network { "" } else { "; set-up has no network here (`sandbox.setup_network`)" };
    Failure::permanent(ErrorCode::SetupFailed, format!("set-up failed: {verdict}{hint}"))
}

pub(super) async fn apply_patch(job: &Job<'_>, task: &TaskKey) -> Result<StepValue, Failure> {
    let Engine::Patch { patch } = &job.state.spec.engine else {
        return Err(missing_fact("the patch"));
    };
    let id = job.checkout(&task.0);
    // A try before this one may have applied it: begin from the files as they were.
    restore_before(job, task, &id).await?;
    let bytes =
        job.ports.artifacts.get(*patch).await.map_err(miyabi_core::port::artifacts::Error::into_failure)?;
    job.ports.checkouts.write(&id, PATCH_FILE, &bytes).await?;
    let argv = ["git", "apply", "--whitespace=nowarn", "--", PATCH_FILE].map(String::from).to_vec();
    let exec = Exec {
        program: Program::Argv(argv),
        folder: ".".into(),
        limits: job.settings.command_limits.clone(),
        network: false,
    };
    let outcome = job.ports.checkouts.exec(&id, &exec, &job.attempt.cancel).await;
    job.ports.checkouts.remove_file(&id, PATCH_FILE).await?;
    let outcome = outcome?;
    if outcome.is_cancelled {
        return Err(Failure::cancelled());
    }
    if outcome.exit_code != Some(0) {
        let said = String::from_utf8_lossy(&outcome.head).lines().next().unwrap_or_default().to_owned();
        let message = format!("the issue's patch does not fit: {said}");
        return Err(Failure::permanent(ErrorCode::PatchRejected, message));
    }
    let snapshot = job.ports.checkouts.snapshot(&id).await?;
    Ok(StepValue::Ran { evidence: Vec::new(), snapshot })
}

pub(super) async fn run_recipe(job: &Job<'_>, task: &TaskKey) -> Result<StepValue, Failure> {
    let Engine::Recipe { name, commands } = &job.state.spec.engine else {
        return Err(missing_fact("the recipe"));
    };
    let id = job.checkout(&task.0);
    restore_before(job, task, &id).await?;
    let at = at_base(job, task)?;
    let ran = run_all(job, &id, &at, commands, &job.settings.gate_limits, false).await?;
    if let Some(failed) = ran.last().filter(|ran| !ran.evidence.succeeded()) {
        let message = format!("recipe `{name}`: {}", failed.verdict());
        return Err(Failure::permanent(ErrorCode::GateFailed, message));
    }
    let snapshot = job.ports.checkouts.snapshot(&id).await?;
    Ok(StepValue::Ran { evidence: ran.into_iter().map(|ran| ran.evidence).collect(), snapshot })
}

pub(super) async fn commit(job: &Job<'_>, task: &TaskKey) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let id = job.checkout(&task.0);
    let finish = finish_of(job.state, task).cloned().unwrap_or_default();
    let request = CommitRequest {
        message: message(job.state, task, &finish),
        // The time of the run, not of this try: a try after a crash makes the same commit.
        at: job.state.created_at,
        max_file_bytes: job.settings.max_file_bytes,
    };
    let committed = job.ports.checkouts.commit(&id, &project, &request).await?;
    Ok(StepValue::Committed(committed))
}

pub(super) async fn integrate(job: &Job<'_>, task: &TaskKey, round: u32) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let committed = committed(job.state, task, round).ok_or_else(|| missing_fact("the task's commit"))?;
    let commit = committed.commit.as_deref().ok_or_else(|| missing_fact("the task's commit"))?;
    let onto = job.state.head().ok_or_else(|| missing_fact("the run's head"))?;
    let finish = finish_of(job.state, task).cloned().unwrap_or_default();
    let message = message(job.state, task, &finish);
    let replant =
        Replant { commit, base: &committed.base, onto, message: &message, at: job.state.created_at };
    job.ports.repositories.replant(&project, &replant).await.map(StepValue::Candidate)
}

pub(super) async fn refresh(job: &Job<'_>, task: &TaskKey) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let id = job.checkout(&task.0);
    let brings_branch = job
        .state
        .added
        .iter()
        .any(|(added, cause)| added.key == *task && matches!(cause, FixCause::Branch { .. }));
    let has_begun = job.state.sessions.contains_key(&SessionKey::Generate { task: task.clone() });
    let onto = if brings_branch && !has_begun {
        let head = job.ports.repositories.head(&project, &job.state.spec.branch).await?;
        head.ok_or_else(|| missing_fact("the branch"))?.commit
    } else {
        job.state.head().ok_or_else(|| missing_fact("the run's head"))?.to_owned()
    };
    let conflicts = job.ports.checkouts.refresh(&id, &project, &onto).await?;
    let snapshot = job.ports.checkouts.snapshot(&id).await?;
    Ok(StepValue::Refreshed { onto, conflicts, snapshot })
}

/// A task's commit of a round.
pub(crate) fn committed<'a>(state: &'a RunState, task: &TaskKey, round: u32) -> Option<&'a Committed> {
    match state.value(&Step::Commit { task: task.clone(), round })? {
        StepValue::Committed(committed) => Some(committed),
        _ => None,
    }
}

/// What the task's agent said at the end.
pub(crate) fn finish_of<'a>(state: &'a RunState, task: &TaskKey) -> Option<&'a Finish> {
    let session = state.sessions.get(&SessionKey::Generate { task: task.clone() })?;
    session.open_finish().map(|(_, finish)| finish)
}

fn message(state: &RunState, task: &TaskKey, finish: &Finish) -> String {
    let title = task_of(state, task).map_or_else(|| state.spec.title.clone(), |task| task.title);
    let issue = state.spec.issue.map_or(String::new(), |number| format!("Issue: #{number}\n"));
    let summary = finish.summary.trim();
    let body = if summary.is_empty() { String::new() } else { format!("{summary}\n\n") };
    format!("{title}\n\n{body}{issue}Miyabi-Run: {}\nMiyabi-Task: {task}\n", state.run_id)
}

fn at_base(job: &Job<'_>, task: &TaskKey) -> Result<At, Failure> {
    match job.state.value(&Step::Checkout { task: task.clone() }) {
        Some(StepValue::CheckedOut { base, .. }) => Ok(At { commit: base.clone(), tree: String::new() }),
        _ => Err(missing_fact("the task's checkout")),
    }
}

/// Brings the files back to how the last step before this one left them.
async fn restore_before(job: &Job<'_>, task: &TaskKey, id: &CheckoutId) -> Result<(), Failure> {
    let before = [Step::SetUp { task: task.clone() }, Step::Checkout { task: task.clone() }];
    let snapshot = before.iter().find_map(|step| match job.state.value(step)? {
        StepValue::Ran { snapshot, .. } | StepValue::CheckedOut { snapshot, .. } => Some(*snapshot),
        _ => None,
    });
    match snapshot {
        Some(snapshot) => job.ports.checkouts.restore(id, snapshot).await,
        None => Err(missing_fact("the task's checkout")),
    }
}
