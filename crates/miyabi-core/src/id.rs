//! Identifiers: a readable prefix and a ULID, one type per kind of thing.
//!
//! Two kinds can't be mixed up by accident, and an id in a log tells what it names. Ids are minted from a
//! time and 80 random bits that the caller brings, because this crate has neither clock nor entropy.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::time::Timestamp;

/// Why a text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}_<26 letters and digits>`")]
pub struct ParseIdError {
    /// The text that was given.
    pub text: String,
    /// The prefix that ids of this kind have.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            /// What the text form begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Mints an id from a time and random bits (the lower 80 are used).
            pub fn mint(at: Timestamp, random: u128) -> Self {
                Self(Ulid::from_parts(at.as_millis(), random))
            }

            /// The time at which the id was minted.
            pub fn minted_at(self) -> Timestamp {
                Timestamp::from_millis(self.0.timestamp_ms())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.to_string().to_ascii_lowercase())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let fail = || ParseIdError { text: text.chars().take(64).collect(), prefix: $prefix };
                let ulid = text.strip_prefix(concat!($prefix, "_")).ok_or_else(fail)?;
                Ulid::from_string(ulid).map(Self).map_err(|_| fail())
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;
            fn try_from(text: String) -> Result<Self, ParseIdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )*};
}

ids! {
    /// Who owns and pays.
    TenantId = "tenant";
    /// A repository connected to a tenant.
    ProjectId = "project";
    /// An issue of the local forge.
    IssueId = "issue";
    /// One journey from trigger to outcome.
    RunId = "run";
    /// A request for a person's decision.
    ApprovalId = "approval";
    /// One built version of a project.
    ReleaseId = "release";
    /// One attempt to bring a release to a target.
    DeploymentId = "deployment";
    /// One request to the API, as logs and error documents name it.
    RequestId = "req";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_is_lower_case() {
        let id = RunId::mint(Timestamp::from_millis(1_700_000_000_000), 42);
        let text = id.to_string();
        assert_eq!(text, text.to_ascii_lowercase());
        assert_eq!(text.parse::<RunId>(), Ok(id));
        assert_eq!(id.minted_at().as_millis(), 1_700_000_000_000);
    }

    #[test]
    fn another_kind_is_refused() {
        let id = RunId::mint(Timestamp::from_millis(1), 1).to_string();
        assert!(id.parse::<ProjectId>().is_err());
        assert!("run_".parse::<RunId>().is_err());
        assert!("run_../../etc/passwd".parse::<RunId>().is_err());
    }
}
