//! Tests of `grep` through the tool host.

use serde_json::{Value, json};

use crate::fake::Bench;

fn bench() -> Bench {
    let bench = Bench::new();
    bench.put("a.rs", b"fn main() {\r\n    let x = 1;\r\n}\r\n");
    bench.put("src/b.rs", "fn b() {}\n// 日本語\nfn c() {}\n".as_bytes());
    bench.put("bin", b"fn\0");
    bench.put("latin", b"fn caf\xe9\n");
    bench
}

async fn grep(bench: &Bench, arguments: Value) -> String {
    bench.call("grep", arguments).await.text
}

#[tokio::test]
async fn lines_are_found_with_place_and_number() {
    let bench = bench();
    let text = grep(&bench, json!({"pattern": r"^fn \w+"})).await;
    assert_eq!(
        text,
        "a.rs:1:fn main() {\nlatin:1:fn caf\u{fffd}\nsrc/b.rs:1:fn b() {}\nsrc/b.rs:3:fn c() {}\n"
    );
    assert_eq!(grep(&bench, json!({"pattern": "日本", "path_glob": "*.rs"})).await, "src/b.rs:2:// 日本語\n");
    assert_eq!(grep(&bench, json!({"pattern": "FN B", "ignore_case": true})).await, "src/b.rs:1:fn b() {}\n");
    assert_eq!(grep(&bench, json!({"pattern": "}$", "path_glob": "a.rs"})).await, "a.rs:3:}\n");
    assert_eq!(grep(&bench, json!({"pattern": "nothing"})).await, "no line in 4 files fits `nothing`\n");
    let result = bench.call("grep", json!({"pattern": "fn"})).await;
    assert_eq!(result.structured, Some(json!({"lines": 4, "files": 3, "truncated": false})));
}

#[tokio::test]
async fn context_shows_each_line_once() {
    let bench = Bench::new();
    bench.put("f", b"1\n2 x\n3\n4 x\n5\n6\n7\n8\n9 x\n");
    let text = grep(&bench, json!({"pattern": "x", "context": 1})).await;
    assert_eq!(text, "f-1-1\nf:2:2 x\nf-3-3\nf:4:4 x\nf-5-5\n--\nf-8-8\nf:9:9 x\n");
}

#[tokio::test]
async fn results_have_an_end() {
    let bench = Bench::new();
    bench.put("a", "x\n".repeat(1000).as_bytes());
    bench.put("b", format!("x{}\n", "y".repeat(100_000)).as_bytes());
    let text = grep(&bench, json!({"pattern": "x"})).await;
    assert_eq!(text.lines().count(), 101, "{text}");
    assert!(text.ends_with("a:100:x\n[searched 1 of 2 files; narrow the search]\n"), "{text}");
    let text = grep(&bench, json!({"pattern": "x", "path_glob": "b"})).await;
    assert!(text.len() < 400 && text.contains("… [99701 more bytes]"), "{text}");
    bench.put("large", &vec![b'x'; 5 * 1024 * 1024]);
    let text = grep(&bench, json!({"pattern": "q"})).await;
    assert!(text.ends_with("[1 files are links or larger than 4 MiB and were not searched]\n"), "{text}");
}

#[tokio::test]
async fn patterns_that_can_not_be_used_are_told() {
    let bench = bench();
    for (pattern, expected) in [
        ("", "`pattern` is empty"),
        ("(", "`pattern` is no regular expression: unclosed group"),
        (
            "(?:a{1000}){1000}",
            "`pattern` is no regular expression: it is too large when compiled; use smaller repetitions",
        ),
        (r"(a)\1", "`pattern` is no regular expression: backreferences are not supported"),
    ] {
        assert_eq!(grep(&bench, json!({"pattern": pattern})).await, expected);
    }
    bench.put("evil", "a".repeat(100_000).as_bytes());
    let text = grep(&bench, json!({"pattern": "(a*)*(a*)*b", "path_glob": "evil"})).await;
    assert!(text.starts_with("no line in 1 files fits"), "{text}");
}
