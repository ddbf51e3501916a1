//! Making checkouts, losing them half-way, removing them.

use std::os::unix::fs::symlink;

use miyabi_core::error::ErrorCode;
use miyabi_core::port::checkouts::Checkouts as _;
use miyabi_testkit::git::Repository;

use crate::support::{House, id};

#[tokio::test]
async fn a_checkout_has_the_commits_files_and_a_git_of_its_own() {
    let user = Repository::new();
    user.write("README.md", "# hello\r\n");
    user.write("src/日本.txt", "語");
    user.write("run.sh", "#!/bin/sh\n");
    symlink("README.md", user.path().join("link")).unwrap();
    user.git(&["add", "--all"]);
    user.git(&["update-index", "--chmod=+x", "run.sh"]);
    user.git(&["commit", "--quiet", "-m", "first"]);
    user.git(&["checkout", "--quiet", "--", "."]);
    let house = House::of(user).await;
    let id = house.checkout("task-1").await;
    assert!(house.checkouts.exists(&id).await);
    let tree = house.tree(&id);
    assert_eq!(std::fs::read(tree.join("README.md")).unwrap(), b"# hello\r\n");
    assert_eq!(std::fs::read(tree.join("src/日本.txt")).unwrap(), "語".as_bytes());
    assert_eq!(std::fs::read_link(tree.join("link")).unwrap().to_str(), Some("README.md"));
    assert_eq!(house.prints(&id, "git status --porcelain; git rev-parse HEAD").await, house.base);
    assert_eq!(
        house.prints(&id, "git log --format=%s; git rev-parse --abbrev-ref HEAD").await,
        "first\nmain"
    );
    assert_eq!(house.prints(&id, "test -x run.sh && git config user.name && id -u").await, "Miyabi\n1000");
    let objects = std::fs::read_dir(tree.join(".git/objects")).unwrap();
    assert_eq!(objects.count(), 2, "objects are borrowed, not copied");
    assert_eq!(house.prints(&id, "git stash list; echo x > new; git add new; git commit -qm own; git diff HEAD~1 --stat | tail -1").await, " 1 file changed, 1 insertion(+)");
}

#[tokio::test]
async fn a_checkout_that_was_cut_off_is_made_again() {
    let house = House::new(&[("a", "1\n")]).await;
    let id = house.checkout("task").await;
    let folder = house.tree(&id).parent().unwrap().to_path_buf();
    // The marker is written last: without it nothing else counts.
    std::fs::remove_file(folder.join("checkout.json")).unwrap();
    house.write(&id, "stray", "x");
    house.write(&id, ".git/index.lock", "");
    assert!(!house.checkouts.exists(&id).await);
    let missing = house.checkouts.snapshot(&id).await.unwrap_err();
    assert_eq!(missing.code, ErrorCode::NotFound);
    let house = house.restarted().await;
    house.checkouts.create(&id, &house.project, &house.base).await.unwrap();
    assert_eq!(house.checkouts.list(&id, 10).await.unwrap(), ["a"]);
    assert_eq!(house.prints(&id, "git status --porcelain").await, "");
    // A damaged marker counts as none.
    std::fs::write(folder.join("checkout.json"), "{").unwrap();
    assert!(!house.checkouts.exists(&id).await);
}

#[tokio::test]
async fn checkouts_are_removed_whatever_is_in_them() {
    let house = House::new(&[("a", "1\n")]).await;
    let id = house.checkout("task").await;
    house.sh(&id, "mkdir -p d/e; touch d/e/f; ln -s / d/root; mkfifo p; chmod 0 d/e d").await;
    house.checkouts.remove(&id).await.unwrap();
    house.checkouts.remove(&id).await.unwrap();
    assert!(!house.checkouts.exists(&id).await);
    let run = house.tree(&id).parent().unwrap().parent().unwrap().to_path_buf();
    assert_eq!(std::fs::read_dir(run).unwrap().count(), 0);
    assert!(std::path::Path::new("/etc").exists());
}

#[tokio::test]
async fn names_and_commits_from_outside_are_checked() {
    let house = House::new(&[("a", "1\n")]).await;
    for name in ["", "..", "a/b", "A"] {
        let made = house.checkouts.create(&id(name), &house.project, &house.base).await;
        assert_eq!(made.unwrap_err().code, ErrorCode::RequestInvalid, "{name:?}");
        assert!(!house.checkouts.exists(&id(name)).await);
    }
    for commit in ["main", "HEAD", "--all", "0123456789abcdef0123456789abcdef01234567"] {
        let made = house.checkouts.create(&id("a"), &house.project, commit).await;
        assert_eq!(made.unwrap_err().code, ErrorCode::RevisionInvalid, "{commit:?}");
    }
}

#[tokio::test]
async fn files_are_read_and_written_by_the_host() {
    let house = House::new(&[("a.txt", "one\r\n"), (".gitignore", "*.log\n"), ("kept.log", "x")]).await;
    house.user.git(&["add", "--force", "kept.log"]);
    let base = house.user.commit("second");
    let house = House { base, ..house };
    miyabi_core::port::repositories::Repositories::open(&*house.repositories, &house.project, "main")
        .await
        .unwrap();
    let id = house.checkout("task").await;
    let checkouts = &house.checkouts;
    let content = checkouts.read(&id, "a.txt", 100).await.unwrap().unwrap();
    assert_eq!(
        (content.bytes.as_slice(), content.digest),
        (b"one\r\n".as_slice(), miyabi_core::digest::Digest::of(b"one\r\n"))
    );
    assert_eq!(checkouts.read(&id, "missing", 100).await.unwrap(), None);
    assert_eq!(checkouts.read(&id, "a.txt", 4).await.unwrap_err().code, ErrorCode::RequestInvalid);
    checkouts.write(&id, "d/e/new.txt", "語".as_bytes()).await.unwrap();
    checkouts.write(&id, "other.log", b"x").await.unwrap();
    assert_eq!(
        house.prints(&id, "cat d/e/new.txt; echo more >> d/e/new.txt; rm d/e/new.txt; rmdir d/e").await,
        "語"
    );
    assert_eq!(checkouts.list(&id, 10).await.unwrap(), [".gitignore", "a.txt", "kept.log"]);
    assert_eq!(checkouts.list(&id, 1).await.unwrap(), [".gitignore"]);
    assert!(checkouts.remove_file(&id, "a.txt").await.unwrap());
    assert!(!checkouts.remove_file(&id, "a.txt").await.unwrap());
    for path in [
        "../x",
        "/etc/passwd",
        ".git/config",
        ".GIT/hooks/x",
        "a/.git /x",
        "git~1",
        ".g\u{200d}it/x",
        "",
        "a\0b",
    ] {
        assert_eq!(
            checkouts.read(&id, path, 10).await.unwrap_err().code,
            ErrorCode::RequestInvalid,
            "{path:?}"
        );
        assert_eq!(
            checkouts.write(&id, path, b"x").await.unwrap_err().code,
            ErrorCode::RequestInvalid,
            "{path:?}"
        );
        assert_eq!(
            checkouts.remove_file(&id, path).await.unwrap_err().code,
            ErrorCode::RequestInvalid,
            "{path:?}"
        );
    }
}
