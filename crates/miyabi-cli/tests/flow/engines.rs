//! Engines without a model: the issue's own patch, and the operator's recipe.

use serde_json::Value;

use crate::bench::{Bench, WORDS, approving};

const PATCH: &str = "Sort the words\n\n```diff\n--- a/words.txt\n+++ b/words.txt\n@@ -1,2 +1,3 @@\n apple\n berry\n+cherry\n```\n";

#[test]
fn an_issue_that_carries_its_patch_needs_no_model() {
    let bench = Bench::new(WORDS, &Value::Array(approving()));
    let ran = bench.run(&[PATCH, "--engine", "patch"]);
    assert_eq!(ran.stop(), "done", "{} {}", ran.stdout, ran.stderr);
    assert_eq!(ran.values("ask").len(), 0, "no model was asked");
    assert_eq!(bench.forge(&["show", "main:words.txt"]), "apple\nberry\ncherry\n");
}

#[test]
fn a_patch_that_breaks_the_tests_is_not_merged() {
    let bench = Bench::new(WORDS, &Value::Array(approving()));
    let ran = bench.run(&[&PATCH.replace("cherry", "aardvark"), "--engine", "patch"]);
    assert_eq!((ran.stop().as_str(), ran.code), ("gate_failed", 1), "{}", ran.stderr);
    assert_eq!(bench.forge(&["show", "main:words.txt"]), "apple\nberry\n");
}

#[test]
fn a_patch_that_does_not_fit_says_so() {
    let bench = Bench::new(WORDS, &Value::Array(approving()));
    let ran = bench.run(&[&PATCH.replace(" apple", " something else"), "--engine", "patch"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.events().iter().any(|event| event["failure"]["code"] == "PATCH_REJECTED"), "{}", ran.stdout);
}

#[test]
fn a_recipe_runs_the_operators_commands() {
    let files = [("words.txt", "b\na\n"), WORDS[1], WORDS[2]];
    let bench = Bench::new(&files, &Value::Array(approving()));
    let ran = bench.run(&["Sort the words", "--engine", "sort"]);
    assert_eq!(ran.stop(), "done", "{} {}", ran.stdout, ran.stderr);
    assert_eq!(ran.values("ask").len(), 0, "no model was asked");
    assert_eq!(bench.forge(&["show", "main:words.txt"]), "a\nb\n");
}
