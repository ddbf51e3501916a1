//! Why a use case was not carried out: what happened, its stable code, and what to do next, each on its own.

use std::fmt;

use crate::config::Problems;
use crate::error::{ErrorCode, Failure};
use crate::id::RunId;
use crate::port::{artifacts, journal, records};
use crate::stop::Stop;

/// A field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field, as in the request.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.field, self.message)
    }
}

/// A next step that may help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// What it does, in a few words.
    pub text: String,
    /// The command that does it.
    pub command: Option<String>,
}

impl Hint {
    fn command(text: &str, command: impl Into<String>) -> Self {
        Self { text: text.to_owned(), command: Some(command.into()) }
    }

    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), command: None }
    }
}

/// Why a use case was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The named thing does not exist for this tenant.
    #[error("no {kind} `{name}`")]
    NotFound {
        /// What kind of thing.
        kind: &'static str,
        /// Which one.
        name: String,
    },
    /// A short name fits more than one thing.
    #[error("`{name}` fits more than one {kind}: {}", candidates.join(", "))]
    Ambiguous {
        /// What kind of thing.
        kind: &'static str,
        /// What was given.
        name: String,
        /// What it fits.
        candidates: Vec<String>,
    },
    /// The request is wrong.
    #[error("the request is wrong: {}", list(.0))]
    Invalid(Vec<FieldProblem>),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] Problems),
    /// A role has no model, or one that nobody knows.
    #[error("{}", model_words(role, model.as_deref()))]
    ModelUnknown {
        /// The role.
        role: String,
        /// The model it names, if it names one.
        model: Option<String>,
    },
    /// The text was to carry a patch and carries none.
    #[error("the text carries no patch: neither a unified diff nor the output of `git format-patch`")]
    PatchMissing,
    /// The run has ended.
    #[error("run `{run}` has ended: {}", stop.cause)]
    RunEnded {
        /// The run.
        run: RunId,
        /// How.
        stop: Stop,
    },
    /// The run has not ended, and must have.
    #[error("run `{run}` has not ended")]
    RunActive {
        /// The run.
        run: RunId,
    },
    /// The run asks for no decision.
    #[error("run `{run}` does not wait for a decision")]
    NotWaiting {
        /// The run.
        run: RunId,
    },
    /// Somebody else was faster.
    #[error("`{approval}` of run `{run}` was decided by {by} already")]
    Decided {
        /// The run.
        run: RunId,
        /// The question.
        approval: String,
        /// Who decided.
        by: String,
    },
    /// The decision was about another version than the one that waits.
    #[error("run `{run}` waits for a decision about `{current}`, not about `{given}`")]
    Stale {
        /// The run.
        run: RunId,
        /// What the decision was about.
        given: String,
        /// What waits.
        current: String,
    },
    /// It changed since it was looked at, or is in use.
    #[error("{message}")]
    Conflict {
        /// What stands in the way.
        message: String,
        /// What to do about it.
        remedy: Option<String>,
    },
    /// The caller may not.
    #[error("{name} may not {act}")]
    Permission {
        /// The caller.
        name: String,
        /// What they wanted, in words.
        act: &'static str,
    },
    /// Something outside failed; the failure has words for people.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// The records failed.
    #[error(transparent)]
    Records(#[from] records::Error),
    /// The artifacts failed.
    #[error(transparent)]
    Artifacts(#[from] artifacts::Error),
}

impl Error {
    /// One wrong field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem { field: field.into(), message: message.into() }])
    }

    /// A thing that does not exist.
    pub fn not_found(kind: &'static str, name: impl fmt::Display) -> Self {
        Self::NotFound { kind, name: name.to_string() }
    }

    /// The stable name.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound { kind: "project", .. } => ErrorCode::ProjectUnknown,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::Ambiguous { .. } => ErrorCode::Ambiguous,
            Self::Invalid(_) => ErrorCode::RequestInvalid,
            Self::Config(_) => ErrorCode::ConfigInvalid,
            Self::ModelUnknown { .. } => ErrorCode::ModelUnknown,
            Self::PatchMissing => ErrorCode::PatchRejected,
            Self::RunEnded { .. } => ErrorCode::RunEnded,
            Self::NotWaiting { .. } => ErrorCode::RunNotWaiting,
            Self::Stale { .. } => ErrorCode::ApprovalStale,
            Self::RunActive { .. } | Self::Decided { .. } | Self::Conflict { .. } => ErrorCode::Conflict,
            Self::Permission { .. } => ErrorCode::PermissionMissing,
            Self::Failed(failure) => failure.code,
            Self::Journal(error) => journal_code(error),
            Self::Records(error) => records_code(error),
            Self::Artifacts(artifacts::Error::Missing(_)) => ErrorCode::ArtifactMissing,
            Self::Artifacts(artifacts::Error::Corrupt(_)) => ErrorCode::StoreCorrupt,
            Self::Artifacts(artifacts::Error::Full) => ErrorCode::StoreFull,
            Self::Artifacts(artifacts::Error::Unavailable(_)) => ErrorCode::StoreUnavailable,
        }
    }

    /// What to do next; may be empty.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::NotFound { kind: "run", .. } => vec![Hint::command("see the runs", "miyabi runs list")],
            Self::NotFound { kind: "project", .. } => {
                vec![Hint::command("connect this repository", "miyabi init")]
            }
            Self::NotFound { kind: "issue", .. } => {
                vec![Hint::command("see the issues", "miyabi issues list")]
            }
            Self::Ambiguous { .. } => vec![Hint::text("give more of the name")],
            Self::Config(problems) => {
                let hints = problems.0.iter().filter_map(|problem| problem.hint.as_ref());
                hints.map(|hint| Hint::text(hint.clone())).collect()
            }
            Self::ModelUnknown { .. } => vec![
                Hint::command("add a model", "miyabi model add"),
                Hint::command("see the models that are there", "miyabi model list"),
                Hint::text("without a model, the engines `patch` and `recipe` work"),
            ],
            Self::PatchMissing => {
                vec![Hint::text("put the diff into the text, or into a ```diff block of the issue")]
            }
            Self::RunEnded { run, .. } => {
                vec![Hint::command("start it again", format!("miyabi retry {run}"))]
            }
            Self::RunActive { run } => vec![Hint::command("stop it first", format!("miyabi stop {run}"))],
            Self::NotWaiting { run } | Self::Decided { run, .. } => {
                vec![Hint::command("see how it goes", format!("miyabi watch {run}"))]
            }
            Self::Stale { run, .. } => {
                vec![Hint::command("look at the change again", format!("miyabi diff {run}"))]
            }
            Self::Conflict { remedy: Some(remedy), .. } => vec![Hint::text(remedy.clone())],
            _ => Vec::new(),
        }
    }
}

