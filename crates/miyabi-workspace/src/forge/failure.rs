//! Failures of the local forge, in the classes that the engine acts on.

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::records;

pub(super) fn not_found(message: String) -> Failure {
    Failure::permanent(ErrorCode::NotFound, message)
}

pub(super) fn conflict(message: String) -> Failure {
    Failure::permanent(ErrorCode::Conflict, message)
}

pub(super) fn invalid(message: String) -> Failure {
    Failure::permanent(ErrorCode::RequestInvalid, message)
}

pub(super) fn from_records(error: records::Error) -> Failure {
    match error {
        records::Error::NotFound { kind, name } => not_found(format!("no {kind} `{name}`")),
        records::Error::Exists { kind, name } => conflict(format!("{kind} `{name}` exists already")),
        records::Error::Unavailable(reason) => {
            Failure::retry(ErrorCode::StoreUnavailable, format!("the database can't be reached: {reason}"))
        }
        error @ records::Error::Corrupt { .. } => {
            Failure::needs_person(ErrorCode::StoreCorrupt, error.to_string())
        }
        error @ records::Error::Fenced => Failure::permanent(ErrorCode::RunLeaseLost, error.to_string()),
        error @ records::Error::Full => Failure::needs_person(ErrorCode::StoreFull, error.to_string()),
    }
}
