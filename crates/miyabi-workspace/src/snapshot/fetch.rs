//! Contents out of packs: neighbours come together, because most files are small.

use miyabi_core::digest::Digest;

use super::Store;
use super::error::Error;
use super::manifest::Location;

/// How much is read at once.
pub(super) const WINDOW_BYTES: usize = 4 * 1024 * 1024;

/// A reader of packs that keeps what it read last.
pub(super) struct Contents<'a> {
    store: &'a Store,
    window: Option<(Digest, u64, Vec<u8>)>,
}

impl<'a> Contents<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, window: None }
    }

    /// At most [`WINDOW_BYTES`] from a place; fewer at the pack's end.
    pub(super) async fn read(&mut self, at: Location, length: usize) -> Result<Vec<u8>, Error> {
        if let Some((pack, begin, bytes)) = &self.window
            && *pack == at.pack
            && let Some(skip) = at.offset.checked_sub(*begin).and_then(|skip| usize::try_from(skip).ok())
            && let Some(found) = bytes.get(skip..skip.saturating_add(length))
        {
            return Ok(found.to_vec());
        }
        let bytes = self.store.read(at.pack, at.offset, WINDOW_BYTES).await?;
        let found = bytes[..length.min(bytes.len())].to_vec();
        self.window = Some((at.pack, at.offset, bytes));
        Ok(found)
    }
}
