//! The machine's clock and entropy.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use miyabi_core::port::clock::{Clock, Entropy};
use miyabi_core::time::Timestamp;

/// The longest single wait: a clock that is set in between is noticed after this time.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The machine's clock.
pub(crate) struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.millis_since(self.now());
            if left == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(left).min(LONGEST_SLEEP)).await;
        }
    }
}

/// The kernel's random numbers.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn draw(&self) -> u128 {
        let mut bytes = [0; 16];
        // The kernel's generator does not fail once it is seeded. If it ever does, the time alone is left, which
        // keeps ids unique within one process.
        if getrandom::fill(&mut bytes).is_err() {
            return u128::from(SystemClock.now().as_millis()) << 40;
        }
        u128::from_le_bytes(bytes)
    }
}
