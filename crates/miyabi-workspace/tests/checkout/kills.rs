//! The host process killed at any moment: the next one finishes the work, and it is the same work.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use miyabi_core::port::checkouts::{Checkouts as _, Program};
use miyabi_core::port::repositories::Repositories as _;
use miyabi_core::sandbox::SandboxLevel;
use miyabi_testkit::artifacts::MemoryArtifacts;
use miyabi_testkit::git::{Repository, run};
use miyabi_testkit::project::project;
use tokio_util::sync::CancellationToken;

use crate::support::{LAUNCHER_VARIABLE, exec, id, launcher, request, wire};

/// Names the folder in which the process that is killed works.
const FOLDER_VARIABLE: &str = "MIYABI_TEST_FOLDER";
const ROUNDS: u32 = 10;
const OWN_NAME: &str = "kills::the_life_that_is_cut_off";

/// What a task's life is, as far as this crate sees it. Each step may have been begun by somebody who was killed.
async fn live(folder: &Path) -> String {
    let artifacts = Arc::new(MemoryArtifacts::default());
    let data = folder.join("data");
    let (repositories, checkouts) = wire(&data, SandboxLevel::Strict, &artifacts, Default::default()).await;
    let project = project(1, &folder.join("user"));
    let base = repositories.open(&project, "main").await.unwrap().commit;
    let (task, commit) = (id("task"), request());
    let merging = folder.join("merging");
    if !merging.exists() {
        checkouts.create(&task, &project, &base).await.unwrap();
        checkouts.write(&task, "a", b"1\ntwo\n3\n").await.unwrap();
        checkouts.write(&task, "d/new", b"new\n").await.unwrap();
        let snapshot = checkouts.snapshot(&task).await.unwrap();
        let spoil = exec(Program::Shell("rm -r d; echo gone > a; touch stray".to_owned()));
        checkouts.exec(&task, &spoil, &CancellationToken::new()).await.unwrap();
        checkouts.restore(&task, snapshot).await.unwrap();
        checkouts.commit(&task, &project, &commit).await.unwrap();
        // From here on a merge may have begun: what came before must not be done again.
        std::fs::write(&merging, "").unwrap();
    }
    let onto = repositories.open(&project, "other").await.unwrap().commit;
    assert_eq!(checkouts.refresh(&task, &project, &onto).await.unwrap(), [""; 0]);
    checkouts.commit(&task, &project, &commit).await.unwrap().commit.unwrap()
}

/// Does nothing unless the test below starts it.
#[tokio::test]
async fn the_life_that_is_cut_off() {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        live(Path::new(&folder)).await;
    }
}

#[tokio::test]
async fn a_host_that_is_killed_at_any_moment_loses_and_doubles_nothing() {
    let undisturbed = prepared();
    let began = Instant::now();
    let expected = live(undisturbed.path()).await;
    let mut life = began.elapsed();
    let mut killed = 0;
    for round in 0..ROUNDS {
        let folder = prepared();
        // Several kills in one life, spread over all its moments.
        for part in [round, (round * 5 + 3) % ROUNDS] {
            match cut_off(folder.path(), life * (part + 1) / ROUNDS) {
                None => killed += 1,
                // The machine is faster now than it was at first: aim better.
                Some(whole) => life = life.min(whole),
            }
        }
        assert_eq!(live(folder.path()).await, expected, "round {round}");
        let project = folder.path().join("data/projects").join(project(1, folder.path()).id.to_string());
        run(&project.join("repo.git"), &["--git-dir=.", "fsck", "--strict", "--no-dangling"]);
        let left = std::fs::read_dir(project).unwrap().map(|entry| entry.unwrap().file_name());
        let mut left: Vec<_> = left.collect();
        left.sort();
        assert_eq!(left, ["repo.git", "write.lock"], "round {round}");
    }
    assert!(killed >= ROUNDS / 2, "only {killed} of the lives were cut off");
}

fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let user = Repository::with_files(&[("a", "1\n2\n3\n"), ("b", "1\n")]);
    user.git(&["checkout", "--quiet", "-b", "other"]);
    user.write("b", "2\n");
    user.commit("other");
    user.git(&["checkout", "--quiet", "main"]);
    let copy = folder.path().join("user");
    let status = Command::new("cp").arg("-r").args([user.path(), &copy]).status().unwrap();
    assert!(status.success());
    folder
}

/// Starts a life in a process of its own and kills that after a while. How long it took, if it was over before.
fn cut_off(folder: &Path, after: Duration) -> Option<Duration> {
    let began = Instant::now();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([OWN_NAME, "--exact", "--nocapture"])
        .env(FOLDER_VARIABLE, folder)
        .env(LAUNCHER_VARIABLE, launcher())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while began.elapsed() < after {
        if child.try_wait().unwrap().is_some() {
            let took = began.elapsed();
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            return Some(took);
        }
        // The moment of the kill is what this test is about, not something to wait for.
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}
