//! Errors as the rest of the world sees them: a stable code, a class that the engine acts on, a message.

pub mod code;

use serde::{Deserialize, Serialize};

pub use code::ErrorCode;

/// What the engine does about a failure. Decided once, at the edge that knows; never read from message text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// May go away by itself: try again later.
    Retry,
    /// Only a person can remove the cause.
    NeedsPerson,
    /// Trying again gives the same result.
    Permanent,
    /// Somebody asked for it to stop; not an error.
    Cancelled,
}

/// A failure of one step, as the journal keeps it and people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What to do about it.
    pub class: FailureClass,
    /// The stable name; a page of the error reference.
    pub code: ErrorCode,
    /// What happened, to which thing, and why. No secret, no path outside the data folder, one line.
    pub message: String,
}

impl Failure {
    /// A failure that trying again can't cure.
    pub fn permanent(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { class: FailureClass::Permanent, code, message: message.into() }
    }

    /// A failure that may go away by itself.
    pub fn retry(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { class: FailureClass::Retry, code, message: message.into() }
    }

    /// A failure whose cause a person must remove.
    pub fn needs_person(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { class: FailureClass::NeedsPerson, code, message: message.into() }
    }

    /// The end of a step that was told to stop.
    pub fn cancelled() -> Self {
        Self { class: FailureClass::Cancelled, code: ErrorCode::Cancelled, message: "cancelled".into() }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
