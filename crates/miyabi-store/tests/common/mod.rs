//! Stores to test with.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use miyabi_store::conformance::fixture::START;
use miyabi_store::{DataFolder, Keys, Store};

/// Opens a store in a folder that nobody else has open.
pub(crate) async fn open(folder: &Path) -> Store {
    let folder = DataFolder::open(folder).unwrap();
    Store::open(folder, Keys::File, START).await.unwrap()
}
