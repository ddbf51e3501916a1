//! Projects' repositories against real git.
#![cfg(test)]

use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::repositories::{FileChangeKind, Replant, Repositories as _};
use miyabi_core::project::Project;
use miyabi_core::run::value::Candidate;
use miyabi_core::time::Timestamp;
use miyabi_testkit::git::{Repository, run};
use miyabi_testkit::project::project;
use miyabi_workspace::git::Git;
use miyabi_workspace::repositories::{GitRepositories, Limits};
use tempfile::TempDir;

const AT: Timestamp = Timestamp::from_millis(1_760_000_000_000);

struct House {
    data: TempDir,
    user: Repository,
    project: Project,
    repositories: GitRepositories,
}

impl House {
    async fn new(files: &[(&str, &str)]) -> Self {
        Self::of(Repository::with_files(files), Limits::default()).await
    }

    async fn of(user: Repository, limits: Limits) -> Self {
        let data = tempfile::tempdir().unwrap();
        let git = Git::open("/usr/bin/git").await.unwrap();
        Self {
            repositories: GitRepositories::new(git, data.path(), limits),
            project: project(1, user.path()),
            data,
            user,
        }
    }

    async fn open(&self) -> Result<String, Failure> {
        self.repositories.open(&self.project, "main").await.map(|head| head.commit)
    }

    /// Git in our own bare repository, to look at it or to play somebody else.
    fn ours(&self, args: &[&str]) -> String {
        run(&self.repositories.path(self.project.id), &[&["--git-dir=."], args].concat())
    }

    /// A commit in the user's repository on another commit, without moving the branch.
    fn side(&self, from: &str, path: &str, content: &str) -> String {
        let branch = format!("side-{}", path.replace('/', "-"));
        self.user.git(&["checkout", "--quiet", "-B", &branch, from]);
        self.user.write(path, content);
        let commit = self.user.commit(&format!("change {path}"));
        self.user.git(&["checkout", "--quiet", "main"]);
        commit
    }

    /// Opens the branch that [`House::side`] made.
    async fn open_side(&self, path: &str) {
        let branch = format!("side-{}", path.replace('/', "-"));
        self.repositories.open(&self.project, &branch).await.unwrap();
    }

    fn replant<'a>(&self, commit: &'a str, base: &'a str, onto: &'a str) -> Replant<'a> {
        Replant { commit, base, onto, message: "put on top\n\nwhy", at: AT }
    }
}

fn code(result: Result<String, Failure>) -> (ErrorCode, String) {
    let failure = result.unwrap_err();
    (failure.code, failure.message)
}

#[tokio::test]
async fn the_users_branch_comes_in_and_is_followed() {
    let house = House::new(&[("README.md", "# one\n")]).await;
    assert_eq!(house.repositories.head(&house.project, "main").await.unwrap(), None);
    let first = house.user.head();
    assert_eq!(house.open().await.unwrap(), first);
    assert_eq!(house.open().await.unwrap(), first);
    house.user.write("README.md", "# two\n");
    let second = house.user.commit("second");
    assert_eq!(house.open().await.unwrap(), second);
    let head = house.repositories.head(&house.project, "main").await.unwrap().unwrap();
    assert_eq!(head.commit, second);
    assert_eq!(head.tree, house.user.git(&["rev-parse", "HEAD^{tree}"]));
    // The user is behind: ours stays.
    house.user.git(&["reset", "--quiet", "--hard", &first]);
    assert_eq!(house.open().await.unwrap(), second);
    assert!(house.repositories.is_ancestor(&house.project, &first, &second).await.unwrap());
    assert!(!house.repositories.is_ancestor(&house.project, &second, &first).await.unwrap());
}

