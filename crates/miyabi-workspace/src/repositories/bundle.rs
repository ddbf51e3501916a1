//! Reading a bundle: a short text, then a pack.
//!
//! ```text
//! # v2 git bundle                          # v3 git bundle
//! -<base> <words>                          @object-format=sha256
//! <commit> refs/heads/task                 ...
//!
//! PACK...
//! ```
//!
//! Git can read bundles itself, but does not check the objects in them as it does when it fetches from a repository.

use std::io::{self, BufRead, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use crate::git::CommitHash;

/// The longest text before the pack, in bytes. Ours have three lines.
const LONGEST_HEADER: u64 = 16 * 1024;

/// A bundle with one branch.
#[derive(Debug)]
pub(super) struct Bundle {
    /// What the branch stands at.
    pub(super) tip: CommitHash,
    /// The file, at the beginning of the pack.
    pub(super) pack: std::fs::File,
}

/// Opens a bundle; `None` when it is none, or carries anything else than one branch of this name. Blocking.
pub(super) fn open(path: &Path, branch: &str) -> io::Result<Option<Bundle>> {
    let mut file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut reader = BufReader::new(io::Read::take(&mut file, LONGEST_HEADER));
    let mut header = Header::default();
    let mut length = 0;
    loop {
        let mut line = Vec::new();
        length += reader.read_until(b'\n', &mut line)? as u64;
        match std::str::from_utf8(&line).ok().and_then(|line| line.strip_suffix('\n')) {
            Some("") => break,
            Some(line) if header.take(line, branch) => {}
            _ => return Ok(None),
        }
    }
    let Some(tip) = header.tip else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(length))?;
    Ok(Some(Bundle { tip, pack: file }))
}

#[derive(Debug, Default)]
struct Header {
    has_begun: bool,
    tip: Option<CommitHash>,
}

impl Header {
    /// Whether the line is one that may stand here.
    fn take(&mut self, line: &str, branch: &str) -> bool {
        if !self.has_begun {
            self.has_begun = true;
            return matches!(line, "# v2 git bundle" | "# v3 git bundle");
        }
        if let Some(base) = line.strip_prefix('-') {
            let hash = base.split(' ').next().unwrap_or_default();
            return self.tip.is_none() && hash.parse::<CommitHash>().is_ok();
        }
        if let Some(ability) = line.strip_prefix('@') {
            return matches!(ability, "object-format=sha1" | "object-format=sha256");
        }
        let Some((hash, name)) = line.split_once(' ') else {
            return false;
        };
        match hash.parse() {
            Ok(tip) if self.tip.is_none() && name.strip_prefix("refs/heads/") == Some(branch) => {
                self.tip = Some(tip);
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, u64)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle");
        std::fs::write(&path, text).unwrap();
        let mut bundle = open(&path, "task").unwrap()?;
        Some((bundle.tip.to_string(), bundle.pack.stream_position().unwrap()))
    }

    #[test]
    fn ordinary_bundles_are_read() {
        let (base, tip) = ("1".repeat(40), "2".repeat(40));
        let text = format!("# v2 git bundle\n-{base} some words\n{tip} refs/heads/task\n\nPACKrest");
        assert_eq!(read(&text), Some((tip.clone(), text.find("PACK").unwrap() as u64)));
        let tip = "3".repeat(64);
        let text = format!("# v3 git bundle\n@object-format=sha256\n{tip} refs/heads/task\n\n");
        assert_eq!(read(&text), Some((tip, text.len() as u64)));
    }

    #[test]
    fn everything_else_is_refused() {
        let tip = "2".repeat(40);
        let table = [
            String::new(),
            "PACK".into(),
            "# v2 git bundle\n\nPACK".into(),
            "# v2 git bundle\n".into(),
            format!("# v4 git bundle\n{tip} refs/heads/task\n\n"),
            format!("# v2 git bundle\n{tip} refs/heads/other\n\n"),
            format!("# v2 git bundle\n{tip} refs/heads/task\n{tip} refs/heads/task\n\n"),
            format!("# v2 git bundle\n{tip} refs/heads/task\n-{tip}\n\n"),
            format!("# v3 git bundle\n@filter=blob:none\n{tip} refs/heads/task\n\n"),
            format!("# v2 git bundle\n--upload-pack\n{tip} refs/heads/task\n\n"),
            format!("# v2 git bundle\n{tip} refs/heads/task"),
            format!("# v2 git bundle\n-{tip} {}\n{tip} refs/heads/task\n\n", "x".repeat(20_000)),
            format!("# v2 git bundle\n{} refs/heads/task\n\n", &tip[1..]),
        ];
        for text in table {
            assert_eq!(read(&text), None, "{text}");
        }
    }
}
