//! How commands end: exit codes, and errors as people read them.

use std::io::Write as _;

use miyabi_core::config::Problems;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_dashboard::api::{Hint, Problem};
use miyabi_store::FolderError;

use crate::context::Context;
use crate::style::{Painter, Role};

/// What a command's end says to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit(pub(crate) u8);

impl Exit {
    /// Done, or what was asked for is true.
    pub(crate) const OK: Self = Self(0);
    /// Failed.
    pub(crate) const FAILED: Self = Self(1);
    /// Wrong usage or configuration.
    pub(crate) const USAGE: Self = Self(2);
    /// A person must decide.
    pub(crate) const NEEDS_PERSON: Self = Self(3);
    /// `--timeout` ran out.
    pub(crate) const TIMED_OUT: Self = Self(9);
    /// `doctor` found problems.
    pub(crate) const UNHEALTHY: Self = Self(10);
    /// Ended by SIGINT.
    pub(crate) const INTERRUPTED: Self = Self(130);
}

/// The exit code of an error.
pub(crate) fn exit_of(code: ErrorCode) -> Exit {
    Exit(match code {
        ErrorCode::UsageInvalid
        | ErrorCode::ConfigInvalid
        | ErrorCode::RequestInvalid
        | ErrorCode::ScriptInvalid => 2,
        ErrorCode::NotFound
        | ErrorCode::ProjectUnknown
        | ErrorCode::ArtifactMissing
        | ErrorCode::NotARepository => 4,
        ErrorCode::PermissionMissing | ErrorCode::SecretMissing | ErrorCode::ModelAuthentication => 5,
        ErrorCode::ServerUnreachable | ErrorCode::DataFolderBusy => 6,
        ErrorCode::Conflict
        | ErrorCode::ApprovalStale
        | ErrorCode::BranchMoved
        | ErrorCode::BranchDiverged
        | ErrorCode::RunEnded
        | ErrorCode::RunNotWaiting
        | ErrorCode::IdempotencyMismatch => 7,
        ErrorCode::ModelRateLimited => 8,
        _ => 1,
    })
}

/// An error of the command line itself: wrong words, a missing file.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct UsageError {
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) fix: Option<String>,
}

/// A usage error with its cure.
pub(crate) fn usage(message: impl Into<String>, fix: impl Into<String>) -> anyhow::Error {
    UsageError { message: message.into(), fix: Some(fix.into()) }.into()
}

/// Any error as the problem document that `--json` prints.
pub(crate) fn problem_of(error: &anyhow::Error) -> Problem {
    for cause in error.chain() {
        if let Some(problem) = cause.downcast_ref::<Problem>() {
            return problem.clone();
        }
        if let Some(usage) = cause.downcast_ref::<UsageError>() {
            let problem = Problem::new(ErrorCode::UsageInvalid, usage.message.clone());
            return match &usage.fix {
                Some(fix) => problem.with_hint(fix.clone(), None),
                None => problem,
            };
        }
        if let Some(problems) = cause.downcast_ref::<Problems>() {
            return Problem::new(ErrorCode::ConfigInvalid, problems.to_string());
        }
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return Problem::new(failure.code, failure.message.clone());
        }
        if let Some(folder) = cause.downcast_ref::<FolderError>() {
            return Problem::new(folder.code(), chain(error));
        }
        if let Some(store) = cause.downcast_ref::<miyabi_store::Error>() {
            return Problem::new(store.code(), chain(error));
        }
    }
    Problem::new(ErrorCode::Internal, chain(error))
}

fn chain(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ")
}

/// Prints an error to standard error: as JSON if that was asked for, else what, why, fix and where to read more.
pub(crate) fn report(context: Option<&Context>, error: &anyhow::Error) -> Exit {
    let problem = problem_of(error);
    let painter = context.map_or(Painter { color: false, unicode: false }, Context::error_painter);
    let text = if context.is_some_and(Context::is_json) {
        serde_json::to_string(&problem).unwrap_or_else(|_| problem.detail.to_string())
    } else {
        render(&problem, painter)
    };
    let mut err = std::io::stderr().lock();
    // Standard error is closed: the exit code says it all the same.
    let _ = writeln!(err, "{text}");
    exit_of(problem.code)
}

fn render(problem: &Problem, painter: Painter) -> String {
    let mut lines = vec![format!("{} {}", painter.paint(Role::Bad, "error:"), problem.detail)];
    for field in &problem.errors {
        lines.push(format!("  why: {}: {}", field.field, field.message));
    }
    for Hint { text, command } in &problem.hints {
        lines.push(match command {
            Some(command) => format!("  fix: {command}    ({text})"),
            None => format!("  fix: {text}"),
        });
    }
    let request = if problem.request_id.is_empty() {
        String::new()
    } else {
        format!("  request {}", problem.request_id)
    };
    lines.push(painter.paint(Role::Dim, &format!("  ref: {}{request}", problem.code)));
    lines.push(painter.paint(Role::Dim, &format!("  docs: miyabi help {}", problem.code)));
    lines.join("\n")
}