#[tokio::test]
async fn branches_that_went_apart_are_not_touched() {
    let house = House::new(&[("a", "1\n")]).await;
    let base = house.open().await.unwrap();
    let theirs = house.side(&base, "b", "2\n");
    house.open_side("b").await;
    assert!(house.repositories.move_branch(&house.project, "main", &theirs, Some(&base)).await.unwrap());
    house.user.write("c", "3\n");
    house.user.commit("user's own");
    let (code, message) = code(house.open().await);
    assert_eq!(code, ErrorCode::BranchDiverged);
    assert!(message.contains("git pull miyabi main"), "{message}");
    assert_eq!(house.ours(&["rev-parse", "main"]), theirs);
    // What the message tells to do works.
    let ours = house.repositories.path(house.project.id);
    house.user.git(&["remote", "add", "miyabi", ours.to_str().unwrap()]);
    house.user.git(&["pull", "--quiet", "--no-rebase", "--no-edit", "miyabi", "main"]);
    assert_eq!(house.open().await.unwrap(), house.user.head());
}

#[tokio::test]
async fn folders_without_a_usable_repository_are_named() {
    let house = House::new(&[("a/b", "1\n")]).await;
    let at = |path: &Path| project(2, path);
    let open = async |project: &Project| {
        code(house.repositories.open(project, "main").await.map(|head| head.commit))
    };

    let nothing = tempfile::tempdir().unwrap();
    assert_eq!(open(&at(nothing.path())).await.0, ErrorCode::NotARepository);
    assert_eq!(open(&at(&nothing.path().join("missing"))).await.0, ErrorCode::NotARepository);
    assert_eq!(open(&at(&house.user.path().join("a"))).await.0, ErrorCode::NotARepository);

    let empty = Repository::new();
    let (code, message) = open(&at(empty.path())).await;
    assert_eq!(code, ErrorCode::RevisionInvalid);
    assert!(message.contains("no commit yet"), "{message}");

    let folder = tempfile::tempdir().unwrap();
    let shallow = folder.path().join("shallow");
    house.user.write("x", "1");
    house.user.commit("second");
    let from = format!("file://{}", house.user.path().display());
    run(folder.path(), &["clone", "--quiet", "--depth=1", &from, shallow.to_str().unwrap()]);
    let (code, message) = open(&at(&shallow)).await;
    assert_eq!(code, ErrorCode::NotARepository);
    assert!(message.contains("--unshallow"), "{message}");

    let bare = house.user.bare_copy(&folder.path().join("bare.git"));
    assert_eq!(open(&at(&bare)).await.0, ErrorCode::NotARepository);
}

#[tokio::test]
async fn hostile_branch_names_never_reach_git() {
    let house = House::new(&[("a", "1\n")]).await;
    house.open().await.unwrap();
    for name in
        ["--upload-pack=touch /tmp/x", "-D", "a..b", "main:main", "+main", "a b", "main^", "@{-1}", "x\n"]
    {
        let opened = house.repositories.open(&house.project, name).await;
        assert_eq!(opened.unwrap_err().code, ErrorCode::RevisionInvalid, "{name:?}");
        let head = house.repositories.head(&house.project, name).await;
        assert_eq!(head.unwrap_err().code, ErrorCode::RevisionInvalid, "{name:?}");
    }
    for commit in ["main", "HEAD", "--all", "-1"] {
        let tree = house.repositories.tree(&house.project, commit).await;
        assert_eq!(tree.unwrap_err().code, ErrorCode::RevisionInvalid, "{commit:?}");
    }
    let missing = "0123456789abcdef0123456789abcdef01234567";
    let tree = house.repositories.tree(&house.project, missing).await;
    assert_eq!(tree.unwrap_err().code, ErrorCode::RevisionInvalid);
}

