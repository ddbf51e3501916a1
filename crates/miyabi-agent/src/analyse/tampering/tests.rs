//! Changes that cheat, and honest ones that look a little like it.

mod cheating;
mod clean;

use miyabi_core::gate::Verdict;
use miyabi_core::port::repositories::{Change, FileChange, FileChangeKind};

use super::super::diff::parse;
use super::*;

/// A change written as files with hunks: each file is a path (or `old => new`) and the body of one hunk, in which the
/// first line may be `@@ section`.
pub(super) fn change(files: &[(&str, &str)]) -> Change {
    let parts: Vec<(String, FileChange)> = files.iter().map(|(path, body)| one(path, body)).collect();
    Change {
        patch: parts.iter().map(|(patch, _)| patch.as_str()).collect(),
        is_truncated: false,
        files: parts.into_iter().map(|(_, file)| file).collect(),
    }
}

fn one(path: &str, body: &str) -> (String, FileChange) {
    let (kind, path) = match path.split_at(1) {
        ("+", path) => (FileChangeKind::Added, path),
        ("-", path) => (FileChangeKind::Deleted, path),
        _ if path.contains(" => ") => (FileChangeKind::Renamed, path),
        _ => (FileChangeKind::Modified, path),
    };
    let (old, new) = path.split_once(" => ").unwrap_or((path, path));
    let (section, body) = match body.strip_prefix("@@ ") {
        Some(rest) => rest.split_once('\n').unwrap(),
        None => ("", body),
    };
    let count =
        |marks: [char; 2]| body.lines().filter(|line| line.starts_with(marks) || line.is_empty()).count();
    let (before, after) = (count(['-', ' ']), count(['+', ' ']));
    let head = match kind {
        FileChangeKind::Added => format!("new file mode 100644\n--- /dev/null\n+++ b/{new}\n"),
        FileChangeKind::Deleted => format!("deleted file mode 100644\n--- a/{old}\n+++ /dev/null\n"),
        FileChangeKind::Renamed => format!("rename from {old}\nrename to {new}\n--- a/{old}\n+++ b/{new}\n"),
        FileChangeKind::Modified => format!("--- a/{old}\n+++ b/{new}\n"),
    };
    let hunk = if body.is_empty() {
        String::new()
    } else {
        format!("@@ -1,{before} +1,{after} @@ {section}\n{body}\n")
    };
    let file = FileChange {
        path: new.to_owned(),
        old_path: (old != new).then(|| old.to_owned()),
        kind,
        added: 0,
        removed: 0,
        is_binary: false,
    };
    (format!("diff --git a/{old} b/{new}\n{head}{hunk}"), file)
}

/// What the gate says of a change.
pub(super) fn judged(files: &[(&str, &str)]) -> (Verdict, String) {
    let change = change(files);
    let result = gate(&change, &parse(&change.patch));
    (result.verdict, result.detail)
}

pub(super) fn weights(files: &[(&str, &str)]) -> Vec<(Weight, String)> {
    let change = change(files);
    signals(&change, &parse(&change.patch))
        .into_iter()
        .map(|signal| (signal.weight, signal.problem))
        .collect()
}
