//! How commands end: exit codes, and errors as people read them.

mod problem;
mod report;

use miyabi_core::error::ErrorCode;

pub(crate) use problem::problem_of;
pub(crate) use report::{Voice, report, report_by, unwritten};

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

/// All exit codes with their meaning, for the manual page.
pub(crate) const EXITS: &[(&str, &str)] = &[
    ("0", "Done, or what was asked for is true."),
    ("1", "Failed: the run failed or was cancelled, or the operation was refused."),
    ("2", "Wrong usage, unknown command, bad configuration."),
    ("3", "A decision by a person is needed."),
    ("4", "Not found."),
    ("5", "A permission, a key or a secret is missing."),
    ("6", "The process that owns the data folder can't be reached."),
    ("7", "Conflict: it changed since you looked."),
    ("8", "A limit was reached: budget, tokens, turns, time of the run, rate."),
    ("9", "This command's --timeout ran out; a run goes on."),
    ("10", "doctor found problems."),
    ("101", "A bug in miyabi; a report was written."),
    ("130", "Ended by Ctrl+C (SIGINT)."),
    ("143", "Ended by SIGTERM."),
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_an_error_ends_with_is_documented() {
        for code in ErrorCode::ALL {
            let exit = exit_of(*code).0.to_string();
            assert!(EXITS.iter().any(|(number, _)| *number == exit), "{code} ends with {exit}");
        }
    }
}
