//! Why one request to a provider failed, classified once at the edge: by HTTP status and by the few words of the
//! providers' error bodies that carry meaning. What the router makes of it is not decided here.

mod classify;

use miyabi_core::port::model::{Error, ModelName};

pub(crate) use classify::{from_error_object, from_response};

/// The longest provider message that is kept, in characters.
const MESSAGE_CHARS: usize = 400;

/// Why one request brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The key is missing or was refused; status 0 when no key is set.
    #[error("the key was refused (HTTP {status})")]
    Authentication {
        /// The HTTP status.
        status: u16,
    },
    /// Too many requests at the moment.
    #[error("too many requests")]
    RateLimited {
        /// When to come back, in milliseconds from now, if the provider said so.
        retry_after_ms: Option<u64>,
    },
    /// The account has no credit or no quota left; waiting a minute will not help.
    #[error("the account's quota is used up")]
    QuotaExhausted,
    /// The provider could not be reached, failed, or its stream broke.
    #[error("no answer: {reason}")]
    Unavailable {
        /// What happened, in words of ours: never a body or a header.
        reason: String,
        /// When to come back, in milliseconds from now, if the provider said so.
        retry_after_ms: Option<u64>,
    },
    /// The provider refused the request as such.
    #[error("the request was refused (HTTP {status}): {message}")]
    Rejected {
        /// The HTTP status; 400 for a refusal in the middle of a stream.
        status: u16,
        /// The provider's words, bounded and without control characters.
        message: String,
    },
    /// Request and answer don't fit the model's context.
    #[error("the conversation is longer than the model's context")]
    ContextOverflow,
    /// The caller gave up.
    #[error("cancelled")]
    Cancelled,
}

impl Failure {
    /// A failure that may pass by itself, without a hint when.
    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into(), retry_after_ms: None }
    }

    /// The stream ended or went wrong before the answer was whole.
    pub(crate) fn broken_stream(detail: &str) -> Self {
        Self::unavailable(format!("broken stream: {detail}"))
    }

    /// Whether the same request may succeed later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. })
    }

    /// Whether another provider may answer instead: this one is away, busy or out of quota.
    pub const fn allows_fallback(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. } | Self::QuotaExhausted)
    }

    /// When the provider wants the next request, in milliseconds from now.
    pub const fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_ms } | Self::Unavailable { retry_after_ms, .. } => {
                *retry_after_ms
            }
            _ => None,
        }
    }

    /// The port's error for it.
    pub(crate) fn into_error(self, model: &ModelName) -> Error {
        let provider = model.provider().to_owned();
        match self {
            Self::Authentication { status } => Error::Authentication { provider, status },
            Self::RateLimited { retry_after_ms } => Error::RateLimited { provider, retry_after_ms },
            Self::QuotaExhausted => Error::RateLimited { provider, retry_after_ms: None },
            Self::Unavailable { reason, .. } => Error::Unavailable { provider, reason },
            Self::Rejected { status, message } => Error::Rejected { provider, status, message },
            Self::ContextOverflow => Error::ContextOverflow { model: model.0.clone() },
            Self::Cancelled => Error::Cancelled,
        }
    }

    /// This failure without a text that must not be shown, such as the key that a server echoed.
    pub(crate) fn without(mut self, hidden: &str) -> Self {
        if let Self::Rejected { message, .. } = &mut self
            && !hidden.is_empty()
        {
            *message = message.replace(hidden, "[key]");
        }
        self
    }
}

/// A provider's words made fit to show: one line, bounded, no control characters.
pub(crate) fn clean(message: &str) -> String {
    let mut text: String = message
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(MESSAGE_CHARS)
        .collect();
    if message.chars().nth(MESSAGE_CHARS).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_bounded_and_hold_no_controls_and_no_key() {
        let text = clean(&format!("a\u{1b}[31m\nb{}", "x".repeat(1_000)));
        assert!(!text.contains(char::is_control));
        assert_eq!(text.chars().count(), MESSAGE_CHARS + 1);
        let failure = Failure::Rejected { status: 400, message: "bad key sk-1 given".to_owned() };
        assert_eq!(
            failure.without("sk-1"),
            Failure::Rejected { status: 400, message: "bad key [key] given".to_owned() }
        );
    }
}
