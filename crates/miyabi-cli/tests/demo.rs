//! The demo as people run it: the real program, a real repository, real processes. Only the model's answers are known.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A data folder in which a demo runs; what the demo started is ended with it.
struct Demo {
    folder: TempDir,
}

impl Demo {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn start(&self, args: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_miyabi"))
            .args(["demo", "--yes", "--data-dir"])
            .arg(self.folder.path())
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a demo to its end: its events and what it said.
    fn finish(&self, args: &[&str]) -> (Vec<Value>, String) {
        let output = self.start(args).wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        let text = std::str::from_utf8(&output.stdout).unwrap().to_owned();
        (text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(), said)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("demo/data")
    }

    fn git(&self, args: &[&str]) -> String {
        let repository = only_folder(&self.data().join("projects")).join("repo.git");
        let output = Command::new("git").arg("-C").arg(repository).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Command lines of all processes that have this data folder in their arguments.
    fn processes(&self) -> Vec<(i32, String)> {
        let folder = self.folder.path().to_str().unwrap();
        let mut all = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap() {
            let entry = entry.unwrap();
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if line.contains(folder) {
                all.push((pid, line));
            }
        }
        all
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
    }
}

/// The one folder below a folder.
fn only_folder(folder: &Path) -> PathBuf {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = all.filter(|path| path.is_dir()).collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders.remove(0)
}

fn finished<'a>(events: &'a [Value], step: &str) -> Vec<&'a Value> {
    let is_it = |event: &&Value| event["kind"] == "step_finished" && event["step"]["do"] == step;
    events.iter().filter(is_it).collect()
}

fn get(url: &str) -> String {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// What holds after every demo that came to its end, however often it was killed before.
fn check_outcome(demo: &Demo, events: &[Value]) {
    let last = events.last().unwrap();
    assert_eq!(last["kind"], "run_ended", "{last}");
    assert_eq!(last["stop"]["kind"], "done", "{last}");
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], index as u64 + 1, "the journal has no gap");
    }
    for (step, count) in [
        ("commit", 2),
        ("integrate", 2),
        ("push", 1),
        ("open_pull_request", 1),
        ("merge", 1),
        ("activate", 1),
    ] {
        assert_eq!(finished(events, step).len(), count, "{step}");
    }
    let subjects = demo.git(&["log", "--format=%s", "main"]);
    let expected = ["Name the repair in the change log", "Show days without times as closed", "Begin"];
    assert_eq!(subjects.lines().collect::<Vec<_>>(), expected);
    only_folder(&only_folder(&demo.data().join("deploy")).join("releases"));

    let page = get(finished(events, "activate")[0]["value"]["url"].as_str().unwrap());
    assert!(page.contains("<b>Monday</b> closed"), "{page}");
    let left = demo.processes();
    assert_eq!(left.len(), 1, "only the deployed site is left: {left:?}");
}

#[test]
fn the_demo_takes_an_issue_to_a_healthy_page() {
    let demo = Demo::new();
    let (events, _) = demo.finish(&["--keep", "--json"]);
    check_outcome(&demo, &events);
}

#[test]
fn without_keep_nothing_is_left_behind() {
    let demo = Demo::new();
    let (_, said) = demo.finish(&[]);
    assert!(said.contains("approved by itself"), "{said}");
    assert!(said.contains("Scripted model"), "{said}");
    assert!(!said.contains('\u{1b}'), "no escape codes where there is no terminal: {said}");
    assert!(!demo.folder.path().join("demo").exists());
    assert_eq!(demo.processes(), []);
}

/// Kills the program when its journal has reached each of these places, and starts it again: a dozen kills in one run.
#[test]
fn kill_9_at_any_moment_loses_nothing_and_doubles_nothing() {
    let demo = Demo::new();
    for place in [2, 6, 9, 14, 20, 27, 33, 41, 50, 58, 69, 78] {
        let mut child = demo.start(&["--keep", "--json"]);
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if event["seq"].as_u64().unwrap() >= place {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (events, _) = demo.finish(&["--keep", "--json"]);
    assert!(events.iter().any(|event| event["kind"] == "step_lost"), "at least one kill hit an open step");
    check_outcome(&demo, &events);
}
