//! What tests of analysers share, and tests of all of them together.

use miyabi_core::gate::{Gate, Verdict};
use miyabi_core::port::repositories::{Change, FileChange, FileChangeKind};

use super::*;

/// A file of a change, by its counts.
pub(super) fn file(path: &str, added: u32, removed: u32) -> FileChange {
    let kind = FileChangeKind::Modified;
    FileChange { path: path.into(), old_path: None, kind, added, removed, is_binary: false }
}

pub(super) fn renamed(from: &str, to: &str) -> FileChange {
    FileChange { old_path: Some(from.into()), kind: FileChangeKind::Renamed, ..file(to, 0, 0) }
}

pub(super) fn change_of(files: Vec<FileChange>) -> Change {
    Change { patch: String::new(), is_truncated: false, files }
}

/// A diff that adds a file.
pub(super) fn added(path: &str, text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(|line| format!("+{line}\n")).collect();
    let count = lines.len();
    format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{count} @@\n{}",
        lines.concat()
    )
}

#[test]
fn a_plain_change_passes_all_gates() {
    let change = Change {
        patch: added("src/a.rs", "fn a() {}"),
        is_truncated: false,
        files: vec![FileChange { kind: FileChangeKind::Added, ..file("src/a.rs", 1, 0) }],
    };
    let touches = ["src/**".to_owned()];
    let results = gates(&Input { change: &change, touches: &touches, max_changed_lines: 10 });
    let gates: Vec<_> = results.iter().map(|result| result.gate).collect();
    assert_eq!(gates, [Gate::Secrets, Gate::ChangeSize, Gate::TestTampering, Gate::TouchSet]);
    assert!(results.iter().all(|result| result.verdict == Verdict::Pass), "{results:?}");
    assert_eq!(findings(&change), []);
}

#[test]
fn a_diff_that_was_cut_never_passes() {
    let change = Change { is_truncated: true, ..change_of(vec![file("src/a.rs", 1, 0)]) };
    let touches = ["**".to_owned()];
    let results = gates(&Input { change: &change, touches: &touches, max_changed_lines: 10 });
    let verdicts: Vec<_> = results.iter().map(|result| result.verdict).collect();
    assert_eq!(verdicts, [Verdict::Unknown, Verdict::Pass, Verdict::Unknown, Verdict::Pass]);
}