#[tokio::test]
async fn nothing_that_the_users_settings_name_is_run() {
    let house = House::new(&[("a", "1\n"), (".gitattributes", "* filter=evil\n")]).await;
    let trap = house.data.path().join("trap");
    std::fs::write(&trap, format!("#!/bin/sh\ntouch {}/sprung\ncat\n", house.data.path().display())).unwrap();
    std::fs::set_permissions(&trap, std::fs::Permissions::from_mode(0o755)).unwrap();
    let trap = trap.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.alternateRefsCommand",
        "core.askPass",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.external",
        "gpg.program",
        "uploadpack.packObjectsHook",
        "credential.helper",
        "alias.fetch",
        "remote.origin.uploadpack",
    ] {
        house.user.git(&["config", key, trap]);
    }
    house.user.git(&["config", "core.hooksPath", house.user.path().join(".git/hooks").to_str().unwrap()]);
    for hook in ["post-checkout", "reference-transaction", "pre-commit", "post-merge", "post-index-change"] {
        std::fs::create_dir_all(house.user.path().join(".git/hooks")).unwrap();
        symlink(trap, house.user.path().join(".git/hooks").join(hook)).unwrap();
    }
    let base = house.open().await.unwrap();
    let sprung = house.data.path().join("sprung");
    assert!(!sprung.exists(), "while the branch came in");

    // A commit without the filter's attribute, so that it is applied at all.
    let blob = house.ours(&["rev-parse", &format!("{base}:a")]);
    let index = house.data.path().join("index");
    let made = std::process::Command::new("sh")
        .arg("-c")
        .arg("git read-tree --empty && git update-index --add --cacheinfo 100644,\"$1\",b && git write-tree")
        .arg("sh")
        .arg(&blob)
        .env("GIT_INDEX_FILE", &index)
        .env("GIT_DIR", house.repositories.path(house.project.id))
        .output()
        .unwrap();
    let tree = String::from_utf8(made.stdout).unwrap();
    let commit = house.ours(&["commit-tree", tree.trim(), "-p", &base, "-m", "x"]);
    let applied = house.repositories.apply_to_checkout(&house.project, "main", &commit).await.unwrap();
    assert!(applied.unwrap().contains("filter"), "files under a filter are left alone");
    let applied = house.repositories.apply_patch_to_checkout(&house.project, &base, &commit).await.unwrap();
    assert!(applied.unwrap().contains("filter"));
    assert!(!sprung.exists(), "while a change was applied");
    std::fs::remove_file(house.user.path().join(".gitattributes")).unwrap();
}

#[tokio::test]
async fn repositories_beyond_a_limit_are_refused_before_they_are_copied() {
    let check = async |limits: Limits, word: &str| {
        let house = House::of(Repository::with_files(&[("d/e/f", "12345"), ("g", "1")]), limits).await;
        let (code, message) = code(house.open().await);
        assert_eq!(code, ErrorCode::RepositoryTooLarge, "{word}");
        assert!(message.contains(word), "{message}");
        assert_eq!(house.ours(&["for-each-ref"]), "");
        assert_eq!(house.ours(&["count-objects"]), "0 objects, 0 kilobytes");
    };
    let with = Limits::default;
    check(Limits { objects: 5, ..with() }, "objects").await;
    check(Limits { stored_bytes: 10, ..with() }, "bytes").await;
    check(Limits { entries: 3, ..with() }, "files and folders").await;
    check(Limits { tree_bytes: 5, ..with() }, "files of 6 bytes").await;
    check(Limits { file_bytes: 4, ..with() }, "d/e/f").await;
    check(Limits { depth: 1, ..with() }, "a path of 2 folders").await;
    check(Limits { path_bytes: 4, ..with() }, "a path of 5 bytes").await;
}

