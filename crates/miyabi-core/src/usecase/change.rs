//! What a run changed, and the contents that its journal names.

use super::pull_request::MAX_DIFF_BYTES;
use super::{Act, Caller, Error, Runs, may, record};
use crate::digest::Digest;
use crate::id::RunId;
use crate::port::records::Projects;
use crate::port::repositories::{Change, Repositories};

/// The most bytes of a content that are given at once.
pub const MAX_PART_BYTES: u64 = 4 * 1024 * 1024;

/// The change of a run between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunChange {
    /// The commit it started from.
    pub from: String,
    /// The run's head; equal to `from` while nothing was integrated.
    pub to: String,
    /// The change.
    pub change: Change,
}

/// What a run changed so far.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Conflict`] when it has not begun.
pub async fn diff_run(
    runs: &Runs,
    projects: &dyn Projects,
    repositories: &dyn Repositories,
    caller: &Caller,
    run: RunId,
) -> Result<RunChange, Error> {
    may(caller, Act::ReadRuns)?;
    let (_, state) = record::load(runs, caller, run).await?;
    let (Some(opened), Some(head)) = (state.opened(), state.head()) else {
        return Err(Error::Conflict {
            message: format!("run `{run}` has changed nothing yet"),
            remedy: Some(format!("follow it with `miyabi watch {run}`")),
        });
    };
    let project = projects.find(caller.tenant, state.spec.project).await?;
    let project = project.ok_or_else(|| Error::not_found("project", state.spec.project))?;
    let change = repositories.diff(&project, &opened.base, head, MAX_DIFF_BYTES).await?;
    Ok(RunChange { from: opened.base.clone(), to: head.to_owned(), change })
}

/// A part of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactPart {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Where they begin.
    pub offset: u64,
    /// The size of the whole content, in bytes.
    pub size: u64,
}

/// A part of a content that a run's journal names: outputs of commands and tools, answers, diffs. Contents that
/// other runs name stay closed to those who may only see this one.
///
/// # Errors
/// [`Error::NotFound`] when the run does not name it.
pub async fn read_artifact(
    runs: &Runs,
    caller: &Caller,
    run: RunId,
    digest: Digest,
    offset: u64,
    length: u64,
) -> Result<ArtifactPart, Error> {
    may(caller, Act::ReadRuns)?;
    let (stored, _) = record::load(runs, caller, run).await?;
    let name = digest.to_string();
    let is_named = stored
        .iter()
        .any(|stored| serde_json::to_string(&stored.event).is_ok_and(|json| json.contains(&name)));
    let size = if is_named { runs.artifacts.size(digest).await? } else { None };
    let size = size.ok_or_else(|| Error::not_found("artifact", digest))?;
    let length = usize::try_from(length.min(MAX_PART_BYTES)).unwrap_or(usize::MAX);
    let bytes = runs.artifacts.read(digest, offset.min(size), length).await?;
    Ok(ArtifactPart { bytes, offset: offset.min(size), size })
}
