//! Bundles as an attacker would make them, past every rule of git's own commands.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use miyabi_core::port::repositories::Repositories as _;
use miyabi_testkit::git::{Repository, run};
use miyabi_testkit::project::project;
use tempfile::TempDir;

use super::super::*;
use crate::repositories::Limits;

struct Attack {
    folder: TempDir,
    user: Repository,
    repositories: GitRepositories,
    project: Project,
    base: CommitHash,
}

impl Attack {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let user = Repository::with_files(&[("a", "1\n"), ("Dir/b", "1\n")]);
        let git = git::Git::open("/usr/bin/git").await.unwrap();
        let repositories = GitRepositories::new(git, folder.path(), Limits::default());
        let project = project(1, user.path());
        let base = repositories.open(&project, "main").await.unwrap().commit.parse().unwrap();
        Self { folder, user, repositories, project, base }
    }

    /// Stores an object without any check; its name.
    fn object(&self, kind: &str, content: &[u8]) -> String {
        let mut git = Command::new("git")
            .args(["hash-object", "-t", kind, "-w", "--stdin", "--literally"])
            .current_dir(self.user.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        git.stdin.take().unwrap().write_all(content).unwrap();
        String::from_utf8(git.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
    }

    /// A tree with one entry.
    fn tree(&self, mode: &str, name: &str, object: &str) -> String {
        let mut content = format!("{mode} {name}\0").into_bytes();
        content.extend(hex::decode(object).unwrap());
        self.object("tree", &content)
    }

    fn commit(&self, tree: &str, parents: &[&str]) -> String {
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let who = "x <x@x> 1700000000 +0000";
        let content = format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\nx\n");
        self.object("commit", content.as_bytes())
    }

    /// A bundle of a commit, without what the base has.
    fn bundle(&self, commit: &str) -> PathBuf {
        self.user.git(&["update-ref", "refs/heads/task", commit]);
        let path = self.folder.path().join("task.bundle");
        let base = format!("^{}", self.base);
        run(
            self.user.path(),
            &["bundle", "create", "--quiet", path.to_str().unwrap(), "refs/heads/task", &base],
        );
        path
    }

    async fn import(&self, bundle: &Path, max_file_bytes: u64) -> Result<String, Failure> {
        let writer = self.repositories.writer(self.project.id).await.unwrap();
        let import = Import { bundle, base: &self.base, max_file_bytes };
        let imported = self.repositories.import(&writer, &self.project, &import).await;
        writer.done();
        imported
    }

    /// Objects in our repository, loose or packed.
    fn count(&self) -> String {
        let bare = self.repositories.path(self.project.id);
        run(&bare, &["--git-dir=.", "count-objects", "-v"])
    }

    async fn refuses(&self, bundle: &Path, reason: &str) {
        let before = self.count();
        let failure = self.import(bundle, 1_000).await.expect_err(reason);
        assert_eq!(failure.code, ErrorCode::ImportRefused, "{}", failure.message);
        assert!(failure.message.contains(reason), "{reason}: {}", failure.message);
        assert_eq!(self.count(), before, "{reason}: nothing came in");
    }
}

#[tokio::test]
async fn a_change_by_the_rules_comes_in() {
    let attack = Attack::new().await;
    let blob = attack.object("blob", b"new\n");
    let tree = attack.tree("100644", "new", &blob);
    let commit = attack.commit(&tree, &[attack.base.as_str()]);
    assert_eq!(attack.import(&attack.bundle(&commit), 1_000).await.unwrap(), tree);
    // A second time, when everything is there already.
    assert_eq!(attack.import(&attack.bundle(&commit), 1_000).await.unwrap(), tree);
}

#[tokio::test]
async fn trees_that_git_would_not_write_are_refused() {
    let attack = Attack::new().await;
    let blob = attack.object("blob", b"x");
    let inner = attack.tree("100644", "config", &blob);
    for (mode, name, object) in [
        ("40000", ".git", &inner),
        ("40000", ".GIT", &inner),
        ("40000", "git~1", &inner),
        ("40000", "..", &inner),
        ("40000", ".", &inner),
        ("100644", "a/b", &blob),
        ("100644", ".git\u{200c}", &blob),
        ("120000", ".gitmodules", &blob),
        ("160000", "module", &attack.base.to_string()),
        ("120000", "link", &attack.object("blob", b"/etc/passwd")),
        ("120000", "link", &attack.object("blob", &[b'x'; 5_000])),
    ] {
        let commit = attack.commit(&attack.tree(mode, name, object), &[attack.base.as_str()]);
        attack.refuses(&attack.bundle(&commit), "").await;
    }
}

#[tokio::test]
async fn files_that_are_small_only_when_packed_are_refused() {
    let attack = Attack::new().await;
    let blob = attack.object("blob", &vec![0; 64 * 1024 * 1024]);
    let commit = attack.commit(&attack.tree("100644", "bomb", &blob), &[attack.base.as_str()]);
    let bundle = attack.bundle(&commit);
    assert!(bundle.metadata().unwrap().len() < 1_000_000);
    attack.refuses(&bundle, "`bomb`: 67108864 bytes").await;
}

#[tokio::test]
async fn history_beside_the_one_commit_is_refused() {
    let attack = Attack::new().await;
    let base = attack.base.as_str();
    let tree = attack.tree("100644", "new", &attack.object("blob", b"x"));
    let stray = attack.commit(&tree, &[]);
    let between = attack.commit(&tree, &[base]);
    for parents in [vec![], vec![base, stray.as_str()], vec![between.as_str()], vec![stray.as_str()]] {
        let commit = attack.commit(&tree, &parents);
        attack.refuses(&attack.bundle(&commit), "does not stand on the commit").await;
    }
}

#[tokio::test]
async fn names_that_differ_by_case_are_refused() {
    let attack = Attack::new().await;
    let blob = attack.object("blob", b"x");
    let own = attack.user.git(&["rev-parse", "HEAD:a"]);
    let mut content = Vec::new();
    for (name, object) in [("A", &blob), ("a", &own)] {
        content.extend(format!("100644 {name}\0").into_bytes());
        content.extend(hex::decode(object).unwrap());
    }
    let commit = attack.commit(&attack.object("tree", &content), &[attack.base.as_str()]);
    attack.refuses(&attack.bundle(&commit), "differs only by case from").await;
}

#[tokio::test]
async fn what_is_no_bundle_of_ours_is_refused() {
    let attack = Attack::new().await;
    let commit =
        attack.commit(&attack.tree("100644", "new", &attack.object("blob", b"x")), &[attack.base.as_str()]);
    let bundle = attack.bundle(&commit);
    let whole = std::fs::read(&bundle).unwrap();
    let mut changed = whole.clone();
    let middle = whole.len() - 30;
    changed[middle] ^= 1;
    let other_name = String::from_utf8_lossy(&whole).contains("refs/heads/task");
    assert!(other_name);
    let renamed: Vec<u8> = {
        let at = whole.windows(4).position(|window| window == b"task").unwrap();
        [&whole[..at], b"main", &whole[at + 4..]].concat()
    };
    for bytes in [b"".to_vec(), b"junk".to_vec(), whole[..whole.len() / 2].to_vec(), changed, renamed] {
        std::fs::write(&bundle, bytes).unwrap();
        attack.refuses(&bundle, "").await;
    }
    // A commit whose file is missing.
    let lost = attack.tree("100644", "lost", "0123456789abcdef0123456789abcdef01234567");
    let commit = attack.commit(&lost, &[attack.base.as_str()]);
    let pack = Command::new("sh")
        .arg("-c")
        .arg("printf '%s\\n' \"$1\" \"$2\" | git pack-objects --stdout -q")
        .args(["sh", &commit, &lost])
        .current_dir(attack.user.path())
        .output()
        .unwrap();
    let head = format!("# v2 git bundle\n-{} x\n{commit} refs/heads/task\n\n", attack.base);
    std::fs::write(&bundle, [head.as_bytes(), &pack.stdout].concat()).unwrap();
    attack.refuses(&bundle, "").await;
    // A bundle that is a folder or a pipe would be another address for git.
    let folder = attack.folder.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    attack.refuses(&folder, "").await;
}
