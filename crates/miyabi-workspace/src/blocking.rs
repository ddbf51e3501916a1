//! Work that blocks, away from the threads that serve everybody.

use std::panic::resume_unwind;

/// Runs blocking work on a thread for it. The work goes on to its end if the future is dropped.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // Only a runtime that is shutting down refuses work, and then nobody waits for this.
            Err(_) => std::future::pending().await,
        },
    }
}
