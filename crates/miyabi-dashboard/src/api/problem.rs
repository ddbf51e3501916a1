//! Errors as RFC 9457 problem documents, with our stable code, hints and the request's id.

use std::fmt;

use miyabi_core::error::ErrorCode;
use miyabi_core::usecase;
use serde::{Deserialize, Serialize};

/// Why a request was not carried out. Its texts are boxed to keep results small that carry it as their error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The kind of problem as a URI: `urn:miyabi:error:RUN_ENDED`.
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// The kind in words.
    pub title: Box<str>,
    /// The HTTP status.
    pub status: u16,
    /// What happened, to which thing, and why.
    pub detail: Box<str>,
    /// The stable name; a page of the error reference (`miyabi help <code>`).
    pub code: ErrorCode,
    /// What to do next.
    pub hints: Vec<Hint>,
    /// Fields of the request, or keys of the configuration, that are wrong.
    pub errors: Vec<FieldProblem>,
    /// The request, as logs name it; empty when no server was reached.
    pub request_id: Box<str>,
}

/// A next step that may help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// What it does, in a few words.
    pub text: String,
    /// The command that does it.
    pub command: Option<String>,
}

/// Something wrong in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldProblem {
    /// The field of the request, or the key of the configuration.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl Problem {
    /// A problem of this code.
    pub fn new(code: ErrorCode, detail: impl Into<Box<str>>) -> Self {
        Self {
            kind: format!("urn:miyabi:error:{code}").into(),
            title: code.as_str().to_ascii_lowercase().replace('_', " ").into(),
            status: status_of(code),
            detail: detail.into(),
            code,
            hints: Vec::new(),
            errors: Vec::new(),
            request_id: Box::default(),
        }
    }

    /// The same with another HTTP status, where that says more than the code's own.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same with one wrong field.
    #[must_use]
    pub fn with_error(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push(FieldProblem { field: field.into(), message: message.into() });
        self
    }

    /// The same with one more hint.
    #[must_use]
    pub fn with_hint(mut self, text: impl Into<String>, command: Option<&str>) -> Self {
        self.hints.push(Hint { text: text.into(), command: command.map(str::to_owned) });
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

impl From<usecase::Error> for Problem {
    fn from(error: usecase::Error) -> Self {
        let mut problem = Self::new(error.code(), error.to_string());
        problem.hints =
            error.hints().into_iter().map(|hint| Hint { text: hint.text, command: hint.command }).collect();
        problem.errors = match error {
            usecase::Error::Invalid(fields) => fields
                .into_iter()
                .map(|field| FieldProblem { field: field.field, message: field.message })
                .collect(),
            usecase::Error::Config(problems) => problems
                .0
                .into_iter()
                .map(|problem| FieldProblem {
                    message: format!("{} ({})", problem.message, problem.origin),
                    field: problem.key,
                })
                .collect(),
            _ => Vec::new(),
        };
        problem
    }
}

/// The HTTP status, chosen by what the reader will do: 400 mend the request, 403 ask for a right, 404 look for the
/// right name, 409 look again, 422 mend what the request is about, 429 and 503 try later, 502 look at the provider,
/// 507 make room, 500 report it.
fn status_of(code: ErrorCode) -> u16 {
    use ErrorCode as E;
    match code {
        E::RequestInvalid | E::UsageInvalid => 400,
        E::PermissionMissing | E::PolicyRefused => 403,
        E::NotFound | E::ProjectUnknown | E::ArtifactMissing => 404,
        E::Conflict
        | E::Ambiguous
        | E::RunEnded
        | E::RunNotWaiting
        | E::ApprovalStale
        | E::BranchDiverged
        | E::BranchMoved
        | E::CheckoutDirty
        | E::MergeConflict
        | E::Cancelled => 409,
        E::ConfigInvalid
        | E::IdempotencyMismatch
        | E::ModelUnknown
        | E::ScriptInvalid
        | E::PatchRejected
        | E::NotARepository
        | E::RepositoryTooLarge
        | E::RevisionInvalid
        | E::ImportRefused
        | E::SetupFailed
        | E::GateFailed
        | E::ReviewFailed
        | E::PlanInvalid
        | E::BuildFailed
        | E::Unhealthy
        | E::DeployNotConfigured
        | E::SecretMissing => 422,
        E::ModelRateLimited => 429,
        E::ModelAuthentication
        | E::ModelUnavailable
        | E::ModelRejected
        | E::ModelContextOverflow
        | E::ModelUnusable => 502,
        E::StoreUnavailable
        | E::DataFolderBusy
        | E::ServerUnreachable
        | E::RunLeaseLost
        | E::SandboxUnavailable
        | E::GitUnavailable => 503,
        E::StoreFull => 507,
        _ => 500,
    }
}
