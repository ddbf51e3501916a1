//! The `workspace` server: the tools with which CodeGen works on one checkout, inside the sandbox.
//!
//! Each tool is a file with the same inside: a marker type, its arguments and output, `run`, tests. Results are text
//! for the model; the structured form names stored outputs under `artifacts`.

mod apply_patch;
mod ask;
mod check;
mod edit;
mod file;
mod finish;
mod glob;
mod grep;
mod output;
mod plan;
mod read;
mod recall;
mod shell;
mod write;

use std::sync::Arc;

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::artifacts::Artifacts;
use miyabi_core::port::checkouts::Checkouts;
use miyabi_core::port::tool_host::ToolScope;
use tokio_util::sync::CancellationToken;

use crate::path;
use crate::registry::{Problem, Registry};

/// What a call works with.
pub(crate) struct Call {
    pub(crate) checkouts: Arc<dyn Checkouts>,
    pub(crate) artifacts: Arc<dyn Artifacts>,
    pub(crate) scope: ToolScope,
    /// An earlier try may have happened.
    pub(crate) is_repeat: bool,
    pub(crate) cancel: CancellationToken,
}

/// The tools, in the order in which models see them.
pub(crate) fn registry() -> Registry<Call> {
    Registry::default()
        .with::<shell::Shell>()
        .with::<read::Read>()
        .with::<grep::Grep>()
        .with::<glob::Glob>()
        .with::<edit::Edit>()
        .with::<apply_patch::ApplyPatch>()
        .with::<write::Write>()
        .with::<plan::Plan>()
        .with::<check::Check>()
        .with::<recall::Recall>()
        .with::<ask::Ask>()
        .with::<finish::Finish>()
}

/// A path that the model named.
fn checked_path(field: &str, path: &str) -> Result<String, Problem> {
    path::checked(path).map_err(|error| Problem::told(format!("`{field}`: {error}")))
}

/// What a checkout refuses because of the call's own words is said to the model; the rest it can do nothing about.
fn refused(failure: Failure) -> Problem {
    match failure.code {
        ErrorCode::RequestInvalid | ErrorCode::NotFound | ErrorCode::Conflict => {
            Problem::told(failure.message)
        }
        _ => Problem::Failure(failure),
    }
}

/// Refuses a text that is longer than a field may be.
fn at_most(field: &str, text: &str, max_bytes: usize) -> Result<(), Problem> {
    if text.len() <= max_bytes {
        return Ok(());
    }
    Err(Problem::told(format!("`{field}` has {} bytes; at most {max_bytes} are taken", text.len())))
}

#[cfg(test)]
mod tests;
