//! Retries as a value: how often, how long between, and when it is over. Decides only; the waiting is done by the
//! caller.

use serde::{Deserialize, Serialize};

use crate::ambient::{Chance, Clock};
use crate::failure::Failure;

/// When a failed request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Requests in all, the first one included; 1 means no retry. 0 counts as 1.
    pub max_attempts: u32,
    /// The longest wait before the second request, in milliseconds. It doubles with each further one; the actual
    /// wait is drawn evenly from zero to it ("full jitter"), so that many clients don't come back at once.
    pub base_ms: u64,
    /// No wait of our own choice is longer than this, in milliseconds. A provider's `Retry-After` may be.
    pub cap_ms: u64,
    /// From the first request to the end of the last, in milliseconds. A wait that doesn't fit, also one that the
    /// provider asks for, ends the retries at once, so that a fallback or a later attempt of the step gets its turn.
    pub total_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 5, base_ms: 500, cap_ms: 30_000, total_ms: 900_000 }
    }
}

impl RetryPolicy {
    /// One request, no retry.
    pub const fn none() -> Self {
        Self { max_attempts: 1, base_ms: 0, cap_ms: 0, total_ms: 900_000 }
    }

    /// How long to wait before the next request, in milliseconds; `None` when there is none.
    ///
    /// `attempt` is the number of requests sent, `elapsed_ms` the time since the first began.
    pub fn wait_ms(
        &self,
        attempt: u32,
        elapsed_ms: u64,
        failure: &Failure,
        chance: &dyn Chance,
    ) -> Option<u64> {
        if attempt >= self.max_attempts || !failure.is_transient() {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(32);
        let ceiling_ms = self.base_ms.saturating_mul(1 << doublings).min(self.cap_ms);
        let drawn_ms = chance.up_to(ceiling_ms);
        // The provider's word is a lower bound; jitter on top keeps clients apart that were told the same.
        let wait_ms = failure.retry_after_ms().map_or(drawn_ms, |least_ms| least_ms.saturating_add(drawn_ms));
        (elapsed_ms.saturating_add(wait_ms) < self.total_ms).then_some(wait_ms)
    }
}

/// The longest `Retry-After` believed, in milliseconds: a day. What is above it is a mistake of the server.
pub const RETRY_AFTER_CAP_MS: u64 = 86_400_000;

/// Reads when to come back from `retry-after-ms` (OpenAI's and Azure's addition, milliseconds) and `Retry-After`
/// (RFC 9110 section 10.2.3: whole seconds or an HTTP date; some servers send fractions). At most
/// [`RETRY_AFTER_CAP_MS`]; `None` when neither header makes sense.
pub fn retry_after_ms(
    retry_after_ms: Option<&str>,
    retry_after: Option<&str>,
    clock: &dyn Clock,
) -> Option<u64> {
    retry_after_ms
        .and_then(|text| scaled(text, 1.0))
        .or_else(|| retry_after.and_then(|text| scaled(text, 1000.0).or_else(|| until(text, clock))))
        .map(|wait_ms| wait_ms.min(RETRY_AFTER_CAP_MS))
}

/// A length of time such as Google's `RetryInfo.retryDelay` gives it: `3.5s`.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    scaled(text.strip_suffix('s')?, 1000.0).map(|wait_ms| wait_ms.min(RETRY_AFTER_CAP_MS))
}

fn scaled(text: &str, factor: f64) -> Option<u64> {
    let number: f64 = text.trim().parse().ok()?;
    let millis = (number * factor).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be finite and not negative; the cast saturates at the top"
    )]
    (millis.is_finite() && millis >= 0.0).then_some(millis as u64)
}

fn until(text: &str, clock: &dyn Clock) -> Option<u64> {
    let at = httpdate::parse_http_date(text.trim()).ok()?;
    let since_epoch = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    let at_ms = u64::try_from(since_epoch.as_millis()).ok()?;
    Some(at_ms.saturating_sub(clock.now().as_millis()))
}

#[cfg(test)]
mod tests {
    use miyabi_core::time::Timestamp;

    use super::*;

    struct Fixed(u64);
    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0)
        }
    }

    struct Most;
    impl Chance for Most {
        fn up_to(&self, limit: u64) -> u64 {
            limit
        }
    }

    fn busy(retry_after_ms: Option<u64>) -> Failure {
        Failure::RateLimited { retry_after_ms }
    }

    #[test]
    fn waits_double_up_to_the_cap_and_end() {
        let policy = RetryPolicy { max_attempts: 6, base_ms: 100, cap_ms: 500, total_ms: 10_000 };
        let waits: Vec<_> = (1..=6).map(|attempt| policy.wait_ms(attempt, 0, &busy(None), &Most)).collect();
        assert_eq!(waits, [Some(100), Some(200), Some(400), Some(500), Some(500), None]);
        assert_eq!(policy.wait_ms(1, 9_950, &busy(None), &Most), None, "total time is spent");
    }

    #[test]
    fn a_providers_wait_is_kept_or_ends_the_retries() {
        let policy = RetryPolicy { max_attempts: 9, base_ms: 10, cap_ms: 20, total_ms: 10_000 };
        assert_eq!(policy.wait_ms(1, 0, &busy(Some(5_000)), &Most), Some(5_010));
        assert_eq!(policy.wait_ms(1, 0, &busy(Some(60_000)), &Most), None);
    }

    #[test]
    fn final_failures_are_not_repeated() {
        let policy = RetryPolicy::default();
        for failure in [
            Failure::Authentication { status: 401 },
            Failure::QuotaExhausted,
            Failure::ContextOverflow,
            Failure::Rejected { status: 400, message: String::new() },
            Failure::Cancelled,
        ] {
            assert_eq!(policy.wait_ms(1, 0, &failure, &Most), None, "{failure}");
        }
        assert_eq!(RetryPolicy::none().wait_ms(1, 0, &busy(None), &Most), None);
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let clock = Fixed(784_111_777_000);
        let read = |millis: Option<&str>, seconds: Option<&str>| retry_after_ms(millis, seconds, &clock);
        assert_eq!(read(None, Some("3")), Some(3_000));
        assert_eq!(read(None, Some(" 1.5 ")), Some(1_500));
        assert_eq!(read(Some("250"), Some("3")), Some(250));
        assert_eq!(read(Some("soon"), Some("3")), Some(3_000));
        assert_eq!(read(None, Some("Sun, 06 Nov 1994 08:50:07 GMT")), Some(30_000));
        assert_eq!(read(None, Some("Sun, 06 Nov 1994 08:00:00 GMT")), Some(0), "a date gone by");
        assert_eq!(read(None, Some("99999999999")), Some(RETRY_AFTER_CAP_MS));
        for nonsense in ["-1", "NaN", "inf", "", "tomorrow"] {
            assert_eq!(read(None, Some(nonsense)), None, "{nonsense}");
        }
        assert_eq!(duration_ms("3.5s"), Some(3_500));
        assert_eq!(duration_ms("3"), None);
    }
}
