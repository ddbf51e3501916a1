//! The Unix socket, with a real client on the other end.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::time::Duration;

use miyabi_core::error::ErrorCode;
use miyabi_dashboard::Client;
use miyabi_dashboard::client::Happening;
use miyabi_dashboard::socket::{Error, Socket};
use tokio::task::JoinSet;

use crate::house::House;
use crate::story;

/// A server on the socket, and its client.
fn served(house: &House, path: PathBuf, tasks: &mut JoinSet<()>) -> Client {
    let socket = Socket::bind(&path).unwrap();
    tasks.spawn(socket.serve(house.router.clone(), house.shutdown.clone()));
    Client::over_socket(path)
}

#[tokio::test]
async fn answers_are_the_same_by_both_ways() {
    let house = House::new().await;
    let mut tasks = JoinSet::new();
    let client = served(&house, house.data().join("socket"), &mut tasks);
    let run = house.run("x").await;
    house.write(run.id, story::waiting()).await;
    let id = run.id.to_string();
    assert_eq!(client.get_run(&id).await, house.client.get_run(&id).await);
    assert_eq!(client.list_runs("").await, house.client.list_runs("").await);
    let (ours, theirs) = (house.client.get_run("run_zzz").await, client.get_run("run_zzz").await);
    assert_eq!(ours.unwrap_err().detail, theirs.unwrap_err().detail);
    assert_eq!(client.steer(&id, "go on").await.unwrap().id, run.id);
}

#[tokio::test]
async fn only_the_owner_can_reach_the_socket() {
    let house = House::new().await;
    let path = house.data().join("socket");
    let socket = Socket::bind(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    drop(socket);
    assert!(!path.exists());
    let open = house.folder.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(Socket::bind(&open.join("socket")), Err(Error::FolderOpen { mode: 0o755, .. })));
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_and_a_file_is_not() {
    let house = House::new().await;
    let path = house.data().join("socket");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let mut tasks = JoinSet::new();
    let client = served(&house, path.clone(), &mut tasks);
    client.health().await.unwrap();
    let file = house.data().join("notes");
    std::fs::write(&file, "mine").unwrap();
    assert!(matches!(Socket::bind(&file), Err(Error::InTheWay { .. })));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[tokio::test]
async fn deep_folders_work_too() {
    let house = House::new().await;
    let deep = house.data().join("d".repeat(120));
    std::fs::create_dir(&deep).unwrap();
    std::fs::set_permissions(&deep, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut tasks = JoinSet::new();
    let client = served(&house, deep.join("socket"), &mut tasks);
    assert_eq!(client.health().await.unwrap().version, "0.1.0-test");
}

#[tokio::test]
async fn nobody_at_home_is_said_so() {
    let house = House::new().await;
    let client = Client::over_socket(house.data().join("socket"));
    let problem = client.health().await.unwrap_err();
    assert_eq!(problem.code, ErrorCode::ServerUnreachable);
}

#[tokio::test]
async fn the_end_is_orderly() {
    let house = House::new().await;
    let run = house.run("x").await;
    let path = house.data().join("socket");
    let socket = Socket::bind(&path).unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(socket.serve(house.router.clone(), house.shutdown.clone()));
    let client = Client::over_socket(&path);
    let mut stream = client.events(&format!("run:{}", run.id), Some(0)).await.unwrap();
    assert!(matches!(stream.next().await.unwrap(), Some(Happening::Event(_))));
    house.shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), tasks.join_next()).await;
    ended.expect("the server ends in time").unwrap().unwrap();
    assert_eq!(stream.next().await.unwrap(), None);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_connection_that_says_nothing_or_nonsense_harms_nobody() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let house = House::new().await;
    let path = house.data().join("socket");
    let mut tasks = JoinSet::new();
    let client = served(&house, path.clone(), &mut tasks);
    let _silent = tokio::net::UnixStream::connect(&path).await.unwrap();
    let mut wild = tokio::net::UnixStream::connect(&path).await.unwrap();
    wild.write_all(b"\x00\xff not http at all\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    wild.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    client.health().await.unwrap();
}
