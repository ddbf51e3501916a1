//! A private home, data folder and repository, and a model that plays a script.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Everything a run needs, for itself alone.
pub(crate) struct Bench {
    folder: TempDir,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The events that a followed run printed.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// How the run ended.
    pub(crate) fn stop(&self) -> String {
        let events = self.events();
        let end = events.iter().rev().find(|event| event["kind"] == "run_ended");
        end.and_then(|event| Some(event["stop"]["kind"].as_str()?.to_owned()))
            .unwrap_or_else(|| format!("no end: {} {}", self.code, self.stderr))
    }

    /// Values of the steps of one kind that ended well.
    pub(crate) fn values(&self, step: &str) -> Vec<Value> {
        let events = self.events().into_iter();
        let wanted = events.filter(|event| event["kind"] == "step_finished" && event["step"]["do"] == step);
        wanted.map(|event| event["value"].clone()).collect()
    }
}

impl Bench {
    /// A repository with these files, connected, and a model that plays these rules.
    pub(crate) fn new(files: &[(&str, &str)], rules: &Value) -> Self {
        let bench = Self { folder: TempDir::new().unwrap() };
        bench.write("home/.keep", "");
        for (name, text) in files {
            bench.write(&format!("repository/{name}"), text);
        }
        bench.git(&["init", "--quiet", "--initial-branch", "main"]);
        bench.commit("Begin");
        bench.play(rules);
        bench.write(
            "config.toml",
            "[models]\ndefault = \"scripted/job\"\n\n[providers.scripted.models.job]\nscript = \"job.json\"\n\n\
             [recipes.sort]\ncommands = [[\"sort\", \"-o\", \"words.txt\", \"words.txt\"]]\n",
        );
        let connected = bench.miyabi(&["init", "--yes", "--name", "job"]);
        assert_eq!(connected.code, 0, "{connected:?}");
        bench
    }

    /// Changes what the model plays.
    pub(crate) fn play(&self, rules: &Value) {
        self.write("job.json", &json!({"title": "job", "rules": rules}).to_string());
    }

    /// Runs the program in the repository.
    pub(crate) fn miyabi(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().unwrap();
        Ran::of(&output)
    }

    /// The program, about to be started in the repository.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_miyabi"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path("home"))
            .env("USER", "tester")
            .arg("--data-dir")
            .arg(self.path("data"))
            .arg("--config")
            .arg(self.path("config.toml"))
            .args(args)
            .current_dir(self.path("repository"))
            .stdin(Stdio::null());
        command
    }

    /// Starts a run, approves everything, and follows it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let mut all = vec!["run", "--yes", "--json"];
        all.extend(args);
        self.miyabi(&all)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits everything in the repository.
    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=T", "-c", "user.email=t@localhost", "commit", "--quiet", "-m", message]);
    }

    /// Git in the user's repository.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.path("repository"), args)
    }

    /// Git in the forge's bare repository.
    pub(crate) fn forge(&self, args: &[&str]) -> String {
        let projects = std::fs::read_dir(self.path("data/projects")).unwrap();
        let project = projects.map(|entry| entry.unwrap().path()).next().unwrap();
        git(&project.join("repo.git"), args)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Deployed sites outlive the program that started them, but not their test.
        let folder = self.folder.path().to_string_lossy().into_owned();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&line).contains(&folder) {
                let pid = entry.file_name();
                let _ = Command::new("kill").arg("-9").arg(pid).stderr(Stdio::null()).status();
            }
        }
    }
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A rule that answers a session's requests with JSON.
pub(crate) fn says(session: &str, value: &Value) -> Value {
    json!({"when": {"session": session}, "answer": {"json": value}})
}

/// A rule that plays tool calls, one answer per turn.
pub(crate) fn calls(session: &str, turns: &[Vec<Value>]) -> Value {
    let answers: Vec<_> = turns.iter().map(|calls| json!({"tool_calls": calls})).collect();
    json!({"when": {"session": session}, "answers": answers})
}

/// A tool call.
pub(crate) fn call(name: &str, arguments: &Value) -> Value {
    json!({"name": name, "arguments": arguments})
}

/// A triage of a chore with these acceptance items.
pub(crate) fn triage(kind: &str, acceptance: &[&str]) -> Value {
    json!({
        "kind": kind, "areas": [], "size": "small", "acceptance": acceptance, "duplicates": [], "missing": [],
        "risk": "low", "confidence": {"kind": 95, "size": 95, "acceptance": 95, "risk": 95}, "runnable": true,
    })
}

/// A task of a plan.
pub(crate) fn task(key: &str, touches: &[&str], depends_on: &[&str], covers: &[usize]) -> Value {
    json!({
        "key": key, "title": format!("Task {key}"), "goal": "done", "touches": touches, "depends_on": depends_on,
        "covers": covers, "budget_percent": 10,
    })
}

/// Rules of a review without findings and a pull request without ado.
pub(crate) fn approving() -> Vec<Value> {
    vec![
        says("review/*/correctness", &json!({"findings": []})),
        says("review/*/security", &json!({"findings": []})),
        says("review/*/rules", &json!({"findings": []})),
        says("pull_request/*", &json!({"title": "Change it", "summary": "It is changed."})),
        says("deploy/incident", &json!({"title": "Taken back", "summary": "It was not healthy."})),
    ]
}

/// All rules of a run with one task `t1` that plays these turns.
pub(crate) fn one_task(turns: &[Vec<Value>]) -> Value {
    let mut rules = vec![
        says("issue", &triage("chore", &["it is done"])),
        says("coordinate", &json!({"tasks": [task("t1", &["**"], &[], &[0])]})),
        calls("generate/t1", turns),
    ];
    rules.extend(approving());
    Value::Array(rules)
}

/// `finish` with a proof of item 0.
pub(crate) fn finish(proof: &str) -> Value {
    call("finish", &json!({"summary": "Done.", "proofs": [{"item": 0, "command": proof}]}))
}

/// `write` of a file.
pub(crate) fn write(path: &str, content: &str) -> Value {
    call("write", &json!({"path": path, "content": content}))
}

/// A repository whose test wants `words.txt` to be sorted.
pub(crate) const WORDS: &[(&str, &str)] = &[
    ("words.txt", "apple\nberry\n"),
    ("tests/words.sh", "LC_ALL=C sort -c words.txt && echo '1 passed, 0 failed'\n"),
    (".miyabi/config.toml", "[checks]\nsetup = []\ntest = [[\"sh\", \"tests/words.sh\"]]\n"),
];
