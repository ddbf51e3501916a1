//! Processes of releases: started, replaced, ended, started again.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use miyabi_core::port::deploy_target::DeployTarget as _;
use miyabi_core::sandbox::SandboxLevel;

use crate::house::{House, command, kill, page, server, services_of};

#[tokio::test]
async fn a_site_answers_and_is_replaced_on_the_same_port() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.stage_site("run-2").await;
    let port = house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    assert_eq!(page(port, "/").unwrap(), "<p>run-1</p>");
    assert_eq!(house.activate("run-2").await.unwrap(), port);
    house.until_healthy().await;
    assert_eq!(page(port, "/").unwrap(), "<p>run-2</p>");
    house.until_only("run-2").await;
    let link = fs::read_link(house.project_folder().join("current")).unwrap();
    assert_eq!(link.to_str(), Some("releases/run-2"));
}

#[tokio::test]
async fn a_command_answers_with_a_bare_environment_and_is_brought_back() {
    let house = House::new();
    house.stage_command("run-1", &server()).await;
    house.stage_command("run-2", &server()).await;
    let port = house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    house.activate("run-2").await.unwrap();
    house.until_healthy().await;
    assert_eq!(page(port, "/").unwrap(), "run-2");
    let names: Vec<String> = page(port, "/env")
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(names, ["HOME", "HOST", "LANG", "PATH", "PORT", "TMPDIR", "USER"]);
    assert_eq!(house.activate("run-1").await.unwrap(), port);
    house.until_healthy().await;
    assert_eq!(page(port, "/").unwrap(), "run-1");
    house.until_only("run-1").await;
}

#[tokio::test]
async fn weaker_sandboxes_serve_as_well() {
    for level in [SandboxLevel::Reduced, SandboxLevel::External] {
        let house = House::at_level(level);
        house.stage_site("run-1").await;
        house.stage_command("run-2", &server()).await;
        let port = house.activate("run-1").await.unwrap();
        house.until_healthy().await;
        assert_eq!(page(port, "/").unwrap(), "<p>run-1</p>", "{level:?}");
        house.activate("run-2").await.unwrap();
        house.until_healthy().await;
        assert_eq!(page(port, "/").unwrap(), "run-2", "{level:?}");
        house.target.deactivate(&house.project).await.unwrap();
        house.until_none().await;
    }
}

#[tokio::test]
async fn activating_what_runs_changes_nothing() {
    let house = House::new();
    house.stage_site("run-1").await;
    let port = house.activate("run-1").await.unwrap();
    let before = services_of(house.data());
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(house.activate("run-1").await.unwrap(), port);
    assert_eq!(services_of(house.data()), before);
}

#[tokio::test]
async fn a_dead_process_is_started_again_and_only_once() {
    let house = House::new();
    house.stage_site("run-1").await;
    let port = house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    for (process, _) in services_of(house.data()) {
        kill(process);
    }
    house.until_unhealthy(&["the process of release `run-1` does not run"]).await;
    let url = Some(format!("http://127.0.0.1:{port}/"));
    for _ in 0..2 {
        assert_eq!(house.target.ensure_running(&house.project).await.unwrap(), url);
    }
    house.until_healthy().await;
    house.until_only("run-1").await;
}

#[tokio::test]
async fn a_process_at_a_closed_gate_does_not_count() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    let before = house.state()["service"].clone();
    // As if the program had died between noting the process and opening its gate.
    let gate = house.project_folder().join(before["gate"].as_str().unwrap());
    fs::write(&gate, "closed").unwrap();
    house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    house.until_only("run-1").await;
    assert_ne!(house.state()["service"]["pid"], before["pid"]);
    assert!(!gate.exists(), "a gate's name is not used again");
}

#[tokio::test]
async fn a_process_of_a_release_that_is_not_current_is_ended() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.activate("run-1").await.unwrap();
    // As after a crash in the middle of `deactivate`.
    fs::remove_file(house.project_folder().join("current")).unwrap();
    assert_eq!(house.target.ensure_running(&house.project).await.unwrap(), None);
    house.until_none().await;
}

