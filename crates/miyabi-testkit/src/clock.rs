//! Time that a test moves by hand.

use async_trait::async_trait;
use miyabi_core::port::clock::Clock;
use miyabi_core::time::Timestamp;
use tokio::sync::watch;

/// When tests begin unless they say otherwise: 2025-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_millis(1_735_689_600_000);

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
    sleepers: watch::Sender<usize>,
    skips_sleep: bool,
}

impl ManualClock {
    /// Stands at [`START`]; whoever sleeps waits for [`ManualClock::advance_ms`].
    pub fn new() -> Self {
        Self::at(START)
    }

    /// Stands at a time.
    pub fn at(now: Timestamp) -> Self {
        Self { now: watch::Sender::new(now), sleepers: watch::Sender::new(0), skips_sleep: false }
    }

    /// Starts at [`START`], and whoever sleeps moves the clock to the end of the sleep instead of waiting.
    pub fn skipping() -> Self {
        Self { skips_sleep: true, ..Self::new() }
    }

    /// Moves time forward and wakes whoever has slept long enough.
    pub fn advance_ms(&self, millis: u64) {
        self.now.send_modify(|now| *now = now.plus_millis(millis));
    }

    /// Moves time to a point, also backwards, as wall clocks may.
    pub fn set(&self, at: Timestamp) {
        self.now.send_replace(at);
    }

    /// Resolves when at least so many callers sleep, so that a test moves the clock at the right moment.
    pub async fn until_sleeping(&self, count: usize) {
        let mut sleepers = self.sleepers.subscribe();
        // The sender lives in `self`, so the channel can't close while this waits.
        let _ = sleepers.wait_for(|now| *now >= count).await;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts a sleeper for as long as its future lives.
struct Sleeper<'clock>(&'clock watch::Sender<usize>);

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        if self.skips_sleep {
            self.now.send_modify(|now| *now = at.max(*now));
            // Others get their turn, as they would during a real sleep.
            tokio::task::yield_now().await;
            return;
        }
        let mut now = self.now.subscribe();
        self.sleepers.send_modify(|count| *count += 1);
        let _sleeper = Sleeper(&self.sleepers);
        let _ = now.wait_for(|now| *now >= at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleep_ends_when_its_time_has_come_and_not_before() {
        let clock = ManualClock::new();
        let until = START.plus_millis(100);
        let mut sleep = std::pin::pin!(clock.sleep_until(until));
        tokio::select! {
            biased;
            () = &mut sleep => panic!("woke at once"),
            () = clock.until_sleeping(1) => clock.advance_ms(99),
        }
        tokio::select! {
            biased;
            () = &mut sleep => panic!("woke too early"),
            () = tokio::task::yield_now() => clock.advance_ms(1),
        }
        sleep.await;
        assert_eq!(clock.now(), until);
    }

    #[tokio::test]
    async fn a_skipping_clock_never_waits() {
        let clock = ManualClock::skipping();
        clock.sleep_until(START.plus_millis(86_400_000)).await;
        assert_eq!(clock.now(), START.plus_millis(86_400_000));
        clock.sleep_until(START).await;
        assert_eq!(clock.now(), START.plus_millis(86_400_000));
    }
}
