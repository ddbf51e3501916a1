//! Tests of `apply_patch` through the tool host.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::fake::Bench;

const TWO_FILES: &str = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+1\n\
    diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\
    diff --git a/made b/made\nnew file mode 100644\n--- /dev/null\n+++ b/made\n@@ -0,0 +1 @@\n+m\n";

fn is_executable(bench: &Bench, path: &str) -> bool {
    let facts = std::fs::metadata(bench.checkouts.root().join(path)).unwrap();
    facts.permissions().mode() & 0o111 != 0
}

#[tokio::test]
async fn several_files_are_changed_at_once() {
    let bench = Bench::new();
    bench.put("a", b"one\n");
    bench.put("gone", b"x\n");
    let result = bench.call("apply_patch", json!({"patch": TWO_FILES})).await;
    assert!(!result.is_error && result.may_have_changed, "{}", result.text);
    let hash = |text: &[u8]| miyabi_core::digest::Digest::of(text).hex()[..12].to_owned();
    assert_eq!(result.text, format!("M a {}\nD gone\nA made {}", hash(b"1\n"), hash(b"m\n")));
    assert_eq!(result.structured.unwrap()["files"][1], json!({"path": "gone", "hash": null}));
    assert_eq!(
        (bench.get("a"), bench.get("made"), bench.has("gone")),
        (b"1\n".to_vec(), b"m\n".to_vec(), false)
    );
}

#[tokio::test]
async fn nothing_is_changed_if_one_part_does_not_fit() {
    let bench = Bench::new();
    bench.put("a", b"one\n");
    bench.put("gone", b"other\n");
    let result = bench.call("apply_patch", json!({"patch": TWO_FILES})).await;
    assert_eq!(
        result.text,
        "nothing was changed: hunk 1 of `gone` does not fit: line 1 is `other`, the patch expects `x`"
    );
    assert!(result.is_error && !result.may_have_changed && !bench.has("made"));
    assert_eq!(bench.get("a"), b"one\n");
}

#[tokio::test]
async fn what_was_written_is_put_back_if_a_write_fails() {
    let bench = Bench::new();
    bench.put("a", b"one\n");
    bench.put("gone", b"x\n");
    bench.checkouts.break_write("made");
    let cancel = tokio_util::sync::CancellationToken::new();
    let arguments = json!({"patch": TWO_FILES});
    let host = &bench.tools as &dyn miyabi_core::port::tool_host::ToolHost;
    let failure = host.call(&bench.scope, "apply_patch", &arguments, false, &cancel).await.unwrap_err();
    assert_eq!(failure.message, "no space is left");
    assert_eq!(
        (bench.get("a"), bench.get("gone"), bench.has("made")),
        (b"one\n".to_vec(), b"x\n".to_vec(), false)
    );
}

#[tokio::test]
async fn a_repeated_call_does_what_is_left() {
    let bench = Bench::new();
    // The first try wrote `a` and `made` and died before it removed `gone`.
    bench.put("a", b"1\n");
    bench.put("made", b"m\n");
    bench.put("gone", b"x\n");
    let result = bench.repeat("apply_patch", json!({"patch": TWO_FILES})).await;
    assert_eq!((result.text.as_str(), result.is_error), ("D gone", false));
    let result = bench.repeat("apply_patch", json!({"patch": TWO_FILES})).await;
    assert_eq!((result.text.as_str(), result.is_error), ("all of it is there already", false));
    assert_eq!(
        (bench.get("a"), bench.get("made"), bench.has("gone")),
        (b"1\n".to_vec(), b"m\n".to_vec(), false)
    );
}

#[tokio::test]
async fn a_repeated_call_that_could_be_either_is_not_guessed() {
    let bench = Bench::new();
    bench.put("a", b"x\nx\nx\nx\n");
    let patch = "--- a/a\n+++ b/a\n@@ -1,2 +1,3 @@\n x\n+x\n x\n";
    let result = bench.repeat("apply_patch", json!({"patch": patch})).await;
    assert_eq!(
        (result.is_error, result.text.as_str()),
        (true, "nothing was changed: whether `a` was patched already can't be told; read it")
    );
}

#[tokio::test]
async fn modes_follow_patches_and_names() {
    let bench = Bench::new();
    bench.put("run.sh", b"#!/bin/sh\n");
    bench.put("-x", b"x\n");
    let patch = "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n\
        diff --git a/-x b/-x\nold mode 100644\nnew mode 100755\n";
    let result = bench.call("apply_patch", json!({"patch": patch})).await;
    assert!(
        !result.is_error && is_executable(&bench, "run.sh") && is_executable(&bench, "-x"),
        "{}",
        result.text
    );
    let patch =
        "diff --git a/run.sh b/bin/run\nsimilarity index 100%\nrename from run.sh\nrename to bin/run\n";
    let result = bench.call("apply_patch", json!({"patch": patch})).await;
    assert!(!bench.has("run.sh") && is_executable(&bench, "bin/run"), "{}", result.text);
    let patch = "diff --git a/bin/run b/bin/run\nold mode 100755\nnew mode 100644\n--- a/bin/run\n+++ b/bin/run\n\
        @@ -1 +1,2 @@\n #!/bin/sh\n+ls\n";
    let result = bench.call("apply_patch", json!({"patch": patch})).await;
    assert!(!is_executable(&bench, "bin/run"), "{}", result.text);
    assert_eq!(bench.get("bin/run"), b"#!/bin/sh\nls\n");
}

#[tokio::test]
async fn mistakes_are_told() {
    let bench = Bench::new();
    for (patch, expected) in [
        ("*** Begin Patch", "nothing was changed: no diff found; a patch begins with"),
        (
            "--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+x\n",
            "nothing was changed: `.git/hooks/x`: `.git` belongs to the host",
        ),
        ("--- a/b\n+++ b/b\n@@ -1 +1 @@\n-a\n+b\n", "nothing was changed: there is no file `b`"),
    ] {
        let result = bench.call("apply_patch", json!({"patch": patch})).await;
        assert!(result.is_error && result.text.starts_with(expected), "{}", result.text);
    }
}
