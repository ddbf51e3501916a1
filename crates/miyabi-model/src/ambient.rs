//! What the clients take from the world besides the network: the time of day and chance. Injected, so that tests
//! know both. Waiting goes through tokio's timer, which tests can pause.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use miyabi_core::time::Timestamp;

/// Tells the time of day; only needed to read dates in `Retry-After`.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// Draws the jitter of back-offs. Needs to be spread, not secret.
pub trait Chance: Send + Sync {
    /// A number from 0 to `limit`, both included.
    fn up_to(&self, limit: u64) -> u64;
}

/// The clock and the chance that a router works with.
#[derive(Clone)]
pub struct Ambient {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The source of jitter.
    pub chance: Arc<dyn Chance>,
}

impl Ambient {
    /// The machine's clock, and chance from the standard library's random hash keys.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), chance: Arc::new(HashedChance) }
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Each `RandomState` has new keys, so the hash of nothing is a fresh number; enough to spread retries, and no
/// dependency for it.
struct HashedChance;

impl Chance for HashedChance {
    fn up_to(&self, limit: u64) -> u64 {
        let drawn = RandomState::new().build_hasher().finish();
        limit.checked_add(1).map_or(drawn, |count| drawn % count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_stays_within_its_limit_and_varies() {
        let drawn: Vec<_> = (0..64).map(|_| HashedChance.up_to(9)).collect();
        assert!(drawn.iter().all(|number| *number <= 9));
        assert!(drawn.iter().any(|number| *number != drawn[0]));
        assert_eq!(HashedChance.up_to(0), 0);
    }
}
