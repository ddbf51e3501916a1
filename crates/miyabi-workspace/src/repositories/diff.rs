//! The change from one commit to another.

use miyabi_core::error::Failure;
use miyabi_core::port::repositories::{Change, FileChange, FileChangeKind};

use crate::git::{self, Bare, CommitHash};

/// How much of the list of changed files is read.
const LISTING_BYTES: usize = 64 * 1024 * 1024;

/// What both calls need. Rename detection is what people expect of a diff.
const COMMON: [&str; 6] = ["diff-tree", "-r", "-M", "--no-commit-id", "--no-color", "--no-ext-diff"];

pub(crate) async fn between(
    bare: &Bare,
    from: &CommitHash,
    to: &CommitHash,
    max_bytes: u64,
) -> Result<Change, Failure> {
    let files = files(bare, from, to).await?;
    let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let patch = bare
        .command(COMMON)
        .args(["-p", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", from.as_str(), to.as_str()])
        .cut_at(limit)
        .run()
        .await
        .map_err(git::Error::into_failure)?;
    let mut bytes = patch.bytes;
    if patch.is_truncated {
        // No half characters: they would be replaced and look like part of the change.
        while !bytes.is_empty() && std::str::from_utf8(&bytes).is_err_and(|error| error.error_len().is_none())
        {
            bytes.pop();
        }
    }
    Ok(Change {
        patch: String::from_utf8_lossy(&bytes).into_owned(),
        is_truncated: patch.is_truncated,
        files,
    })
}

/// The changed files alone.
pub(crate) async fn files(
    bare: &Bare,
    from: &CommitHash,
    to: &CommitHash,
) -> Result<Vec<FileChange>, Failure> {
    let listing = bare
        .command(COMMON)
        .args(["--raw", "--numstat", "-z", from.as_str(), to.as_str()])
        .at_most(LISTING_BYTES)
        .run()
        .await
        .map_err(git::Error::into_failure)?;
    parse(&listing.bytes).ok_or_else(|| {
        let command = "diff-tree".into();
        git::Error::Unreadable { command }.into_failure()
    })
}

/// Reads the raw list and the numbers after it, both in the same order:
/// `:<modes and objects> <letter>\0<path>\0[<new path>\0]` and `<added>\t<removed>\t<path>\0` or, after a rename,
/// `<added>\t<removed>\t\0<path>\0<new path>\0`.
fn parse(listing: &[u8]) -> Option<Vec<FileChange>> {
    let mut parts = listing.split(|byte| *byte == 0).peekable();
    let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
    let mut files = Vec::new();
    while parts.peek().is_some_and(|part| part.first() == Some(&b':')) {
        let about = parts.next()?;
        let letter = *about.get(about.iter().rposition(|byte| *byte == b' ')? + 1)?;
        let first = text(parts.next()?);
        let (kind, path, old_path) = match letter {
            b'A' => (FileChangeKind::Added, first, None),
            b'D' => (FileChangeKind::Deleted, first, None),
            b'R' | b'C' => (FileChangeKind::Renamed, text(parts.next()?), Some(first)),
            _ => (FileChangeKind::Modified, first, None),
        };
        files.push(FileChange { path, old_path, kind, added: 0, removed: 0, is_binary: false });
    }
    for file in &mut files {
        let numbers = text(parts.next()?);
        let mut words = numbers.splitn(3, '\t');
        let (added, removed, path) = (words.next()?, words.next()?, words.next()?);
        if path.is_empty() {
            parts.next()?;
            parts.next()?;
        }
        file.is_binary = added == "-";
        file.added = added.parse().unwrap_or(0);
        file.removed = removed.parse().unwrap_or(0);
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_lists_and_numbers_are_put_together() {
        let listing = b":100644 100644 aa bb M\0b.txt\0:000000 100644 00 cc A\0a\tb\0\
            :100644 100644 dd dd R100\0old\0new\0:100644 000000 ee 00 D\0gone\0\
            3\t1\tb.txt\x00-\t-\ta\tb\x000\t0\t\0old\0new\x000\t9\tgone\0";
        let read: Vec<_> = parse(listing)
            .unwrap()
            .into_iter()
            .map(|file| (file.path, file.old_path, file.kind, file.added, file.removed, file.is_binary))
            .collect();
        let old = Some("old".to_owned());
        assert_eq!(
            read,
            [
                ("a\tb".to_owned(), None, FileChangeKind::Added, 0, 0, true),
                ("b.txt".to_owned(), None, FileChangeKind::Modified, 3, 1, false),
                ("gone".to_owned(), None, FileChangeKind::Deleted, 0, 9, false),
                ("new".to_owned(), old, FileChangeKind::Renamed, 0, 0, false),
            ]
        );
        assert_eq!(parse(b""), Some(Vec::new()));
        assert_eq!(parse(b":100644 100644 aa bb M\0b.txt\0"), None);
    }
}
