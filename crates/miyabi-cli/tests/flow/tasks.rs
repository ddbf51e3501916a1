//! Plans with several tasks: side by side where they may, one after another where they must, and the head green always.

use serde_json::{Value, json};

use crate::bench::{Bench, WORDS, approving, call, calls, finish, says, task, triage, write};

/// Eight tasks: five independent, two that build on others, and one that breaks the tests at first.
#[test]
fn eight_tasks_work_side_by_side_and_the_head_is_green_after_each() {
    let independent = ["t1", "t2", "t3", "t4", "t5"];
    let mut tasks: Vec<Value> =
        independent.iter().map(|key| task(key, &[&format!("parts/{key}.txt")], &[], &[0])).collect();
    tasks.push(task("t6", &["parts/t6.txt"], &["t1", "t2"], &[]));
    tasks.push(task("t7", &["parts/t7.txt", "words.txt"], &["t6"], &[]));
    tasks.push(task("t8", &["words.txt"], &["t7"], &[]));
    let mut rules = vec![
        says("issue", &triage("feature", &["the parts are there"])),
        says("coordinate", &json!({"tasks": tasks})),
    ];
    for key in independent.iter().chain(&["t6", "t7"]) {
        let path = format!("parts/{key}.txt");
        // The proof of each task looks at its own file only.
        let turns = [vec![write(&path, "part\n")], vec![finish(&format!("test -s {path}"))]];
        rules.push(calls(&format!("generate/{key}"), &turns));
    }
    rules.push(calls(
        "generate/t8",
        &[
            vec![write("words.txt", "zebra\napple\n")],
            vec![call("finish", &json!({"summary": "Broken."}))],
            vec![write("words.txt", "apple\nberry\nzebra\n")],
            vec![call("finish", &json!({"summary": "Repaired."}))],
        ],
    ));
    rules.extend(approving());
    let bench = Bench::new(WORDS, &Value::Array(rules));

    let ran = bench.run(&["Add the parts"]);
    assert_eq!(ran.stop(), "done", "{}", ran.stderr);
    assert_eq!(ran.values("integrate").len(), 8);
    assert!(most_tasks_at_once(&ran.events()) > 1, "independent tasks work at the same time");
    let red = ran.values("gates").iter().filter(|value| is_red(value)).count();
    assert_eq!(red, 1, "the broken change was seen once, and went back");

    // Main is green after every merge: the tests hold at each commit.
    for commit in bench.forge(&["rev-list", "main"]).lines() {
        let words = bench.forge(&["show", &format!("{commit}:words.txt")]);
        let mut sorted: Vec<_> = words.lines().collect();
        sorted.sort_unstable();
        assert_eq!(sorted, words.lines().collect::<Vec<_>>(), "{commit}");
    }
    assert!(bench.forge(&["show", "main:words.txt"]).contains("zebra"));
}

fn is_red(value: &Value) -> bool {
    value["results"]
        .as_array()
        .is_some_and(|results| results.iter().any(|result| result["verdict"] == "fail"))
}

/// The most tasks whose steps were open at the same time.
fn most_tasks_at_once(events: &[Value]) -> usize {
    let mut open: Vec<(String, String)> = Vec::new();
    let mut most = 0;
    for event in events {
        let step = event["step"].to_string();
        let task = event["step"]["task"].as_str().or_else(|| event["step"]["session"]["task"].as_str());
        match (event["kind"].as_str(), task) {
            (Some("step_started"), Some(task)) => open.push((step, task.to_owned())),
            (Some("step_finished" | "step_failed" | "step_lost"), _) => {
                open.retain(|(other, _)| *other != step);
            }
            _ => {}
        }
        let mut tasks: Vec<_> = open.iter().map(|(_, task)| task).collect();
        tasks.sort();
        tasks.dedup();
        most = most.max(tasks.len());
    }
    most
}

#[test]
fn findings_of_the_review_go_back_and_are_repaired() {
    let finding = json!({
        "severity": "major", "path": "words.txt", "line": 1, "problem": "a word is missing", "remedy": "add it",
    });
    let mut rules = vec![
        says("issue", &triage("chore", &["it is done"])),
        says("coordinate", &json!({"tasks": [task("t1", &["**"], &[], &[0])]})),
        calls("generate/t1", &[vec![write("words.txt", "apple\n")], vec![finish("test -s words.txt")]]),
        calls(
            "generate/fix1",
            &[
                vec![write("words.txt", "apple\nberry\nplum\n")],
                vec![call("finish", &json!({"summary": "Added."}))],
            ],
        ),
        says("review/0/correctness", &json!({"findings": [finding]})),
        says("review/0/validate", &json!({"confirmed": [0], "unproven": []})),
    ];
    rules.extend(approving());
    let bench = Bench::new(WORDS, &Value::Array(rules));
    let ran = bench.run(&["Tidy the words"]);
    assert_eq!(ran.stop(), "done", "{}", ran.stderr);
    assert_eq!(bench.forge(&["show", "main:words.txt"]), "apple\nberry\nplum\n");
    let added = ran.events().into_iter().filter(|event| event["kind"] == "task_added").count();
    assert_eq!(added, 1);
}
