//! Waiting for a condition, with a deadline, saying at the end what was seen last.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(5);

/// How long tests wait for something that should happen at once. Long, because machines that run tests are slow;
/// a test that passes never waits for it.
pub const SOON: Duration = Duration::from_secs(20);

/// Looks until there is an answer, or panics with the last state when the time is over.
///
/// `look` returns `Ok` with what was waited for, or `Err` with the state as it is, for the message.
#[track_caller]
pub fn until<T, S: fmt::Debug>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<T, S>,
) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let began = Instant::now();
        loop {
            let state = match look().await {
                Ok(found) => return found,
                Err(state) => state,
            };
            if began.elapsed() > limit {
                panic!("{caller}: waited {limit:?} for {what}; last seen: {state:?}");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

/// [`until`] for tests without a runtime.
#[track_caller]
pub fn until_blocking<T, S: fmt::Debug>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<T, S>,
) -> T {
    let began = Instant::now();
    loop {
        let state = match look() {
            Ok(found) => return found,
            Err(state) => state,
        };
        assert!(began.elapsed() <= limit, "waited {limit:?} for {what}; last seen: {state:?}");
        std::thread::sleep(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_answer_comes_as_soon_as_there_is_one() {
        let mut looks = 0;
        let found = until("three looks", SOON, async || {
            looks += 1;
            if looks == 3 { Ok(looks) } else { Err(looks) }
        })
        .await;
        assert_eq!(found, 3);
    }

    #[test]
    #[should_panic(expected = "for the impossible; last seen: \"still waiting\"")]
    fn the_end_tells_what_was_seen_last() {
        until_blocking("the impossible", Duration::ZERO, || Err::<(), _>("still waiting"));
    }
}
