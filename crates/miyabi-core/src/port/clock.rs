//! The ports to time and chance.

use async_trait::async_trait;

use crate::time::Timestamp;

/// Wall-clock time. Tests bring their own, so that nothing has to wait.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Resolves when that time has come; at once if it has passed.
    async fn sleep_until(&self, at: Timestamp);
}

/// Random bits.
pub trait Entropy: Send + Sync {
    /// 128 random bits.
    fn draw(&self) -> u128;
}
