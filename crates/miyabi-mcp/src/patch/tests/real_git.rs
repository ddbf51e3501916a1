//! Patches that git makes, and git's own opinion about what they do.

use std::path::Path;
use std::process::Command;

use super::*;

fn git(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.com",
            "-c",
            "core.autocrlf=false",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn write(folder: &Path, all: &Files) {
    for (path, bytes) in all {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Commits both states; the patches that git makes of them must lead from one to the other.
fn check_both(before: &Files, after: &Files) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    git(folder, &["init", "--quiet"]);
    write(folder, before);
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", "before"]);
    for path in before.keys() {
        std::fs::remove_file(folder.join(path)).unwrap();
    }
    write(folder, after);
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "after\n\n--- a/x\n+++ not a patch"]);
    for arguments in [
        &["diff", "HEAD~1", "HEAD"][..],
        &["diff", "-M", "-C", "--unified=1", "HEAD~1", "HEAD"],
        &["diff", "--no-renames", "--unified=0", "HEAD~1", "HEAD"],
        &["format-patch", "--stdout", "-1"],
        &["show", "HEAD"],
    ] {
        let patch = git(folder, arguments);
        assert_eq!(
            applied(before, &patch).as_ref(),
            Ok(after),
            "{arguments:?}\n{}",
            String::from_utf8_lossy(&patch)
        );
    }
}

#[test]
fn patches_of_git_lead_to_what_was_committed() {
    let long: String = (1..60).map(|line| format!("line {line}\n")).collect();
    let before = files(&[
        ("src/a.rs", &long),
        ("src/renamed.rs", &long.replace("line", "row")),
        ("crlf.txt", "a\r\nb\r\nc\r\n"),
        ("open.txt", "a\nb"),
        ("gone.txt", "x\ny\n"),
        ("日本語 \"quoted\".txt", "一\n二\n"),
        ("empty", ""),
    ]);
    let after = files(&[
        (
            "src/a.rs",
            &long
                .replace("line 5\n", "five\n")
                .replace("line 50\n", "")
                .replace("line 30\n", "line 30\n\n--- x\n+++ y\n"),
        ),
        ("src/moved/renamed.rs", &long.replace("line", "row").replace("row 7\n", "seven\n")),
        ("crlf.txt", "a\r\nB\r\nc\r\nd\n"),
        ("open.txt", "a\nb\nc"),
        ("日本語 \"quoted\".txt", "一\n三\n"),
        ("new/empty", ""),
        ("new/file", "-- \n"),
    ]);
    check_both(&before, &after);
    check_both(&after, &before);
}