#[tokio::test]
async fn files_and_changes_are_read() {
    let house =
        House::new(&[("README.md", "# one\n"), ("src/日本.txt", "語\n"), ("old", "same\nsame\nsame\n")])
            .await;
    symlink("README.md", house.user.path().join("link")).unwrap();
    let from = house.user.commit("link");
    house.user.git(&["mv", "old", "new"]);
    house.user.write("src/日本.txt", "語\n本\n");
    house.user.write("binary", [0_u8, 1, 2, 0]);
    std::fs::remove_file(house.user.path().join("README.md")).unwrap();
    let to = house.user.commit("changes");
    house.open().await.unwrap();
    let (repositories, project) = (&house.repositories, &house.project);

    let read =
        async |commit: &str, path: &str, limit| repositories.read_file(project, commit, path, limit).await;
    assert_eq!(read(&from, "src/日本.txt", 100).await.unwrap(), Some("語\n".into()));
    assert_eq!(read(&from, "README.md", 3).await.unwrap(), Some(b"# o".to_vec()));
    assert_eq!(read(&from, "src", 100).await.unwrap(), None);
    assert_eq!(read(&from, "link", 100).await.unwrap(), None);
    assert_eq!(read(&from, "*", 100).await.unwrap(), None);
    assert_eq!(read(&from, "../x", 100).await.unwrap_err().code, ErrorCode::RequestInvalid);
    assert_eq!(
        repositories.list_files(project, &from, 10).await.unwrap(),
        ["README.md", "link", "old", "src/日本.txt"]
    );
    assert_eq!(repositories.list_files(project, &from, 2).await.unwrap(), ["README.md", "link"]);

    let change = repositories.diff(project, &from, &to, 10_000).await.unwrap();
    let seen: Vec<_> =
        change.files.iter().map(|file| (file.path.as_str(), file.kind, file.added, file.removed)).collect();
    assert_eq!(
        seen,
        [
            ("README.md", FileChangeKind::Deleted, 0, 1),
            ("binary", FileChangeKind::Added, 0, 0),
            ("new", FileChangeKind::Renamed, 0, 0),
            ("src/日本.txt", FileChangeKind::Modified, 1, 0),
        ]
    );
    assert!(change.files[1].is_binary && !change.is_truncated);
    assert!(change.patch.contains("+本\n") && change.patch.contains("b/src/日本.txt"), "{}", change.patch);
    for limit in 0..200 {
        let cut = repositories.diff(project, &from, &to, limit).await.unwrap();
        assert!(cut.is_truncated && change.patch.starts_with(&cut.patch), "{limit}");
        if limit % 20 != 0 {
            continue;
        }
        assert_eq!(cut.files.len(), 4);
    }
}

#[tokio::test]
async fn a_change_is_put_on_top_and_taken_back_the_same_way_each_time() {
    let house = House::new(&[("a", "1\n2\n3\n4\n5\n"), ("b", "1\n")]).await;
    let base = house.open().await.unwrap();
    let change = house.side(&base, "a", "1\n2\n3\n4\nfive\n");
    house.open_side("a").await;
    let onto = house.side(&base, "b", "2\n");
    house.open_side("b").await;
    let (repositories, project) = (&house.repositories, &house.project);

    let unmoved = repositories.replant(project, &house.replant(&change, &base, &base)).await.unwrap();
    assert!(matches!(unmoved, Candidate::Clean { same_tree: true, .. }), "{unmoved:?}");
    let planted = repositories.replant(project, &house.replant(&change, &base, &onto)).await.unwrap();
    let again = repositories.replant(project, &house.replant(&change, &base, &onto)).await.unwrap();
    assert_eq!(planted, again);
    let Candidate::Clean { commit, onto: on, same_tree: false } = planted else { panic!("{planted:?}") };
    assert_eq!(on, onto);
    assert_eq!(house.ours(&["show", &format!("{commit}:a")]), "1\n2\n3\n4\nfive");
    assert_eq!(house.ours(&["show", &format!("{commit}:b")]), "2");
    assert_eq!(
        house.ours(&["log", "-1", "--format=%an <%ae> %cn <%ce> %at %ct %P%n%B", &commit]),
        format!(
            "Miyabi <miyabi@localhost> Miyabi <miyabi@localhost> 1760000000 1760000000 {onto}\nput on top\n\nwhy"
        )
    );
    // Kept although no branch names it.
    house.ours(&["-c", "gc.pruneExpire=now", "gc", "--quiet"]);
    assert_eq!(
        repositories.tree(project, &commit).await.unwrap(),
        house.ours(&["rev-parse", &format!("{commit}^{{tree}}")])
    );

    let back = repositories.revert(project, &commit, &commit, "take back", AT).await.unwrap();
    let Candidate::Clean { commit: back, .. } = back else { panic!("{back:?}") };
    assert_eq!(house.ours(&["diff", "--stat", &onto, &back]), "");
    let root = repositories.revert(project, &base, &commit, "x", AT).await;
    assert_eq!(root.unwrap_err().code, ErrorCode::RevisionInvalid);
}

