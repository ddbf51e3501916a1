//! Bringing a task's files back.

use miyabi_core::digest::Digest;
use miyabi_core::id::RunId;
use miyabi_core::plan::TaskKey;
use miyabi_core::usecase::restore;
use serde::{Deserialize, Serialize};

/// Which side of a step is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// As it was before: undo the step.
    Before,
    /// As it was after.
    After,
}

impl From<Side> for restore::Side {
    fn from(side: Side) -> Self {
        match side {
            Side::Before => Self::Before,
            Side::After => Self::After,
        }
    }
}

impl From<restore::Side> for Side {
    fn from(side: restore::Side) -> Self {
        match side {
            restore::Side::Before => Self::Before,
            restore::Side::After => Self::After,
        }
    }
}

/// Brings a task's files back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreRequest {
    /// Which side of the step.
    pub side: Side,
    /// The step's name; without it, the last that changed files.
    #[serde(default)]
    pub step: Option<String>,
    /// The task; without it, the one of the step, or the only one.
    #[serde(default)]
    pub task: Option<String>,
    /// An empty or missing folder to write the files to, absolute; without it, the task's own checkout.
    #[serde(default)]
    pub to: Option<String>,
}

impl RestoreRequest {
    pub(crate) fn for_run(self, run: RunId) -> restore::RestoreFiles {
        let task = self.task.map(TaskKey);
        restore::RestoreFiles { run, task, step: self.step, side: self.side.into(), to: self.to }
    }
}

/// What was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The task.
    pub task: String,
    /// The step.
    pub step: String,
    /// Which side of it.
    pub side: Side,
    /// The files' record.
    pub snapshot: Digest,
    /// The folder they were written to; `null` for the task's own checkout.
    pub to: Option<String>,
}

impl From<restore::RestoredFiles> for Restored {
    fn from(done: restore::RestoredFiles) -> Self {
        Self {
            task: done.task.to_string(),
            step: done.step,
            side: done.side.into(),
            snapshot: done.snapshot,
            to: done.to,
        }
    }
}

/// A step that changed files, so that they can be brought back to before or after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStep {
    /// The step's name.
    pub step: String,
    /// The task.
    pub task: String,
    /// The files after it.
    pub snapshot: Digest,
    /// The files before it; `null` for a task's first.
    pub before: Option<Digest>,
}

impl From<restore::FileStep> for FileStep {
    fn from(step: restore::FileStep) -> Self {
        Self { step: step.step, task: step.task.to_string(), snapshot: step.snapshot, before: step.before }
    }
}
