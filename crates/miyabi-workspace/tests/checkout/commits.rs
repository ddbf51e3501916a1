//! Commits that leave checkouts.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use miyabi_core::port::checkouts::{Checkouts as _, CommitRequest};
use miyabi_core::time::Timestamp;

use crate::support::{House, id, request};

#[tokio::test]
async fn the_same_files_give_the_same_commit_every_time() {
    let house = House::new(&[("a", "1\n2\n"), ("gone", "1\n"), (".gitignore", "out/\n")]).await;
    let one = house.checkout("one").await;
    house.write(&one, "a", "1\nzwei\n");
    house.write(&one, "d/日本.txt", "語\n");
    house.write(&one, "out/x", "ignored");
    house.write(&one, "run", "#!/bin/sh\n");
    std::fs::set_permissions(house.tree(&one).join("run"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("a", house.tree(&one).join("link")).unwrap();
    std::fs::remove_file(house.tree(&one).join("gone")).unwrap();
    let committed = house.commit(&one).await.unwrap();
    assert_eq!((committed.files, committed.added, committed.removed), (5, 4, 2));
    assert_eq!(committed.base, house.base);
    let commit = committed.commit.clone().unwrap();
    assert_eq!(
        house.ours(&["log", "-1", "--format=%an %ae %cn %at %ct %P%n%B", &commit]),
        format!(
            "Miyabi miyabi@localhost Miyabi 1760000000 1760000000 {}\nthe task's change\n\nwhy",
            house.base
        )
    );
    assert_eq!(
        house.ours(&[
            "-c",
            "core.quotePath=false",
            "ls-tree",
            "-r",
            "--format=%(objectmode) %(path)",
            &commit
        ]),
        "100644 .gitignore\n100644 a\n100644 d/日本.txt\n120000 link\n100755 run"
    );
    assert_eq!(house.commit(&one).await.unwrap(), committed, "again");
    let house = house.restarted().await;
    assert_eq!(house.commit(&one).await.unwrap(), committed, "after a restart");
    // Another checkout at another place.
    let two = house.checkout("two").await;
    house.checkouts.create(&two, &house.project, &commit).await.unwrap();
    let same = house.commit(&two).await.unwrap();
    assert_eq!((same.commit, same.base), (None, commit), "nothing was changed");
    // Another time, another commit.
    let later = CommitRequest { at: Timestamp::from_millis(1_760_000_001_000), ..request() };
    let other = house.checkouts.commit(&one, &house.project, &later).await.unwrap();
    assert_ne!(other.commit, committed.commit);
}

#[tokio::test]
async fn what_the_task_does_with_its_own_git_does_not_matter() {
    let house = House::new(&[("a", "1\n")]).await;
    let id = house.checkout("task").await;
    house
        .prints(
            &id,
            "echo 2 > a; git add a; git commit -qm mine --author 'Evil <e@e>'; echo 3 > a; git checkout -q -b other; \
             git update-index --assume-unchanged a; rm -rf .git/objects; echo junk > .git/index",
        )
        .await;
    let committed = house.commit(&id).await.unwrap();
    let commit = committed.commit.unwrap();
    assert_eq!(house.ours(&["show", &format!("{commit}:a")]), "3");
    assert_eq!(house.ours(&["rev-list", "--count", &commit]), "2");
    assert_eq!(house.ours(&["log", "-1", "--format=%an", &commit]), "Miyabi");
    // Even without any.
    house.prints(&id, "rm -rf .git; echo 4 > a").await;
    assert!(house.commit(&id).await.unwrap().commit.is_some());
}

#[tokio::test]
async fn line_ends_follow_the_attributes_of_the_repository() {
    let house =
        House::new(&[(".gitattributes", "*.txt text eol=crlf\n*.bin -text\n"), ("a.txt", "1\n")]).await;
    let id = house.checkout("task").await;
    assert_eq!(std::fs::read(house.tree(&id).join("a.txt")).unwrap(), b"1\r\n");
    assert_eq!(house.commit(&id).await.unwrap().commit, None, "a checkout alone changes nothing");
    house.write(&id, "b.bin", b"1\r\n");
    let commit = house.commit(&id).await.unwrap().commit.unwrap();
    assert_eq!(house.ours(&["cat-file", "-s", &format!("{commit}:b.bin")]), "3");
}

#[tokio::test]
async fn a_submodule_of_the_repository_is_left_as_it_is() {
    let house = House::new(&[("a", "1\n")]).await;
    let entry = format!("160000,{},module", house.base);
    house.user.git(&["update-index", "--add", "--cacheinfo", &entry]);
    house.user.git(&["commit", "--quiet", "-m", "module"]);
    let base = house.user.head();
    miyabi_core::port::repositories::Repositories::open(&*house.repositories, &house.project, "main")
        .await
        .unwrap();
    let task = id("task");
    house.checkouts.create(&task, &house.project, &base).await.unwrap();
    assert_eq!(house.commit(&task).await.unwrap().commit, None);
    house.write(&task, "a", "2\n");
    let commit = house.commit(&task).await.unwrap().commit.unwrap();
    assert_eq!(house.ours(&["rev-parse", &format!("{commit}:module")]), house.base);
}

#[tokio::test]
async fn locks_of_a_killed_git_do_not_stop_a_commit() {
    let house = House::new(&[("a", "1\n")]).await;
    let id = house.checkout("task").await;
    let git = house.tree(&id).with_file_name("git");
    for left in ["index.lock", "HEAD.lock", "refs/heads/task.lock"] {
        std::fs::write(git.join(left), "").unwrap();
    }
    for left in ["task.bundle", "task.bundle.lock"] {
        std::fs::write(house.tree(&id).with_file_name("outbox").join(left), "half").unwrap();
    }
    house.write(&id, "a", "2\n");
    assert!(house.commit(&id).await.unwrap().commit.is_some());
}