fn journal_code(error: &journal::Error) -> ErrorCode {
    match error {
        journal::Error::Conflict { .. } => ErrorCode::Conflict,
        journal::Error::Fenced => ErrorCode::RunLeaseLost,
        journal::Error::NotFound(_) => ErrorCode::NotFound,
        journal::Error::Newer { .. } => ErrorCode::JournalNewer,
        journal::Error::Corrupt { .. } => ErrorCode::StoreCorrupt,
        journal::Error::Full => ErrorCode::StoreFull,
        journal::Error::Unavailable(_) => ErrorCode::StoreUnavailable,
    }
}

fn records_code(error: &records::Error) -> ErrorCode {
    match error {
        records::Error::NotFound { .. } => ErrorCode::NotFound,
        records::Error::Exists { .. } => ErrorCode::Conflict,
        records::Error::Fenced => ErrorCode::RunLeaseLost,
        records::Error::Full => ErrorCode::StoreFull,
        records::Error::Corrupt { .. } => ErrorCode::StoreCorrupt,
        records::Error::Unavailable(_) => ErrorCode::StoreUnavailable,
    }
}

fn model_words(role: &str, model: Option<&str>) -> String {
    match model {
        Some(model) => format!("no model `{model}` is configured for the role `{role}`"),
        None => format!("no model is configured for the role `{role}`"),
    }
}

fn list(problems: &[FieldProblem]) -> String {
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    problems.join("; ")
}
