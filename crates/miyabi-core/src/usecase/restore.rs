//! Bring a task's files back to how they were before or after a step, byte for byte.

use super::run::{RunDetail, StepOutcome};
use super::{Act, Caller, Code, Error, Runs, may, record};
use crate::digest::Digest;
use crate::id::RunId;
use crate::plan::TaskKey;
use crate::port::checkouts::CheckoutId;
use crate::run::value::StepValue;
use crate::stop::Status;

/// Which side of a step is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// As it was before: undo the step.
    Before,
    /// As it was after.
    After,
}

/// What is to be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreFiles {
    /// The run.
    pub run: RunId,
    /// The task; `None` for the one of the step, or the only one.
    pub task: Option<TaskKey>,
    /// The step's name; `None` for the last one that changed files.
    pub step: Option<String>,
    /// Which side of it.
    pub side: Side,
    /// An empty or missing folder to write the files to, absolute; `None` for the task's own checkout.
    pub to: Option<String>,
}

/// What was brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredFiles {
    /// The task.
    pub task: TaskKey,
    /// The step.
    pub step: String,
    /// Which side of it.
    pub side: Side,
    /// The files' record.
    pub snapshot: Digest,
    /// The folder they were written to; `None` for the task's own checkout.
    pub to: Option<String>,
}

/// A step after which the files of a task were recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStep {
    /// The step's name.
    pub step: String,
    /// The task.
    pub task: TaskKey,
    /// The files after it.
    pub snapshot: Digest,
    /// The files before it; `None` for a task's first.
    pub before: Option<Digest>,
}

/// The steps that changed files, oldest first. A step that left the files as they were is not among them.
pub fn file_steps(detail: &RunDetail) -> Vec<FileStep> {
    let mut steps: Vec<FileStep> = Vec::new();
    for record in &detail.steps {
        let (StepOutcome::Finished(value), Some(task)) = (&record.outcome, record.step.task()) else {
            continue;
        };
        let snapshot = match value.as_ref() {
            StepValue::Called(called) => called.snapshot,
            StepValue::CheckedOut { snapshot, .. }
            | StepValue::Ran { snapshot, .. }
            | StepValue::Refreshed { snapshot, .. } => Some(*snapshot),
            _ => None,
        };
        let Some(snapshot) = snapshot else { continue };
        let before = steps.iter().rev().find(|step| step.task == *task).map(|step| step.snapshot);
        if before != Some(snapshot) {
            steps.push(FileStep { step: record.step.to_string(), task: task.clone(), snapshot, before });
        }
    }
    steps
}

/// Brings files back, to the task's checkout when nobody works in it, or to a folder of their own.
///
/// # Errors
/// [`Error::NotFound`] for unknown steps and tasks, [`Error::Ambiguous`] when several tasks changed files and none
/// is named, [`Error::Conflict`] when the run works in the checkout.
pub async fn restore_files(
    runs: &Runs,
    code: &Code,
    caller: &Caller,
    request: &RestoreFiles,
) -> Result<RestoredFiles, Error> {
    may(caller, Act::RestoreFiles)?;
    if request.to.as_deref().is_some_and(|folder| !folder.starts_with('/')) {
        return Err(Error::invalid("to", "must be an absolute path"));
    }
    let (stored, state) = record::load(runs, caller, request.run).await?;
    let detail = RunDetail::new(state, &stored);
    let step = choose(&file_steps(&detail), request)?;
    let snapshot = match request.side {
        Side::After => Some(step.snapshot),
        Side::Before => step.before,
    };
    let snapshot = snapshot.ok_or_else(|| {
        Error::invalid(
            "step",
            format!("`{}` is the task's first step: nothing was there before it", step.step),
        )
    })?;
    match &request.to {
        Some(folder) => code.checkouts.export(snapshot, std::path::Path::new(folder)).await?,
        None => bring_back(code, &detail, &step.task, snapshot).await?,
    }
    let (task, step) = (step.task, step.step);
    Ok(RestoredFiles { task, step, side: request.side, snapshot, to: request.to.clone() })
}

async fn bring_back(code: &Code, detail: &RunDetail, task: &TaskKey, snapshot: Digest) -> Result<(), Error> {
    let state = &detail.state;
    let is_at_work =
        state.status() == Status::Running || state.open.keys().any(|step| step.task() == Some(task));
    if is_at_work {
        return Err(Error::Conflict {
            message: format!("run `{}` works on task `{task}`", state.run_id),
            remedy: Some("stop the run, or write the files to a folder with `--to`".into()),
        });
    }
    let id = CheckoutId { run: state.run_id, name: task.to_string() };
    if !code.checkouts.exists(&id).await {
        return Err(Error::Conflict {
            message: format!("the checkout of task `{task}` was cleaned away"),
            remedy: Some("write the files to a folder with `--to`".into()),
        });
    }
    Ok(code.checkouts.restore(&id, snapshot).await?)
}

fn choose(steps: &[FileStep], request: &RestoreFiles) -> Result<FileStep, Error> {
    let fits = |step: &&FileStep| request.task.as_ref().is_none_or(|task| step.task == *task);
    if let Some(name) = &request.step {
        let found = steps.iter().filter(fits).find(|step| step.step == *name);
        return found.cloned().ok_or_else(|| Error::not_found("step with changed files", name));
    }
    let mut tasks: Vec<String> = steps.iter().filter(fits).map(|step| step.task.to_string()).collect();
    tasks.sort();
    tasks.dedup();
    match tasks.as_slice() {
        [] => return Err(Error::not_found("step with changed files", request.run)),
        [_] => {}
        several => {
            let (name, candidates) = (request.run.to_string(), several.to_vec());
            return Err(Error::Ambiguous { kind: "task", name, candidates });
        }
    }
    // Undoing without a name means the last change; the first record of a task is no change but its beginning.
    let last =
        steps.iter().rev().filter(fits).find(|step| request.side == Side::After || step.before.is_some());
    last.cloned().ok_or_else(|| Error::not_found("step with changed files", request.run))
}
