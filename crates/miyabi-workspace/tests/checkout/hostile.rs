//! Tasks that want out, and repositories that want in.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use miyabi_core::error::ErrorCode;
use miyabi_core::port::checkouts::Checkouts as _;
use miyabi_testkit::git::Repository;

use crate::support::House;

/// A checkout in which something was done is refused, by this path and for this reason.
async fn refuses(script: &str, path: &str, reason: &str) {
    let house = House::new(&[("a", "1\n"), ("dir/b", "1\n")]).await;
    let id = house.checkout("task").await;
    house.prints(&id, script).await;
    let failure = house.commit(&id).await.expect_err(script);
    assert_eq!(failure.code, ErrorCode::ImportRefused, "{script}: {}", failure.message);
    assert!(
        failure.message.contains(path) && failure.message.contains(reason),
        "{script}: {}",
        failure.message
    );
    assert!(!failure.message.contains('\n'));
    // Nothing of it came in.
    assert_eq!(
        house.ours(&["for-each-ref", "--format=%(refname)", "refs/miyabi/keep", "refs/miyabi/imported"]),
        ""
    );
}

#[tokio::test]
async fn names_that_other_systems_take_for_git_are_refused() {
    refuses("mkdir .GIT && echo x > .GIT/config", ".GIT/config", "`.git` belongs to git").await;
    refuses("mkdir -p sub/.Git && echo x > sub/.Git/hooks", "sub/.Git/hooks", "`.git` belongs to git").await;
    refuses("echo x > git~1", "git~1", "`.git` belongs to git").await;
    refuses("printf x > \"$(printf '.g\\342\\200\\214it')\"", ".g", "`.git` belongs to git").await;
    refuses("echo x > '.git '", ".git ", "`.git` belongs to git").await;
}

#[tokio::test]
async fn names_that_trick_people_or_programs_are_refused() {
    refuses("echo x > \"$(printf 'a\\nb')\"", "ab", "control characters").await;
    refuses("echo x > \"$(printf 'a\\033[31mb')\"", "a[31mb", "control characters").await;
    refuses("echo x > ./-rf", "-rf", "dash").await;
    refuses("echo x > A", "A", "case").await;
    refuses("mkdir DIR; echo x > DIR/c", "DIR", "case").await;
    refuses("printf x > \"$(printf 'a\\377')\"", "a", "UTF-8").await;
    let deep = "d".repeat(200);
    let script = format!("for i in 1 2 3 4 5 6 7 8 9 10 11; do mkdir {deep} && cd {deep}; done; echo x > f");
    refuses(&script, "dddd", "2048").await;
}

#[tokio::test]
async fn links_that_leave_are_refused() {
    refuses("ln -s /etc/passwd link", "link", "absolute").await;
    refuses("ln -s ../../x dir/link", "dir/link", "leave").await;
    refuses("ln -s dir/../../x link", "link", "leave").await;
    refuses("ln -s .git/config link", "link", "`.git`").await;
    refuses("rm a; ln -s dir/b .gitattributes", ".gitattributes", "links").await;
}

#[tokio::test]
async fn repositories_within_the_repository_are_refused() {
    refuses("git init -q sub && cd sub && echo x > f && git add f && git -c user.name=x -c user.email=x commit -qm x", "sub", "repositor").await;
    refuses("git init -q empty", "empty", "").await;
}

#[tokio::test]
async fn files_that_are_too_large_are_refused() {
    refuses("head -c 1000001 /dev/zero > large", "large", "1000001 bytes").await;
    refuses("head -c 1000001 /dev/zero > a", "`a`", "1000001 bytes").await;
}