#[tokio::test]
async fn taking_a_release_away_ends_its_process_and_may_be_repeated() {
    let house = House::new();
    house.stage_command("run-1", &server()).await;
    let port = house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    for _ in 0..2 {
        house.target.deactivate(&house.project).await.unwrap();
    }
    house.until_none().await;
    assert!(page(port, "/").is_err());
    assert_eq!(house.current().await, None);
    assert_eq!(house.activate("run-1").await.unwrap(), port, "the port is kept");
}

#[tokio::test]
async fn a_command_that_ignores_the_request_is_ended_with_all_its_children() {
    let house = House::new();
    let stubborn = "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & while :; do sleep 1; done";
    house.stage_command("run-1", &command(&["sh", "-c", stubborn])).await;
    house.activate("run-1").await.unwrap();
    let began = Instant::now();
    house.target.deactivate(&house.project).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
    house.until_none().await;
}

#[tokio::test]
async fn a_taken_port_is_given_up_for_another() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.stage_site("run-2").await;
    let port = house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    house.target.deactivate(&house.project).await.unwrap();
    let _stranger = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let other = house.activate("run-2").await.unwrap();
    assert_ne!(other, port);
    house.until_healthy().await;
    assert_eq!(page(other, "/").unwrap(), "<p>run-2</p>");
}

#[tokio::test]
async fn an_id_that_another_process_has_now_is_left_alone() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.activate("run-1").await.unwrap();
    let mut state = house.state();
    let ours = u32::try_from(state["service"]["pid"].as_u64().unwrap()).unwrap();
    let mut bystander = Command::new("sleep").arg("600").spawn().unwrap();
    // Real ids are given again after many other processes, so never within one tick of the system's clock.
    while start_time(bystander.id()) == state["service"]["start_time"].as_u64().unwrap() {
        bystander.kill().unwrap();
        bystander.wait().unwrap();
        bystander = Command::new("sleep").arg("600").spawn().unwrap();
    }
    state["service"]["pid"] = bystander.id().into();
    fs::write(house.project_folder().join("state.json"), serde_json::to_vec(&state).unwrap()).unwrap();
    kill(ours);
    house.target.deactivate(&house.project).await.unwrap();
    assert_eq!(bystander.try_wait().unwrap(), None, "the bystander lives");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

fn start_time(process: u32) -> u64 {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    line[line.rfind(')').unwrap() + 1..].split_ascii_whitespace().nth(19).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_process_of_an_earlier_start_of_the_machine_is_forgotten() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.activate("run-1").await.unwrap();
    let mut state = house.state();
    assert!(state["service"]["boot"].is_string());
    state["service"]["boot"] = "another".into();
    fs::write(house.project_folder().join("state.json"), serde_json::to_vec(&state).unwrap()).unwrap();
    house.until_unhealthy(&["release `run-1` was not started"]).await;
}

#[tokio::test]
async fn two_activations_at_once_end_with_one_process() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.stage_site("run-2").await;
    for _ in 0..3 {
        let (one, two) = tokio::join!(house.activate("run-1"), house.activate("run-2"));
        assert_eq!(one.unwrap(), two.unwrap());
        let current = house.current().await.unwrap();
        house.until_healthy().await;
        house.until_only(&current).await;
    }
}

#[tokio::test]
async fn a_log_never_grows_beyond_its_limit() {
    let house = House::new();
    let chatty = "perl -e 'print \"x\" x 1000, \"\\n\" for 1..20000'; echo done >&2; exec sleep 600";
    house.stage_command("run-1", &command(&["sh", "-c", chatty])).await;
    house.activate("run-1").await.unwrap();
    let log = house.target.log_file(&house.project, "run-1").unwrap();
    miyabi_testkit::poll::until("the last line", miyabi_testkit::poll::SOON, async || {
        let text = fs::read_to_string(&log).unwrap();
        assert!(text.len() <= 1024 * 1024, "{}", text.len());
        if text.ends_with("done\n") { Ok(()) } else { Err(text.len()) }
    })
    .await;
}
