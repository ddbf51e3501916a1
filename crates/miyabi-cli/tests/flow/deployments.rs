//! Releases that are not what they should be: every one of them ends on the version before it.

use serde_json::Value;

use crate::bench::{Bench, Ran, finish, one_task, write};

/// A service in shell: answers `version` over HTTP on $PORT with the help of what every machine has.
fn files(health: &str) -> Vec<(&'static str, String)> {
    let config = format!(
        "[checks]\nsetup = []\ntest = [[\"test\", \"-s\", \"public/index.html\"]]\n\n[deploy]\nfolder = \"public\"\n\n\
         [deploy.health]\ncontains = \"version\"\nsamples = 2\ninterval_ms = 50\nstart_timeout_ms = 1500\n{health}"
    );
    vec![("public/index.html", "version one\n".to_owned()), (".miyabi/config.toml", config)]
}

fn bench(health: &str, rules: &Value) -> Bench {
    let files = files(health);
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    Bench::new(&files, rules)
}

fn page(content: &str) -> Value {
    one_task(&[vec![write("public/index.html", content)], vec![finish("test -s public/index.html")]])
}

fn deploy(bench: &Bench, content: &str) -> Ran {
    bench.play(&page(content));
    bench.run(&[&format!("Say {content}"), "--autonomy", "deploy"])
}

fn current_page(bench: &Bench) -> String {
    let shown = bench.miyabi(&["deploy", "show", "--json"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let release: Value = serde_json::from_str(&shown.stdout).unwrap();
    let url = release["url"].as_str().unwrap().to_owned();
    let output = std::process::Command::new("curl").args(["-s", &url]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_good_release_replaces_the_one_before() {
    let bench = bench("watch_ms = 100\n", &page("version two\n"));
    assert_eq!(deploy(&bench, "version two\n").stop(), "done");
    assert_eq!(deploy(&bench, "version three\n").stop(), "done");
    assert_eq!(current_page(&bench), "version three\n");
}

#[test]
fn a_release_that_never_is_healthy_is_taken_back() {
    let bench = bench("watch_ms = 100\n", &page("version two\n"));
    assert_eq!(deploy(&bench, "version two\n").stop(), "done");
    let ran = deploy(&bench, "nothing to see\n");
    assert_eq!((ran.stop().as_str(), ran.code), ("rolled_back", 1), "{}", ran.stderr);
    assert_eq!(current_page(&bench), "version two\n");
    let issues = bench.miyabi(&["issues", "list", "--json"]);
    assert!(issues.stdout.contains("nothing to see"), "the issue is open again: {issues:?}");
    let requests = bench.miyabi(&["prs", "list", "--json"]);
    assert!(requests.stdout.contains("Revert"), "a pull request takes the change back: {requests:?}");
}

#[test]
fn without_a_version_before_it_a_bad_release_leaves_nothing_running() {
    let bench = bench("watch_ms = 100\n", &page("nothing to see\n"));
    let ran = deploy(&bench, "nothing to see\n");
    assert_eq!(ran.stop(), "rolled_back", "{}", ran.stderr);
    assert!(!bench.miyabi(&["deploy", "show", "--json"]).stdout.contains("\"is_current\":true"));
}
