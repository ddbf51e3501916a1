//! Who works on a checkout, and what is remembered of it between two looks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use miyabi_core::port::checkouts::CheckoutId;
use tokio::sync::OwnedMutexGuard;

use crate::snapshot::{Memory, Tracked};

/// Of how many checkouts something is remembered. A forgotten one is read anew, which costs a second at most.
const REMEMBERED: usize = 64;

/// What is remembered of a checkout.
#[derive(Debug, Default)]
pub(super) struct Seat {
    pub(super) memory: Memory,
    /// Paths of the commit that it stands on.
    pub(super) tracked: Option<Arc<Tracked>>,
}

impl Seat {
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(super) fn forget_tracked(&mut self) {
        self.tracked = None;
    }
}

#[derive(Debug)]
struct Kept {
    seat: Arc<tokio::sync::Mutex<Seat>>,
    used: u64,
}

/// All checkouts' seats.
#[derive(Debug, Default)]
pub(super) struct Seats {
    kept: Mutex<HashMap<CheckoutId, Kept>>,
    clock: AtomicU64,
}

impl Seats {
    /// Waits until nobody else works on the checkout. Commands are not counted: they run as the engine orders them.
    pub(super) async fn take(&self, id: &CheckoutId) -> OwnedMutexGuard<Seat> {
        let seat = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let used = self.clock.fetch_add(1, Ordering::Relaxed);
            if kept.len() >= REMEMBERED && !kept.contains_key(id) {
                forget_oldest(&mut kept);
            }
            let seat = kept.entry(id.clone()).or_insert_with(|| Kept { seat: Arc::default(), used });
            seat.used = used;
            Arc::clone(&seat.seat)
        };
        seat.lock_owned().await
    }
}

/// Forgets the one that was not used for longest, among those that nobody works on.
fn forget_oldest(kept: &mut HashMap<CheckoutId, Kept>) {
    let free = kept.iter().filter(|(_, kept)| Arc::strong_count(&kept.seat) == 1);
    let oldest = free.min_by_key(|(_, kept)| kept.used).map(|(id, _)| id.clone());
    if let Some(oldest) = oldest {
        kept.remove(&oldest);
    }
}
