//! Tests of reading and applying patches, with git itself as the other side.

mod fits;
mod random;
mod real_git;

use std::collections::BTreeMap;

use super::*;

pub(super) type Files = BTreeMap<String, Vec<u8>>;

pub(super) fn files(all: &[(&str, &str)]) -> Files {
    all.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

/// The files after a patch.
pub(super) fn applied(before: &Files, patch: &[u8]) -> Result<Files, PatchError> {
    let patch = parse(patch)?;
    let mut after = before.clone();
    for write in apply(&patch, |path| before.get(path).cloned())? {
        match write.bytes {
            Some(bytes) => after.insert(write.path, bytes),
            None => after.remove(&write.path),
        };
    }
    Ok(after)
}

/// Applies a patch to one file `f`.
pub(super) fn check(before: &str, patch: &str, expected: &str) {
    let after = applied(&files(&[("f", before)]), format!("--- a/f\n+++ b/f\n{patch}").as_bytes());
    assert_eq!(after, Ok(files(&[("f", expected)])), "{patch}");
}

/// A patch of one file `f` that must be refused.
pub(super) fn refused(before: &str, patch: &str) -> String {
    let after = applied(&files(&[("f", before)]), format!("--- a/f\n+++ b/f\n{patch}").as_bytes());
    after.unwrap_err().to_string()
}
