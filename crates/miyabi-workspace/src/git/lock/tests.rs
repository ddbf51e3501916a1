//! Writers that are killed while their git goes on.

use std::process::{Command, Stdio};

use miyabi_testkit::poll::{SOON, until};

use super::*;

fn is_free(path: &Path) -> bool {
    let file = File::open(path).unwrap();
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

#[tokio::test]
async fn the_lock_lives_as_long_as_the_git_of_a_killed_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("write.lock");
    let lock = WriteLock::take(&path).await.unwrap();
    let mut git =
        Command::new("sleep").arg("1000").stdin(Stdio::from(lock.share().unwrap())).spawn().unwrap();
    // What a kill does to the writer: its own descriptors go away, its git does not.
    drop(lock);
    assert!(!is_free(&path));
    let mut waiting = std::pin::pin!(WriteLock::take(&path));
    let first = tokio::time::timeout(INTERVAL * 3, &mut waiting).await;
    assert!(first.is_err(), "the next writer waits");
    git.kill().unwrap();
    git.wait().unwrap();
    let next = waiting.await.unwrap();
    assert!(!is_free(&path));
    drop(next);
    until("the lock to be free", SOON, async || if is_free(&path) { Ok(()) } else { Err("held") }).await;
}

#[tokio::test]
async fn a_lock_file_that_is_a_link_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("write.lock");
    std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
    assert!(matches!(WriteLock::take(&path).await, Err(Error::File { .. })));
}
