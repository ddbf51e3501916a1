//! Walks a folder that strangers filled: every entry by a handle beneath the root, links never followed, all of it
//! counted against limits. The same walk copies a build into a release and computes a release's digest.

mod copy;
mod walk;

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::Path;

use miyabi_core::digest::Digest;

use super::error::Error;

pub(super) use self::copy::copy;
pub(super) use self::walk::open_folder;

/// What a release may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files, folders and links.
    pub entries: u64,
    /// All files together, in bytes.
    pub bytes: u64,
    /// Folders within folders.
    pub depth: usize,
}

impl Default for Limits {
    /// Enough for a large `node_modules`, and little enough to be copied in seconds.
    fn default() -> Self {
        Self { entries: 80_000, bytes: 2 * 1024 * 1024 * 1024, depth: 64 }
    }
}

/// What a walk found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Summary {
    /// Over paths, kinds, executable bits and contents of all entries.
    pub(super) digest: Digest,
    /// Files, folders and links.
    pub(super) entries: u64,
    /// All files together, in bytes.
    pub(super) bytes: u64,
}

/// Computes the digest of a release's files. Blocking.
pub(super) fn summarize(root: &OwnedFd, limits: Limits) -> Result<Summary, Error> {
    walk::walk(root, limits, &mut walk::Hash)
}

/// A path of somebody else's making, as it can be shown in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    const MAX_CHARS: usize = 200;

    pub(super) fn new(path: &Path) -> Self {
        let text = path.to_string_lossy();
        let mut shown: String = text.chars().take(Self::MAX_CHARS).flat_map(escape).collect();
        if text.chars().count() > Self::MAX_CHARS {
            shown.push('…');
        }
        Self(shown)
    }
}

/// Visible characters stay as they are, in every script.
fn escape(char: char) -> impl Iterator<Item = char> {
    let escaped = char.is_control().then(|| char.escape_default());
    let plain = escaped.is_none().then_some(char);
    escaped.into_iter().flatten().chain(plain)
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
