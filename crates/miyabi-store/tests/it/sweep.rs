//! The garbage collector's side of artifacts.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use miyabi_core::digest::Digest;
use miyabi_core::time::Timestamp;
use miyabi_store::{Layout, Swept, Total};

/// Wall-clock time: artifacts are as old as their files.
fn from_now(seconds: i64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_millis()).unwrap();
    Timestamp::from_millis(u64::try_from(now + seconds * 1_000).unwrap())
}

fn make_old(layout: &Layout, digest: Digest) {
    let hex = digest.hex();
    let path = layout.artifacts().join(&hex[..2]).join(&hex[2..]);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
}

fn total(count: u64, size_bytes: u64) -> Total {
    Total { count, size_bytes }
}

#[tokio::test]
async fn sweep_removes_what_is_old_and_unwanted() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    let artifacts = store.disk_artifacts();
    let port = store.artifacts();
    let wanted = port.put(b"wanted").await.unwrap();
    let unwanted = port.put(b"unwanted").await.unwrap();
    assert_eq!(artifacts.total().await.unwrap(), total(2, 14));

    let nothing = artifacts.sweep(|_| false, from_now(-3_600)).await.unwrap();
    assert_eq!(nothing.removed, Total::default(), "too young");
    let swept = artifacts.sweep(move |digest| *digest == wanted, from_now(3_600)).await.unwrap();
    let expected = Swept { removed: total(1, 8), kept: total(1, 6) };
    assert_eq!(swept, expected);
    assert_eq!(port.get(wanted).await.unwrap(), b"wanted");
    assert_eq!(port.size(unwanted).await.unwrap(), None);
    store.close().await;
}

#[tokio::test]
async fn content_that_is_stored_again_is_young_again() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    let digest = store.artifacts().put(b"again").await.unwrap();
    make_old(&Layout::of(home.path()), digest);

    store.artifacts().put(b"again").await.unwrap();
    let swept = store.disk_artifacts().sweep(|_| false, from_now(-60)).await.unwrap();
    assert_eq!(swept.removed, Total::default());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_content_survives_a_sweep_at_the_same_time() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    let port = store.artifacts();
    let contents: Vec<[u8; 8]> = (0..16u64).map(u64::to_be_bytes).collect();
    for round in 0..30 {
        // Some are there and old, so that storing finds what the sweep is about to remove.
        for content in &contents {
            let digest = port.put(content).await.unwrap();
            make_old(&Layout::of(home.path()), digest);
        }
        let puts = futures::future::join_all(contents.iter().map(|content| port.put(content)));
        let sweep = store.disk_artifacts().sweep(|_| false, from_now(-60));
        let (digests, swept) = tokio::join!(puts, sweep);
        swept.unwrap();
        for digest in digests {
            let size = port.size(digest.unwrap()).await.unwrap();
            assert_eq!(size, Some(8), "round {round}");
        }
    }
    store.close().await;
}

#[tokio::test]
async fn half_written_files_are_removed_at_open() {
    let home = tempfile::tempdir().unwrap();
    crate::common::open(home.path()).await.close().await;
    let left_over = Layout::of(home.path()).artifacts().join("tmp/17");
    fs::write(&left_over, "half").unwrap();
    let store = crate::common::open(home.path()).await;
    assert!(!left_over.exists());
    assert_eq!(store.disk_artifacts().total().await.unwrap(), Total::default());
    store.close().await;
}

#[tokio::test]
async fn links_and_pipes_are_not_stored() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(&home.path().join("data")).await;
    let link = home.path().join("link");
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    assert!(store.artifacts().put_file(&link).await.is_err());
    assert!(store.artifacts().put_file(home.path()).await.is_err());
    let pipe = home.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert!(store.artifacts().put_file(&pipe).await.is_err());
    assert_eq!(store.disk_artifacts().total().await.unwrap(), Total::default());
    store.close().await;
}
