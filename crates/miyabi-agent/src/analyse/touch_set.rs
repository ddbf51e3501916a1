//! The files that a task may touch, as its plan says.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use miyabi_core::gate::{Gate, GateResult, Verdict};
use miyabi_core::port::repositories::{Change, FileChange};

use super::place::{manifest_of, name};

/// Files named in the gate's one line.
const NAMED: usize = 5;

pub(super) fn gate(change: &Change, touches: &[String]) -> GateResult {
    let allowed = globs(touches);
    let is_outside = |file: &&FileChange| {
        !names(file).all(|path| allowed.is_match(path)) && !is_locked(change, &file.path)
    };
    let outside: Vec<&str> = change.files.iter().filter(is_outside).map(|file| file.path.as_str()).collect();
    let (verdict, detail) = if outside.is_empty() {
        (Verdict::Pass, format!("{} files, all within the task's", change.files.len()))
    } else {
        let more = if outside.len() > NAMED {
            format!(" and {} more", outside.len() - NAMED)
        } else {
            String::new()
        };
        let named = outside.iter().take(NAMED).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
        (Verdict::Fail, format!("outside of the task's files ({}): {named}{more}", touches.join(", ")))
    };
    GateResult { gate: Gate::TouchSet, verdict, detail, evidence: Vec::new() }
}

fn names(file: &FileChange) -> impl Iterator<Item = &str> {
    [Some(&file.path), file.old_path.as_ref()].into_iter().flatten().map(String::as_str)
}

/// A lock file may follow the manifest that it is made of.
fn is_locked(change: &Change, path: &str) -> bool {
    let Some(manifest) = manifest_of(path) else { return false };
    change.files.iter().any(|file| name(&file.path).eq_ignore_ascii_case(manifest))
}

/// Globs that fit; a broken one fits nothing, so that a typing error allows too little, not too much.
fn globs(touches: &[String]) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for touch in touches {
        // `src/` means what is in it.
        let touch = touch.strip_prefix("./").unwrap_or(touch);
        let touch = if touch.ends_with('/') { format!("{touch}**") } else { touch.to_owned() };
        if let Ok(glob) = GlobBuilder::new(&touch).literal_separator(true).build() {
            builder.add(glob);
        }
    }
    builder.build().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{change_of, file, renamed};
    use super::*;

    fn check(files: Vec<FileChange>, touches: &[&str], expected: Verdict) -> String {
        let touches: Vec<String> = touches.iter().map(|touch| (*touch).to_owned()).collect();
        let result = gate(&change_of(files), &touches);
        assert_eq!(result.verdict, expected, "{}", result.detail);
        result.detail
    }

    #[test]
    fn files_outside_are_named() {
        check(vec![file("src/a/b.rs", 1, 0)], &["src/**"], Verdict::Pass);
        check(vec![file("src/a/b.rs", 1, 0)], &["**"], Verdict::Pass);
        check(vec![file("src/a/b.rs", 1, 0)], &["./src/"], Verdict::Pass);
        check(vec![file("src/a/b.rs", 1, 0)], &["src/*.rs"], Verdict::Fail);
        check(vec![file("a", 1, 0)], &["[broken"], Verdict::Fail);
        check(vec![renamed("docs/a.md", "src/a.md")], &["src/**"], Verdict::Fail);
        let detail =
            check(vec![file("src/a.rs", 1, 0), file("b.rs", 1, 0)], &["src/**", "tests/**"], Verdict::Fail);
        assert_eq!(detail, "outside of the task's files (src/**, tests/**): `b.rs`");
    }

    #[test]
    fn lock_files_follow_their_manifest() {
        let touches = ["crates/a/**"];
        check(vec![file("crates/a/Cargo.toml", 1, 0), file("Cargo.lock", 9, 0)], &touches, Verdict::Pass);
        check(vec![file("crates/a/lib.rs", 1, 0), file("Cargo.lock", 9, 0)], &touches, Verdict::Fail);
    }
}