#[tokio::test]
async fn contradictions_are_named_by_file() {
    let house = House::new(&[("a", "1\n"), ("日本", "1\n"), ("c", "1\n")]).await;
    let base = house.open().await.unwrap();
    house.user.write("日本", "ours\n");
    let one = house.side(&base, "a", "ours\n");
    house.open_side("a").await;
    house.user.git(&["checkout", "--quiet", "-B", "other", &base]);
    house.user.write("a", "theirs\n");
    house.user.write("日本", "theirs\n");
    let other = house.user.commit("other");
    house.repositories.open(&house.project, "other").await.unwrap();
    let candidate =
        house.repositories.replant(&house.project, &house.replant(&one, &base, &other)).await.unwrap();
    let Candidate::Conflict { onto, files } = candidate else { panic!("{candidate:?}") };
    assert_eq!(onto, other);
    assert_eq!(files, ["a", "日本"]);
}

#[tokio::test]
async fn a_change_can_stand_on_a_commit_that_is_not_in_the_other_history() {
    let house = House::new(&[("a", "1\n2\n3\n4\n5\n"), ("b", "1\n")]).await;
    let first = house.open().await.unwrap();
    let base = house.side(&first, "b", "2\n");
    house.user.git(&["checkout", "--quiet", "-B", "task", &base]);
    house.user.write("a", "1\n2\n3\n4\nfive\n");
    let change = house.user.commit("task");
    house.repositories.open(&house.project, "task").await.unwrap();
    let candidate =
        house.repositories.replant(&house.project, &house.replant(&change, &base, &first)).await.unwrap();
    let Candidate::Clean { commit, .. } = candidate else { panic!("{candidate:?}") };
    assert_eq!(
        house.ours(&["show", &format!("{commit}:b")]),
        "1",
        "what the base changed is not brought along"
    );
    assert_eq!(house.ours(&["show", &format!("{commit}:a")]), "1\n2\n3\n4\nfive");
}

#[tokio::test]
async fn branches_move_only_from_where_they_are_expected() {
    let house = House::new(&[("a", "1\n")]).await;
    let first = house.open().await.unwrap();
    let second = house.side(&first, "b", "1\n");
    house.open_side("b").await;
    let (repositories, project) = (&house.repositories, &house.project);
    let to = async |branch: &str, commit: &str, expected: Option<&str>| {
        repositories.move_branch(project, branch, commit, expected).await.unwrap()
    };
    assert!(!to("main", &second, Some(&second.replace('a', "b"))).await);
    assert!(!to("main", &second, None).await);
    assert!(to("main", &second, Some(&first)).await);
    assert!(to("main", &second, Some(&first)).await, "a repeated try has done its work");
    assert!(!to("main", &first, None).await);
    assert!(to("new", &first, None).await);
    assert!(!to("other", &first, Some(&second)).await);
    assert!(to("miyabi/run", &first, None).await);
    assert!(to("miyabi/run", &second, None).await, "run branches go anywhere");
    assert_eq!(
        house.ours(&["rev-parse", "main", "new", "miyabi/run"]),
        [&*second, &first, &second].join("\n")
    );
}

