//! Kill -9 and full disks. The children are ignored tests of this same program, run in a folder of their own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use miyabi_core::digest::Digest;
use miyabi_core::id::{ProjectId, RunId, TenantId};
use miyabi_core::port::artifacts::{Artifacts, Error as ArtifactError};
use miyabi_core::port::journal::{Error, Journal, Scope};
use miyabi_core::run::Event;
use miyabi_store::conformance::fixture::{Run, START, project_id, tenant};
use miyabi_store::{DataFolder, Keys, Layout, Store};

/// Runs that the child works on at the same time.
const RUNS: u64 = 4;
/// Times that it is killed.
const KILLS: u64 = 8;

/// A run whose events are the same in every process.
fn known_run(number: u64) -> Run {
    let tenant = TenantId::mint(START, 1);
    let mut run = Run::new(tenant, ProjectId::mint(START, 2));
    run.row.run_id = RunId::mint(START, u128::from(number));
    run.row.created_at = START;
    run.row.updated_at = START;
    run
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_kill() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let mut acknowledged: BTreeMap<u64, u64> = BTreeMap::new();
    for kill in 0..KILLS {
        // Between a few and a few dozen appends: the kill falls anywhere in a commit, a checkpoint or an upgrade.
        let before_kill = 3 + usize::try_from(kill * 17 % 41).unwrap();
        for (run, seq) in work_until_killed(home.path(), before_kill) {
            let last = acknowledged.entry(run).or_default();
            *last = seq.max(*last);
        }
        let store = crate::common::open(&data).await;
        check_journals(&*store.journal(), &acknowledged).await;
        let report = store.check().await.unwrap();
        assert_eq!(report.problems, [], "after kill {kill}");
        store.close().await;
    }
    assert_eq!(acknowledged.len() as u64, RUNS);
}

/// Lets the child work until it has acknowledged some appends, kills it, and returns all that it acknowledged.
fn work_until_killed(home: &Path, before_kill: usize) -> Vec<(u64, u64)> {
    let mut command = crate::common::child("durability::child_appends_until_killed", home);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acks = lines.map_while(Result::ok).filter_map(|line| {
        let (run, seq) = line.strip_prefix("ack ")?.split_once(' ')?;
        Some((run.parse().ok()?, seq.parse().ok()?))
    });
    let mut seen: Vec<(u64, u64)> = acks.by_ref().take(before_kill).collect();
    child.kill().unwrap();
    seen.extend(acks);
    child.wait().unwrap();
    assert!(seen.len() >= before_kill, "the child ended by itself");
    seen
}