#[tokio::test]
async fn nothing_that_a_task_configures_is_run_by_our_git() {
    let house =
        House::new(&[("a", "1\n"), (".gitattributes", "*.txt filter=evil diff=evil merge=evil\n")]).await;
    let id = house.checkout("task").await;
    let onto = house.other("other", &[("b.txt", "1\n")]).await;
    let script = "cat > .trap <<'END'\n#!/bin/sh\ntouch \"$(dirname \"$0\")/sprung\"\ncat\nEND\nchmod +x .trap\n\
        trap=$PWD/.trap\n\
        for key in core.fsmonitor core.sshCommand core.pager core.editor filter.evil.clean filter.evil.smudge \
          filter.evil.process merge.evil.driver diff.evil.textconv gpg.program core.alternateRefsCommand; do \
          git config $key $trap; done\n\
        git config core.hooksPath $PWD/.hooks; git config core.worktree /tmp; git config commit.gpgSign true\n\
        for folder in .hooks .git/hooks; do mkdir -p $folder; for hook in pre-commit post-checkout post-index-change \
          reference-transaction prepare-commit-msg commit-msg post-commit; do cp .trap $folder/$hook; done; done\n\
        echo '*.txt filter=evil' > .git/info/attributes 2>/dev/null || (mkdir -p .git/info; echo '*.txt filter=evil' > .git/info/attributes)\n\
        echo x > b.md; echo text > c.txt; rm -f sprung .hooks/sprung .git/hooks/sprung";
    house.prints(&id, script).await;
    let committed = house.commit(&id).await.unwrap();
    assert_eq!(house.ours(&["show", &format!("{}:c.txt", committed.commit.unwrap())]), "text");
    assert_eq!(house.checkouts.refresh(&id, &house.project, &onto).await.unwrap(), [""; 0]);
    house.commit(&id).await.unwrap();
    assert_eq!(house.prints(&id, "find . -name sprung").await, "");
}

#[tokio::test]
async fn a_task_can_not_reach_our_own_git_folder_by_links() {
    let house = House::new(&[("a", "1\n")]).await;
    let id = house.checkout("task").await;
    let own = house.tree(&id).with_file_name("git");
    // What is in the way of our own files is a link here; nothing is written through it.
    let outside = house.data.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::remove_file(own.join("config")).unwrap();
    symlink(outside.join("config"), own.join("config")).unwrap();
    house.write(&id, "a", "2\n");
    let failure = house.commit(&id).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::RequestInvalid);
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    // The same in the task's own git folder: it is replaced, never written into.
    let house = House::new(&[("a", "1\n")]).await;
    let id = house.checkout("task").await;
    let script = format!("rm -rf .git; ln -s {} .git; echo 2 > a", outside.display());
    house.prints(&id, &script).await;
    let onto = house.other("other", &[("b", "1\n")]).await;
    house.checkouts.refresh(&id, &house.project, &onto).await.unwrap();
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(house.prints(&id, "git rev-parse HEAD").await, onto);
}

#[tokio::test]
async fn a_hostile_repository_does_nothing_when_it_is_checked_out() {
    let user = Repository::new();
    user.write("a.txt", "1\n");
    user.write(".gitattributes", "* filter=evil ident\n");
    user.write(".gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = ../x\n\tupdate = !touch /tmp/x\n");
    user.git(&["add", "--all"]);
    user.git(&["commit", "--quiet", "-m", "x"]);
    let data = tempfile::tempdir().unwrap();
    let hook = user.path().join(".git/hooks/post-checkout");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, format!("#!/bin/sh\ntouch {}/sprung\n", data.path().display())).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let project = miyabi_testkit::project::project(1, user.path());
    assert!(Path::new(&project.path).exists());
    // Git's own check of `.gitmodules` refuses the command in it.
    let git = miyabi_workspace::git::Git::open("/usr/bin/git").await.unwrap();
    let repositories =
        miyabi_workspace::repositories::GitRepositories::new(git, data.path(), Default::default());
    let opened = miyabi_core::port::repositories::Repositories::open(&repositories, &project, "main").await;
    let failure = opened.unwrap_err();
    assert_eq!(failure.code, ErrorCode::GitFailed);
    assert!(!data.path().join("sprung").exists());
    // Without it the rest is inert.
    user.git(&["rm", "--quiet", ".gitmodules"]);
    user.git(&["commit", "--quiet", "--amend", "-m", "y"]);
    std::fs::remove_file(hook).unwrap();
    let house = House::of(user).await;
    let id = house.checkout("task").await;
    assert_eq!(house.prints(&id, "cat a.txt").await, "1");
}
