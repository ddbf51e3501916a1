//! Bad releases are seen as such, whatever answers in their place.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use miyabi_core::project::{DeployConfig, HealthCheck};

use crate::house::{House, command, page, server, services_of, site};

fn with_health(config: DeployConfig, health: HealthCheck) -> DeployConfig {
    DeployConfig { health, ..config }
}

#[tokio::test]
async fn a_command_that_dies_at_once_is_told_with_its_last_words() {
    let house = House::new();
    let dies = command(&["sh", "-c", "echo 'no database at \u{1b}[31mdb:5432'; echo really >&2; exit 3"]);
    house.stage_command("run-1", &dies).await;
    house.activate("run-1").await.unwrap();
    let detail = house.until_unhealthy(&["exit code 3"]).await;
    assert_eq!(
        detail,
        "the process of release `run-1` does not run: its command ended with exit code 3, after saying: \
         no database at [31mdb:5432 really"
    );
    assert!(house.sample().await.has_ended, "looking again is of no use");
    house.until_none().await;
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_told() {
    let house = House::new();
    house.stage_command("run-1", &command(&["no-such-program"])).await;
    house.activate("run-1").await.unwrap();
    let detail = house.until_unhealthy(&["could not be started"]).await;
    assert!(detail.contains("`no-such-program`: No such file or directory"), "{detail}");
}

#[tokio::test]
async fn a_command_that_never_listens_is_never_healthy() {
    let house = House::new();
    house.stage_command("run-1", &command(&["sleep", "600"])).await;
    let port = house.activate("run-1").await.unwrap();
    let detail = house.until_unhealthy(&["no answer on port"]).await;
    assert!(detail.starts_with(&format!("no answer on port {port}: Connection refused")), "{detail}");
    assert!(!house.sample().await.has_ended, "it may still begin to listen");
}

#[tokio::test]
async fn a_healthy_release_that_ends_later_is_seen_at_once() {
    let house = House::new();
    house.stage_command("run-1", &server()).await;
    let port = house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    page(port, "/end").unwrap();
    let detail = house.until_unhealthy(&["does not run", "exit code 4"]).await;
    assert!(detail.ends_with("after saying: told to end"), "{detail}");
}

#[tokio::test]
async fn a_site_whose_process_is_killed_is_seen_at_once() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    services_of(house.data()).iter().for_each(|(process, _)| crate::house::kill(*process));
    house.until_unhealthy(&["the process of release `run-1` does not run"]).await;
}

#[tokio::test]
async fn status_and_content_are_looked_at() {
    let house = House::new();
    let bad = HealthCheck { path: "/bad".into(), ..HealthCheck::default() };
    house.stage_command("run-1", &with_health(server(), bad)).await;
    house.activate("run-1").await.unwrap();
    assert_eq!(house.until_unhealthy(&["status"]).await, "status 503 from `/bad`");

    house.write("index.html", "<p>version 2</p>");
    let contains = |text: &str| HealthCheck { contains: Some(text.into()), ..HealthCheck::default() };
    house.stage("run-2", &with_health(site(), contains("version 3"))).await.unwrap();
    house.activate("run-2").await.unwrap();
    assert_eq!(
        house.until_unhealthy(&["status"]).await,
        "status 200 from `/`, but the answer does not contain `version 3`"
    );
    house.stage("run-3", &with_health(site(), contains("version 2"))).await.unwrap();
    house.activate("run-3").await.unwrap();
    house.until_healthy().await;
    assert_eq!(house.sample().await.detail, "status 200 from `/`");
}

#[tokio::test]
async fn a_health_command_runs_in_the_release_and_sees_the_port() {
    let house = House::new();
    let check = |script: &str| HealthCheck {
        command: Some(["sh", "-c", script].map(str::to_owned).to_vec()),
        ..HealthCheck::default()
    };
    let asks = r#"exec 2>&1; test "$(cat name.txt)" = run-1 && perl -MIO::Socket::INET -e '
        exit !IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ENV{PORT})'"#;
    house.stage_command("run-1", &with_health(server(), check(asks))).await;
    house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    assert_eq!(house.sample().await.detail, "the health command ended with exit code 0");
    house.stage_command("run-2", &with_health(server(), check("echo queue is stuck; exit 7"))).await;
    house.activate("run-2").await.unwrap();
    assert_eq!(
        house.until_unhealthy(&["health command"]).await,
        "the health command ended with exit code 7: queue is stuck"
    );
    house.stage_command("run-3", &with_health(server(), check("echo > new-file"))).await;
    house.activate("run-3").await.unwrap();
    house.until_unhealthy(&["the health command ended with exit code"]).await;
}

/// Answers everything with "200 OK" and a release's name, until it is asked for `/end`.
fn impostor(port: u16, release: &'static str) -> JoinHandle<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            if head.first().is_some_and(|line| line.starts_with("GET /end ")) {
                return;
            }
            let answer = format!(
                "HTTP/1.1 200 OK\r\nx-miyabi-release: {release}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
            );
            let _gone = stream.write_all(answer.as_bytes());
        }
    })
}

#[tokio::test]
async fn another_program_on_the_port_can_not_pass_for_the_release() {
    let house = House::new();
    house.stage_command("run-1", &command(&["sleep", "600"])).await;
    let port = house.activate("run-1").await.unwrap();
    let listening = impostor(port, "run-1");
    let words = format!("another program than release `run-1` answers on port {port}");
    assert_eq!(house.until_unhealthy(&["another program"]).await, words);
    let _ended = page(port, "/end");
    listening.join().unwrap();
}

#[tokio::test]
async fn an_older_release_on_the_port_can_not_pass_for_the_current_one() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.stage_site("run-2").await;
    let port = house.activate("run-1").await.unwrap();
    house.until_healthy().await;
    // As if the link had been switched and the process not.
    std::fs::remove_file(house.project_folder().join("current")).unwrap();
    std::os::unix::fs::symlink("releases/run-2", house.project_folder().join("current")).unwrap();
    assert_eq!(house.until_unhealthy(&["instead"]).await, "release `run-1` runs instead of `run-2`");
    // Even if the state said otherwise, the answer itself tells.
    let state_file = house.project_folder().join("state.json");
    let state = std::fs::read_to_string(&state_file).unwrap();
    std::fs::write(&state_file, state.replace("run-1", "run-2")).unwrap();
    let words = format!("another program than release `run-2` answers on port {port}");
    assert_eq!(house.until_unhealthy(&["another program"]).await, words);
}