#[tokio::test]
async fn what_a_killed_git_left_does_not_stop_the_next() {
    let house = House::new(&[("a", "1\n")]).await;
    let first = house.open().await.unwrap();
    let second = house.side(&first, "b", "1\n");
    house.open_side("b").await;
    let bare = house.repositories.path(house.project.id);
    for left in
        ["refs/heads/main.lock", "packed-refs.lock", "HEAD.lock", "config.lock", "refs/heads/miyabi/x.lock"]
    {
        let path = bare.join(left);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    std::fs::write(bare.join("objects/pack/tmp_pack_x"), "").unwrap();
    std::fs::create_dir(bare.join("objects/tmp_objdir-incoming-x")).unwrap();
    std::fs::create_dir(bare.parent().unwrap().join("scratch-x")).unwrap();
    // A new process: it knows of no writer before it.
    let git = Git::open("/usr/bin/git").await.unwrap();
    let next = GitRepositories::new(git, house.data.path(), Limits::default());
    assert!(next.move_branch(&house.project, "main", &second, Some(&first)).await.unwrap());
    for gone in [
        "refs/heads/main.lock",
        "packed-refs.lock",
        "objects/pack/tmp_pack_x",
        "objects/tmp_objdir-incoming-x",
        "../scratch-x",
    ] {
        assert!(!bare.join(gone).exists(), "{gone}");
    }
}

#[tokio::test]
async fn nobody_pushes_into_our_repository_and_kept_commits_stay_private() {
    let house = House::new(&[("a", "1\n")]).await;
    let base = house.open().await.unwrap();
    let change = house.side(&base, "b", "1\n");
    house.open_side("b").await;
    house.repositories.replant(&house.project, &house.replant(&change, &base, &base)).await.unwrap();
    let ours = house.repositories.path(house.project.id);
    let pushed = std::process::Command::new("git")
        .args(["push", "--quiet"])
        .arg(&ours)
        .arg("HEAD:refs/heads/evil")
        .current_dir(house.user.path())
        .output()
        .unwrap();
    assert!(!pushed.status.success());
    let seen = house.user.git(&["ls-remote", ours.to_str().unwrap()]);
    assert!(seen.contains("refs/heads/main") && !seen.contains("refs/miyabi"), "{seen}");
}

#[tokio::test]
async fn a_change_reaches_the_users_own_checkout_when_nothing_can_be_lost() {
    let house = House::new(&[("a", "1\n"), ("gone", "1\n"), ("keep", "1\n")]).await;
    let base = house.open().await.unwrap();
    house.user.git(&["checkout", "--quiet", "-B", "work", &base]);
    house.user.write("a", "2\n");
    house.user.write("new/日本", "1\n");
    std::fs::remove_file(house.user.path().join("gone")).unwrap();
    let change = house.user.commit("change");
    house.repositories.open(&house.project, "work").await.unwrap();
    // The user never saw the commit: a copy of the first state plays the user.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    run(folder.path(), &["clone", "--quiet", house.user.path().to_str().unwrap(), copy.to_str().unwrap()]);
    run(&copy, &["checkout", "--quiet", "-B", "main", &base]);
    run(&copy, &["config", "gc.auto", "0"]);
    let mut user = house.project.clone();
    user.path = copy.to_str().unwrap().to_owned();
    let apply =
        async |commit: &str| house.repositories.apply_to_checkout(&user, "main", commit).await.unwrap();

    std::fs::write(copy.join("keep"), "mine\n").unwrap();
    let reason = apply(&change).await.unwrap();
    assert!(reason.contains("`keep`"), "{reason}");
    run(&copy, &["checkout", "--quiet", "keep"]);
    std::fs::create_dir(copy.join("new")).unwrap();
    std::fs::write(copy.join("new/日本"), "untracked\n").unwrap();
    assert!(apply(&change).await.is_some(), "an untracked file is in the way");
    assert_eq!(std::fs::read_to_string(copy.join("new/日本")).unwrap(), "untracked\n");
    std::fs::remove_file(copy.join("new/日本")).unwrap();
    std::fs::write(copy.join("stray"), "mine\n").unwrap();
    assert_eq!(apply(&change).await, None);
    assert_eq!(apply(&change).await, None, "again");
    assert_eq!(run(&copy, &["rev-parse", "main", "HEAD"]), format!("{change}\n{change}"));
    assert_eq!(run(&copy, &["status", "--porcelain"]), "?? stray");
    assert!(!copy.join("gone").exists());

    // Killed after the files were written and before the branch moved.
    run(&copy, &["update-ref", "refs/heads/main", &base]);
    assert_eq!(apply(&change).await, None);
    assert_eq!(run(&copy, &["rev-parse", "main"]), change);

    run(&copy, &["checkout", "--quiet", "-b", "elsewhere"]);
    assert!(apply(&change).await.unwrap().contains("not checked out"));
}

#[tokio::test]
async fn a_change_is_applied_without_a_commit() {
    let house = House::new(&[("a", "1\r\n2\r\n"), ("gone", "1\n")]).await;
    let base = house.open().await.unwrap();
    house.user.git(&["checkout", "--quiet", "-B", "work", &base]);
    house.user.write("a", "1\r\n2\r\n3");
    house.user.write("binary", [0_u8, 255, 1]);
    std::fs::remove_file(house.user.path().join("gone")).unwrap();
    let change = house.user.commit("change");
    house.repositories.open(&house.project, "work").await.unwrap();
    house.user.git(&["checkout", "--quiet", "main"]);
    let apply =
        async || house.repositories.apply_patch_to_checkout(&house.project, &base, &change).await.unwrap();
    assert_eq!(apply().await, None);
    assert_eq!(apply().await, None, "a repeated try finds it done");
    assert_eq!(house.user.head(), base);
    assert_eq!(std::fs::read(house.user.path().join("a")).unwrap(), b"1\r\n2\r\n3");
    assert_eq!(std::fs::read(house.user.path().join("binary")).unwrap(), [0, 255, 1]);
    assert!(!house.user.path().join("gone").exists());
    house.user.git(&["reset", "--quiet", "--hard"]);
    house.user.git(&["clean", "--quiet", "-fd"]);
    house.user.write("a", "mine\n");
    assert!(apply().await.unwrap().contains("`a`"));
    assert_eq!(std::fs::read(house.user.path().join("a")).unwrap(), b"mine\n");
}

#[tokio::test]
async fn a_repository_of_another_user_keeps_its_owner() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    const SOMEBODY: u32 = 61_234;
    let house = House::new(&[("a", "1\n")]).await;
    let base = house.open().await.unwrap();
    house.user.git(&["checkout", "--quiet", "-B", "work", &base]);
    house.user.write("d/b", "2\n");
    let change = house.user.commit("change");
    house.repositories.open(&house.project, "work").await.unwrap();
    house.user.git(&["checkout", "--quiet", "main"]);
    house.user.git(&["branch", "--quiet", "-D", "work"]);
    own(house.user.path(), SOMEBODY);
    std::fs::set_permissions(house.data.path(), std::fs::Permissions::from_mode(0o700)).unwrap();

    assert_eq!(house.open().await.unwrap(), base);
    assert_eq!(house.repositories.apply_to_checkout(&house.project, "main", &change).await.unwrap(), None);
    assert_eq!(std::fs::read_to_string(house.user.path().join("d/b")).unwrap(), "2\n");
    let foreign = owners(house.user.path()).into_iter().find(|(_, owner)| *owner != SOMEBODY);
    assert_eq!(foreign, None);
}