async fn check_journals(journal: &dyn Journal, acknowledged: &BTreeMap<u64, u64>) {
    for (number, seq) in acknowledged {
        let mut run = known_run(*number);
        let loaded = journal.load(run.row.tenant, run.row.run_id, 0).await.unwrap();
        assert!(loaded.len() as u64 >= *seq, "run {number} ends at {} before {seq}", loaded.len());
        let expected = run.events(loaded.len() as u64);
        let loaded: Vec<Event> = loaded.into_iter().map(|stored| stored.event).collect();
        assert_eq!(loaded, expected, "run {number}");
        let row = journal.find(run.row.tenant, run.row.run_id).await.unwrap();
        assert_eq!(row, Some(run.row), "the row is of the same commit as the last event");
    }
    let all = journal.tail(Scope::All, 0, u32::MAX).await.unwrap();
    let places: Vec<u64> = all.iter().map(|stored| stored.global_seq).collect();
    assert_eq!(places, (1..=all.len() as u64).collect::<Vec<_>>());
    assert_eq!(journal.last_global().await.unwrap(), all.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a child of the test above"]
async fn child_appends_until_killed() {
    if !Path::new(crate::common::MARKER).exists() {
        return;
    }
    let store = crate::common::open("data".as_ref()).await;
    let (journal, artifacts) = (store.journal(), store.artifacts());
    futures::future::join_all((0..RUNS).map(|number| append_forever(&*journal, &*artifacts, number))).await;
}

async fn append_forever(journal: &dyn Journal, artifacts: &dyn Artifacts, number: u64) {
    let mut run = known_run(number);
    let stored = journal.find(run.row.tenant, run.row.run_id).await.unwrap();
    run.events(stored.map_or(0, |row| row.seq));
    loop {
        let expected = run.row.seq;
        artifacts.put(format!("{number}/{expected}").as_bytes()).await.unwrap();
        let events = run.events(1 + expected % 3);
        if expected == 0 {
            journal.create(&events, &run.row).await.unwrap();
        } else {
            journal.append(expected, &events, &run.row).await.unwrap();
        }
        // Standard output is flushed after each line, so the parent sees what was acknowledged before the kill.
        let acknowledged = format!("ack {number} {}\n", run.row.seq);
        std::io::stdout().write_all(acknowledged.as_bytes()).unwrap();
    }
}

#[tokio::test]
async fn idle_store_brings_its_log_into_the_database() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    let mut run = Run::new(tenant(), project_id());
    let events = run.begin();
    store.journal().create(&events, &run.row).await.unwrap();
    let id = run.row.run_id.to_string();
    let database = Layout::of(home.path()).database();
    let arrived = async {
        loop {
            let bytes = std::fs::read(&database).unwrap();
            if bytes.windows(id.len()).any(|window| window == id.as_bytes()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let arrived = tokio::time::timeout(Duration::from_secs(20), arrived).await;
    assert!(arrived.is_ok(), "the run is still only in the log");
    store.close().await;
}

/// Needs a file system of a few megabytes: mounted in a user namespace, as the sandbox has them too.
#[test]
fn full_disk_is_told_and_survived() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("small")).unwrap();
    let child = crate::common::child("durability::child_fills_its_disk", home.path());
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg("mount -t tmpfs -o size=6m none small || exit 77; exec \"$@\"");
    command.arg("sh").arg(child.get_program()).args(child.get_args());
    let output = command.current_dir(home.path()).output().unwrap();
    if output.status.code() == Some(77) {
        eprintln!("skipped: this host does not let user namespaces mount");
        return;
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
#[ignore = "a child of the test above"]
async fn child_fills_its_disk() {
    if !Path::new(crate::common::MARKER).exists() {
        return;
    }
    let small = Path::new("small");
    let store = crate::common::open(&small.join("data")).await;
    let layout = Layout::of(small.join("data"));
    let filler = small.join("filler");

    let journal = store.journal();
    let mut run = Run::new(tenant(), project_id());
    let events = run.begin();
    journal.create(&events, &run.row).await.unwrap();

    // Artifacts end with the space, and leave nothing half-written.
    let artifacts = store.artifacts();
    let refused = loop {
        let content =
            vec![u8::try_from(store.disk_artifacts().total().await.unwrap().count).unwrap(); 300_000];
        match artifacts.put(&content).await {
            Ok(_) => {}
            Err(error) => break (error, content),
        }
    };
    assert!(matches!(refused.0, ArtifactError::Full), "{}", refused.0);
    assert_eq!(std::fs::read_dir(layout.artifacts().join("tmp")).unwrap().count(), 0);
    assert_eq!(artifacts.size(Digest::of(&refused.1)).await.unwrap(), None);

    // So does the journal, whose events up to there stay.
    let _ = std::fs::write(&filler, vec![0; 8_000_000]);
    let (error, last) = append_until_refused(&*journal, &mut run).await;
    assert!(matches!(error, Error::Full), "{error}");
    let loaded = journal.load(run.row.tenant, run.row.run_id, 0).await.unwrap();
    assert_eq!(loaded.len() as u64, last.row.seq);

    // With space again the same process goes on.
    std::fs::remove_file(&filler).unwrap();
    let mut run = last;
    let expected = run.row.seq;
    let events = run.events(1);
    journal.append(expected, &events, &run.row).await.unwrap();
    artifacts.put(b"small").await.unwrap();
    assert_eq!(store.check().await.unwrap().problems, []);
    store.close().await;
    let folder = DataFolder::open(&small.join("data")).unwrap();
    Store::open(folder, Keys::File, START).await.unwrap().close().await;
}

/// Appends until there is no space; returns the error and the run as it was acknowledged last.
async fn append_until_refused(journal: &dyn Journal, run: &mut Run) -> (Error, Run) {
    loop {
        let last = run.clone();
        let events = run.events(20);
        if let Err(error) = journal.append(last.row.seq, &events, &run.row).await {
            return (error, last);
        }
    }
}
