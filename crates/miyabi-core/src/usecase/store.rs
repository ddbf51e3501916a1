//! What the store holds, for people.

use super::{Act, Caller, Error, may};
use crate::port::retention::{StoreFacts, StoreInfo};

/// Version and sizes of the store.
///
/// # Errors
/// Those of the store.
pub async fn get_store_facts(store: &dyn StoreInfo, caller: &Caller) -> Result<StoreFacts, Error> {
    may(caller, Act::ReadStore)?;
    Ok(store.facts().await?)
}
