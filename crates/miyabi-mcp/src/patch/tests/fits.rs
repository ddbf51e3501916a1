//! Where patches fit, and what is said when they don't.

use super::*;

#[test]
fn hunks_fit_where_they_say() {
    check("a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "a\nB\nc\n");
    check("a\nb\nc\nd\ne\n", "@@ -1 +1,2 @@\n a\n+x\n@@ -5 +6 @@\n-e\n+E\n", "a\nx\nb\nc\nd\nE\n");
    check("a\n", "@@ -1,0 +2 @@\n+b\n", "a\nb\n");
    check("a\n", "@@ -0,0 +1 @@\n+b\n", "b\na\n");
    check("", "@@ -0,0 +1,2 @@\n+a\n+b\n", "a\nb\n");
    check("a\nb\n", "@@ -1,2 +0,0 @@\n-a\n-b\n", "");
}

#[test]
fn hunks_that_moved_are_found_if_there_is_one_place() {
    check("x\ny\nz\na\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "x\ny\nz\na\nB\nc\n");
    check("a\nb\nc\n", "@@ -40,3 +40,3 @@\n a\n-b\n+B\n c\n", "a\nB\nc\n");
    check("a\nb\nc\n", "@@\n a\n-b\n+B\n c\n", "a\nB\nc\n");
    check("x\na\nx\nx\nb\n", "@@ -1 +1 @@\n-a\n+A\n@@ -4 +4 @@\n-b\n+B\n", "x\nA\nx\nx\nB\n");
    assert_eq!(
        refused("x\na\ny\na\n", "@@ -1 +1 @@\n-a\n+A\n"),
        "hunk 1 of `f` fits at lines 2, 4; add lines around it"
    );
}

#[test]
fn hunks_that_do_not_fit_say_what_is_there() {
    for (before, patch, expected) in [
        (
            "a\nX\nc\n",
            "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n",
            "hunk 1 of `f` does not fit: line 2 is `X`, the patch expects `b`",
        ),
        (
            "a\n",
            "@@ -1,2 +1,2 @@\n a\n-b\n+B\n",
            "hunk 1 of `f` does not fit: the file has 1 lines, the patch expects `b` at line 2",
        ),
        (
            "a\nb\nz\n",
            "@@ -1 +1 @@\n-a\n+A\n@@ -3 +3 @@\n-\u{1b}q\n+B\n",
            "hunk 2 of `f` does not fit: line 3 is `z`, the patch expects `\\x1bq`",
        ),
        ("a\n", "@@ -9,0 +9 @@\n+b\n", "hunk 1 of `f` does not fit"),
    ] {
        assert_eq!(refused(before, patch), expected);
    }
}

#[test]
fn line_ends_follow_the_file() {
    check("a\r\nb\r\nc\r\n", "@@ -1,3 +1,4 @@\n a\n-b\n+B\n+x\n c\n", "a\r\nB\r\nx\r\nc\r\n");
    check("a\r\nb\r\n", "@@ -1,2 +1,3 @@\n a\r\n b\r\n+c\r\n", "a\r\nb\r\nc\r\n");
    check("a\nb\n", "@@ -1,2 +1,3 @@\r\n a\r\n+x\r\n b\r\n", "a\nx\nb\n");
    check("a\r\nb\n", "@@ -1,2 +1,2 @@\n-a\r\n+a\n b\n", "a\nb\n");
}

#[test]
fn last_lines_without_a_line_feed() {
    let none = "\\ No newline at end of file\n";
    check("a\nb", &format!("@@ -1,2 +1,2 @@\n a\n-b\n{none}+c\n{none}"), "a\nc");
    check("a\nb", &format!("@@ -1,2 +1,2 @@\n a\n-b\n{none}+b\n"), "a\nb\n");
    check("a\nb\n", &format!("@@ -1,2 +1,2 @@\n a\n-b\n+b\n{none}"), "a\nb");
    check("a\nb", &format!("@@ -1,2 +1,3 @@\n+x\n a\n b\n{none}"), "x\na\nb");
    // A model that knows nothing of the missing line feed.
    check("a\nb", "@@ -1,2 +1,3 @@\n a\n b\n+c\n", "a\nb\nc\n");
    assert!(refused("a\nb\n", &format!("@@ -1,2 +1,2 @@\n a\n-b\n{none}+c\n")).contains("does not fit"));
}

#[test]
fn counts_that_are_wrong_do_not_matter() {
    check("a\nb\nc\n", "@@ -1,9 +1,9 @@\n a\n-b\n+B\n c\n", "a\nB\nc\n");
    check("a\nb\nc\n", "@@ -1,1 +1,1 @@\n a\n-b\n+B\n c\n", "a\nB\nc\n");
    check("a\n\nb\nc\n", "@@ -1,4 +1,4 @@\n a\n\n-b\n+B\n c\n\n", "a\n\nB\nc\n");
    check("a\nb\n", "@@ -1,7 +1,7 @@\n a\n-b\n+B\n\n-- \n2.39.5\n", "a\nB\n");
    check("- x\n", "@@ -1 +1 @@\n-- x\n++ y\n", "+ y\n");
}

#[test]
fn lines_that_look_like_headers_are_content_where_they_belong() {
    check("-- a\nq\n", "@@ -1,2 +1,2 @@\n--- a\n+++ b\n q\n", "++ b\nq\n");
}

#[test]
fn files_are_made_removed_renamed_and_copied() {
    let before = files(&[("old.txt", "a\nb\n"), ("gone", "x\n"), ("same", "s\n")]);
    let patch = "From 1234 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x\n---\n old.txt | 2 +-\n\n\
        diff --git a/old.txt b/new folder/new.txt\nsimilarity index 50%\nrename from old.txt\nrename to new folder/new.txt\n\
        index 1..2 100755\n--- a/old.txt\n+++ b/new folder/new.txt\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n\
        diff --git a/gone b/gone\ndeleted file mode 100644\nindex 1..0\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\
        diff --git a/empty b/empty\nnew file mode 100644\nindex 000..e69\n\
        diff --git a/made b/made\nnew file mode 100755\n--- /dev/null\n+++ b/made\n@@ -0,0 +1 @@\n+m\n\
        diff --git a/same b/copy\nsimilarity index 100%\ncopy from same\ncopy to copy\n-- \n2.39.5\n\n";
    let after = applied(&before, patch.as_bytes()).unwrap();
    let expected =
        [("copy", "s\n"), ("empty", ""), ("made", "m\n"), ("new folder/new.txt", "a\nB\n"), ("same", "s\n")];
    assert_eq!(after, files(&expected));
    let writes = apply(&parse(patch.as_bytes()).unwrap(), |path| before.get(path).cloned()).unwrap();
    let mode = |path| writes.iter().find(|write| write.path == path).unwrap().mode.clone();
    assert_eq!(mode("new folder/new.txt"), Mode::Executable(true));
    assert_eq!(mode("made"), Mode::Executable(true));
    assert_eq!(mode("copy"), Mode::Like("same".into()));
    assert!(
        is_applied(&parse(patch.as_bytes()).unwrap(), |path| after.get(path).cloned())
            || mode("copy") != Mode::Keep
    );
}

#[test]
fn modes_alone_are_a_change() {
    let before = files(&[("run", "x\n")]);
    let patch = parse(b"diff --git a/run b/run\nold mode 100644\nnew mode 100755\n").unwrap();
    let writes = apply(&patch, |path| before.get(path).cloned()).unwrap();
    let expected =
        FileWrite { path: "run".into(), bytes: Some(b"x\n".to_vec()), mode: Mode::Executable(true) };
    assert_eq!(writes, [expected]);
}

#[test]
fn several_commits_in_one_text_follow_each_other() {
    let before = files(&[("f", "a\n")]);
    let patch = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n-- \n2\n\nFrom 2\n\n\
        diff --git a/f b/g\nrename from f\nrename to g\n--- a/f\n+++ b/g\n@@ -1 +1 @@\n-b\n+c\n";
    assert_eq!(applied(&before, patch.as_bytes()), Ok(files(&[("g", "c\n")])));
    let back = parse(patch.as_bytes()).unwrap();
    assert!(is_applied(&back, |path| files(&[("g", "c\n")]).get(path).cloned()));
    assert!(!is_applied(&back, |path| before.get(path).cloned()));
}

#[test]
fn what_may_not_be_patched_is_refused() {
    let new = |path: &str| format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n");
    for (patch, expected) in [
        (new(".git/hooks/pre-commit"), "`.git/hooks/pre-commit`: `.git` belongs to the host"),
        (new("a/.GiT/config"), "`a/.GiT/config`: `.git` belongs to the host"),
        (new("../x"), "`../x`: paths can't contain `..`"),
        (
            "--- /dev/null\n+++ /etc/passwd\n@@ -0,0 +1 @@\n+x\n".into(),
            "`/etc/passwd`: paths are relative to the root of the project",
        ),
        (new("f"), "`f` is there already"),
        ("--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b\n".into(), "there is no file `none`"),
        (
            "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n".into(),
            "`f` is to be removed, but has other content than the patch shows",
        ),
        (
            "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n".into(),
            "`l` would become a link or a submodule; only plain files are taken",
        ),
        (
            "diff --git a/b b/b\nindex 1..2 100644\nBinary files a/b and b/b differ\n".into(),
            "`b` is binary; binary patches are not taken",
        ),
        (
            "diff --git a/b b/b\nindex 1..2\nGIT binary patch\nliteral 1\n".into(),
            "`b` is binary; binary patches are not taken",
        ),
        (
            "hello".into(),
            "no diff found; a patch begins with `--- a/path`, `+++ b/path` and `@@ -line,count +line,count @@`",
        ),
        (
            "@@ -1 +1 @@\n-a\n+b\n".into(),
            "line 1 of the patch: a hunk without `--- a/path` and `+++ b/path` before it",
        ),
        (
            "--- a/f\n+++ b/f\n@@ -x +1 @@\n".into(),
            "line 3 of the patch: not of the form `@@ -line,count +line,count @@`",
        ),
        (
            "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n b\n".into(),
            "line 6 of the patch: a hunk that changes nothing",
        ),
        (
            "diff --git a/f b/f\nindex 1..2\n".into(),
            "line 3 of the patch: a file without hunks; each begins with `@@ -line,count +line,count @@`",
        ),
        (
            "--- a/f\n+++ b/f\n".into(),
            "no diff found; a patch begins with `--- a/path`, `+++ b/path` and `@@ -line,count +line,count @@`",
        ),
    ] {
        let after = applied(&files(&[("f", "a\nb\n")]), patch.as_bytes());
        assert_eq!(after.unwrap_err().to_string(), expected, "{patch}");
    }
    assert_eq!(parse(&vec![b'x'; MAX_BYTES + 1]), Err(PatchError::TooLarge));
}
