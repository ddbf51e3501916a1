//! Models that are broken, stuck or hostile: every run ends in a typed stop with its exit code.

use serde_json::{Value, json};

use crate::bench::{Bench, WORDS, call, calls, finish, one_task, says, triage, write};

fn ends(rules: &Value, args: &[&str]) -> (String, i32) {
    let bench = Bench::new(WORDS, rules);
    let mut all = vec!["Do it"];
    all.extend(args);
    let ran = bench.run(&all);
    (ran.stop(), ran.code)
}

#[test]
fn the_same_call_again_and_again_ends_stuck() {
    let read = || vec![call("read", &json!({"path": "words.txt"}))];
    let turns: Vec<_> = (0..10).map(|_| read()).collect();
    assert_eq!(ends(&one_task(&turns), &[]), ("stuck".into(), 1));
}

#[test]
fn answers_that_can_never_be_used_end_the_run() {
    let rules = json!([{"when": {"session": "issue"}, "answer": {"text": "I would rather not."}}]);
    assert_eq!(ends(&rules, &[]), ("provider_failed".into(), 1));
}

#[test]
fn a_provider_that_is_away_ends_the_run() {
    let rules = json!([{"when": {"session": "issue"}, "answer": {"error": {"kind": "quota"}}}]);
    let bench = Bench::new(WORDS, &rules);
    let ran = bench.miyabi(&["run", "Do it", "--json", "--wait-approval", "fail"]);
    assert!(matches!(ran.code, 1 | 3), "{ran:?}");
}

#[test]
fn unknown_tools_and_broken_arguments_go_back_to_the_model() {
    let turns = [
        vec![call("rm_rf", &json!({"path": "/"}))],
        vec![json!({"name": "read", "broken": "{\"path\": "})],
        vec![call("read", &json!({"path": "../../etc/passwd"}))],
        vec![call("read", &json!({"path": ".git/config"}))],
        vec![call("write", &json!({"path": "/etc/x", "content": "x"}))],
        vec![write("words.txt", "apple\nberry\nplum\n")],
        vec![finish("test -s words.txt")],
    ];
    assert_eq!(ends(&one_task(&turns), &[]), ("done".into(), 0));
}

#[test]
fn turns_have_an_end() {
    let turns: Vec<_> = (0..200).map(|n| vec![write("words.txt", &format!("apple\nberry{n}\n"))]).collect();
    let bench = Bench::new(WORDS, &one_task(&turns));
    let ran = bench.run(&["Do it", "--set", "budget.turns=5"]);
    assert_eq!((ran.stop().as_str(), ran.code), ("turn_limit", 8), "{}", ran.stderr);
}

#[test]
fn an_unclear_issue_is_asked_about_before_anything_is_done() {
    let mut unclear = triage("question", &[]);
    unclear["missing"] = json!(["Which words?"]);
    let bench = Bench::new(WORDS, &json!([says("issue", &unclear)]));
    let ran = bench.miyabi(&["run", "Do something", "--wait-approval", "fail"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("Which words?"), "{}", ran.stderr);
}

#[test]
fn exec_does_one_task_and_prints_the_patch() {
    let rules = json!([calls(
        "generate/t1",
        &[
            vec![write("words.txt", "apple\nberry\nplum\n")],
            vec![call("finish", &json!({"summary": "Added."}))]
        ],
    )]);
    let bench = Bench::new(WORDS, &rules);
    let ran = bench.miyabi(&["exec", "Add a word"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("+plum"), "{}", ran.stdout);
    assert_eq!(bench.git(&["status", "--porcelain"]), "", "the user's checkout is not touched unless asked");
    let ran = bench.miyabi(&["exec", "Add a word", "--apply"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(std::fs::read_to_string(bench.path("repository/words.txt")).unwrap(), "apple\nberry\nplum\n");
}
