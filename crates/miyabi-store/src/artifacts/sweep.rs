//! Walks over all artifacts: totals, removal, checks. All of it blocks.

use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use miyabi_core::digest::Digest;
use miyabi_core::time::Timestamp;

use super::files::{self, Shelf};

/// All artifacts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// How many there are.
    pub count: u64,
    /// Their size.
    pub size_bytes: u64,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// What was removed.
    pub removed: Total,
    /// What is left.
    pub kept: Total,
}

impl Total {
    pub(crate) fn add(&mut self, metadata: &Metadata) {
        self.count += 1;
        self.size_bytes += metadata.len();
    }
}

pub(super) fn total(root: &Path) -> io::Result<Total> {
    let mut total = Total::default();
    walk(root, |_, _, metadata| {
        total.add(metadata);
        Ok(())
    })?;
    Ok(total)
}

pub(super) fn sweep(
    shelf: &Shelf,
    keep: impl Fn(&Digest) -> bool,
    older_than: Timestamp,
) -> io::Result<Swept> {
    let limit = UNIX_EPOCH + Duration::from_millis(older_than.as_millis());
    let mut swept = Swept::default();
    walk(shelf.root(), |digest, path, metadata| {
        if metadata.modified()? >= limit || keep(&digest) || !remove(shelf, path, limit)? {
            swept.kept.add(metadata);
        } else {
            swept.removed.add(metadata);
        }
        Ok(())
    })?;
    Ok(swept)
}

/// Removes a file unless it was stored again meanwhile; whether it did.
fn remove(shelf: &Shelf, path: &Path, limit: SystemTime) -> io::Result<bool> {
    let _removing = shelf.removing();
    let is_old = fs::metadata(path)?.modified()? < limit;
    if is_old {
        fs::remove_file(path)?;
    }
    Ok(is_old)
}

/// Visits every artifact, in no order.
pub(crate) fn walk(
    root: &Path,
    mut visit: impl FnMut(Digest, &Path, &Metadata) -> io::Result<()>,
) -> io::Result<()> {
    for shard in fs::read_dir(root)? {
        let shard = shard?;
        if !shard.file_type()?.is_dir() {
            continue;
        }
        for entry in fs::read_dir(shard.path())? {
            let entry = entry?;
            let Some(digest) = named(&shard, &entry) else { continue };
            let path: PathBuf = entry.path();
            match entry.metadata() {
                Ok(metadata) => visit(digest, &path, &metadata)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn named(shard: &DirEntry, entry: &DirEntry) -> Option<Digest> {
    files::digest_of(shard.file_name().to_str()?, entry.file_name().to_str()?)
}
