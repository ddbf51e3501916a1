//! Tests of `edit` through the tool host.

use serde_json::json;

use crate::fake::Bench;

#[tokio::test]
async fn an_edit_tells_the_new_hash_and_needs_no_reading_again() {
    let bench = Bench::new();
    let hash = bench.put("a.txt", b"one\r\ntwo\r\nthree");
    let edit = json!({"path": "a.txt", "base_hash": hash, "old": "two\nthree", "new": "2\n3\n"});
    let result = bench.call("edit", edit).await;
    assert!(!result.is_error && result.may_have_changed, "{}", result.text);
    assert_eq!(bench.get("a.txt"), b"one\r\n2\r\n3\r\n");
    let hash = result.structured.unwrap()["hash"].as_str().unwrap().to_owned();
    assert_eq!(result.text, format!("edited `a.txt` (line 2), hash {hash}"));
    let edit = json!({"path": "a.txt", "base_hash": format!("sha256:{hash}"), "old": "one", "new": "1"});
    assert!(!bench.call("edit", edit).await.is_error);
    assert_eq!(bench.get("a.txt"), b"1\r\n2\r\n3\r\n");
}

#[tokio::test]
async fn what_can_not_be_done_is_told_with_what_would_help() {
    let bench = Bench::new();
    let hash = bench.put("a.rs", b"let a = 1;\nlet b = 2;\nlet a = 1;\n");
    for (edit, kind, expected) in [
        (
            json!({"path": "a.rs", "base_hash": "0123456789ab", "old": "b", "new": "c"}),
            "stale",
            format!("stale: `a.rs` has changed; its hash is {hash} now. Read it again."),
        ),
        (
            json!({"path": "a.rs", "old": "let a = 1;", "new": "c"}),
            "ambiguous",
            "ambiguous: `old` is in `a.rs` 2 times, at lines 1, 3. Give more of the text around it, or set `all`.".into(),
        ),
        (
            json!({"path": "a.rs", "old": "let  b = 2;", "new": "c"}),
            "not_found",
            "not found: `old` is not in `a.rs`. These lines differ from it in white space only:\n2\tlet b = 2;".into(),
        ),
        (json!({"path": "a.rs", "old": "x", "new": "x"}), "same", "`old` and `new` are the same".into()),
        (json!({"path": "b.rs", "old": "x", "new": "y"}), "missing", "there is no file `b.rs`; did you mean `a.rs`?".into()),
    ] {
        let result = bench.call("edit", edit).await;
        assert_eq!((result.is_error, result.may_have_changed), (true, false));
        assert_eq!(result.text, expected);
        assert_eq!(result.structured.unwrap()["error"], kind);
    }
    assert_eq!(bench.get("a.rs"), b"let a = 1;\nlet b = 2;\nlet a = 1;\n");
}

#[tokio::test]
async fn wrong_arguments_are_told() {
    let bench = Bench::new();
    bench.put("a", b"x");
    for (edit, expected) in [
        (json!({"path": "a", "old": "", "new": "y"}), "`old` is empty; use `write` for a new file"),
        (json!({"path": "a", "old": "x", "new": "\u{0}"}), "`new` contains a NUL character"),
        (
            json!({"path": "a", "old": "x", "new": "y", "base_hash": "latest"}),
            "`base_hash` is not a hash; it is the 12 digits that `read` shows",
        ),
        (
            json!({"path": "/a", "old": "x", "new": "y"}),
            "`path`: paths are relative to the root of the project",
        ),
    ] {
        assert_eq!(bench.call("edit", edit).await.text, expected);
    }
}

#[tokio::test]
async fn a_repeated_call_edits_once() {
    let bench = Bench::new();
    let hash = bench.put("a", b"fn f(a: u8)");
    let edit = json!({"path": "a", "base_hash": hash, "old": "a: u8", "new": "a: u8, b: u8"});
    // The first try was lost before it wrote.
    let result = bench.repeat("edit", edit.clone()).await;
    assert!(!result.is_error, "{}", result.text);
    assert_eq!(bench.get("a"), b"fn f(a: u8, b: u8)");
    // The first try wrote and its answer was lost.
    let result = bench.repeat("edit", edit.clone()).await;
    assert!(!result.is_error && result.may_have_changed);
    assert!(result.text.starts_with("`a` was edited already, hash "), "{}", result.text);
    assert_eq!(bench.get("a"), b"fn f(a: u8, b: u8)");
    // Without a crash the same call is stale.
    assert!(bench.call("edit", edit).await.text.starts_with("stale: "));
}
