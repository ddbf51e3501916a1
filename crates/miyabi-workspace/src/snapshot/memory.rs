//! What is remembered of a checkout between two snapshots, so that the next reads only what has changed.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use miyabi_core::digest::Digest;

use super::Store;
use super::manifest::{self, Entries, Entry, Location};
use super::walk::Stamp;

/// How coarse the clock of file systems may be. A file that changed less than this before it was looked at may change
/// once more without a change of its stamp.
const GRANULARITY: Duration = Duration::from_millis(20);

/// The snapshot that later ones are told by their difference from.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) digest: Digest,
    pub(super) entries: Entries,
}

/// What is known of a checkout. Losing it costs time, nothing else.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(super) base: Option<Base>,
    stamps: HashMap<Vec<u8>, (Stamp, Digest)>,
    contents: HashMap<Digest, Location>,
    is_warm: bool,
}

impl Memory {
    /// Reads what an earlier process left: the name of the base in a file. What can't be read is forgotten.
    pub(super) async fn warm(&mut self, store: &Store, pointer: &Path) {
        if std::mem::replace(&mut self.is_warm, true) {
            let is_there = match &self.base {
                Some(base) => matches!(store.size(base.digest).await, Ok(Some(_))),
                None => true,
            };
            if !is_there {
                // Somebody cleaned up: nothing that is remembered to be stored can be relied on.
                *self = Self { is_warm: true, ..Self::default() };
            }
            return;
        }
        let path = pointer.to_path_buf();
        let text = crate::blocking(move || std::fs::read_to_string(path)).await;
        let digest = text.ok().and_then(|text| text.trim().parse().ok());
        if let Some(digest) = digest
            && let Ok(entries) = manifest::load(store, digest).await
        {
            self.learn(&entries);
            self.base = Some(Base { digest, entries });
        }
    }

    /// Notes where contents are stored.
    pub(super) fn learn(&mut self, entries: &Entries) {
        for entry in entries.values() {
            if let Entry::File { digest, at: Some(at), .. } = entry {
                self.contents.insert(*digest, *at);
            }
        }
    }

    pub(super) fn location(&self, digest: Digest) -> Option<Location> {
        self.contents.get(&digest).copied()
    }

    pub(super) fn note_location(&mut self, digest: Digest, at: Location) {
        self.contents.insert(digest, at);
    }

    /// The content of a file that still looks as it did.
    pub(super) fn digest(&self, path: &[u8], stamp: Stamp) -> Option<Digest> {
        let (known, digest) = self.stamps.get(path)?;
        (*known == stamp).then_some(*digest)
    }

    /// Replaces all stamps by those of a walk that began at `began`, leaving out those that can't be trusted.
    pub(super) fn note_stamps(&mut self, seen: Vec<(Vec<u8>, Stamp, Digest)>, began: SystemTime) {
        let trusted = seen.into_iter().filter(|(_, stamp, _)| is_settled(*stamp, began));
        self.stamps = trusted.map(|(path, stamp, digest)| (path, (stamp, digest))).collect();
    }
}

/// Whether a file had been left alone for long enough when it was looked at, so that any later change shows.
fn is_settled(stamp: Stamp, looked_at: SystemTime) -> bool {
    let (seconds, nanoseconds) = stamp.changed;
    let Ok(seconds) = u64::try_from(seconds) else {
        return false;
    };
    UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds) + GRANULARITY < looked_at
}
