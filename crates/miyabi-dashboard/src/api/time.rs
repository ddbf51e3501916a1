//! Times as people and programs read them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp as Instant;
use miyabi_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A point in time: `2026-11-23T03:54:30.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(pub Timestamp);

/// Why a text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time such as `2026-11-23T03:54:30Z`")]
pub struct ParseTimeError(String);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0.as_millis()).ok();
        // What lies beyond the year 9999 can't be written; nothing honest lies there.
        let instant =
            millis.and_then(|millis| Instant::from_millisecond(millis).ok()).unwrap_or(Instant::MAX);
        write!(f, "{instant:.3}")
    }
}

impl FromStr for Time {
    type Err = ParseTimeError;
    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        let fail = || ParseTimeError(text.chars().take(40).collect());
        let instant: Instant = text.parse().map_err(|_| fail())?;
        let millis = u64::try_from(instant.as_millisecond()).map_err(|_| fail())?;
        Ok(Self(Timestamp::from_millis(millis)))
    }
}

impl TryFrom<String> for Time {
    type Error = ParseTimeError;
    fn try_from(text: String) -> Result<Self, ParseTimeError> {
        text.parse()
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.to_string()
    }
}

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        let time = Time(Timestamp::from_millis(1_700_000_000_000));
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.000Z");
        assert_eq!("2023-11-14T23:13:20+01:00".parse(), Ok(time));
        assert_eq!(Time(Timestamp::from_millis(0)).to_string(), "1970-01-01T00:00:00.000Z");
        for text in ["", "yesterday", "2023-11-14", "1969-12-31T23:59:59Z"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn times_round_trip(millis in 0u64..253_402_300_799_000) {
            let time = Time(Timestamp::from_millis(millis));
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