#[tokio::test]
async fn repositories_with_the_newer_hash_work_too() {
    let folder = tempfile::tempdir().unwrap();
    let user = folder.path().join("user");
    run(folder.path(), &["init", "--quiet", "--object-format=sha256", "--initial-branch=main", "user"]);
    std::fs::write(user.join("a"), "1\n").unwrap();
    run(&user, &["add", "a"]);
    run(&user, &["commit", "--quiet", "-m", "first"]);
    let house = House::new(&[("a", "1\n")]).await;
    let project = project(7, &user);
    let base = house.repositories.open(&project, "main").await.unwrap().commit;
    assert_eq!(base.len(), 64);
    std::fs::write(user.join("a"), "2\n").unwrap();
    run(&user, &["commit", "--quiet", "-am", "second"]);
    let change = house.repositories.open(&project, "main").await.unwrap().commit;
    let back = house.repositories.revert(&project, &change, &change, "back", AT).await.unwrap();
    assert!(matches!(back, Candidate::Clean { .. }), "{back:?}");
}

fn own(path: &Path, id: u32) {
    chown(path, Some(id), Some(id)).unwrap();
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            own(&entry.path(), id);
        } else {
            chown(entry.path(), Some(id), Some(id)).unwrap();
        }
    }
}

fn owners(path: &Path) -> Vec<(std::path::PathBuf, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let mut found = vec![(path.to_path_buf(), std::fs::symlink_metadata(path).unwrap().uid())];
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path).unwrap() {
            found.extend(owners(&entry.unwrap().path()));
        }
    }
    found
}

#[tokio::test]
async fn the_last_common_commit_is_found() {
    let house = House::new(&[("a", "1\n")]).await;
    let base = house.open().await.unwrap();
    let side = house.side(&base, "b", "side\n");
    house.open_side("b").await;
    house.user.write("a", "2\n");
    house.user.commit("go on");
    let main = house.open().await.unwrap();
    let common = house.repositories.merge_base(&house.project, &main, &side).await.unwrap();
    assert_eq!(common.as_deref(), Some(base.as_str()));
    let own = house.repositories.merge_base(&house.project, &base, &main).await.unwrap();
    assert_eq!(own.as_deref(), Some(base.as_str()));
}
