//! A data folder with one project and its checkouts.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miyabi_core::error::Failure;
use miyabi_core::id::RunId;
use miyabi_core::port::checkouts::{CheckoutId, Checkouts as _, CommitRequest, Exec, ExecOutcome, Program};
use miyabi_core::port::repositories::Repositories as _;
use miyabi_core::project::Project;
use miyabi_core::run::value::Committed;
use miyabi_core::sandbox::{SandboxLevel, SandboxLimits};
use miyabi_core::time::Timestamp;
use miyabi_testkit::artifacts::MemoryArtifacts;
use miyabi_testkit::git::{Repository, run};
use miyabi_testkit::project::project;
use miyabi_workspace::checkouts::{GitCheckouts, WorkspaceOptions};
use miyabi_workspace::git::Git;
use miyabi_workspace::repositories::{GitRepositories, Limits};
use miyabi_workspace::sandbox::{Options, Sandbox};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Names the launcher when the tests run as a user who can't reach the build folder.
pub(crate) const LAUNCHER_VARIABLE: &str = "MIYABI_TEST_LAUNCHER";

pub(crate) const AT: Timestamp = Timestamp::from_millis(1_760_000_000_000);

pub(crate) fn launcher() -> PathBuf {
    let given = std::env::var_os(LAUNCHER_VARIABLE);
    given.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_miyabi-sandbox-launcher")), PathBuf::from)
}

pub(crate) struct House {
    pub(crate) data: TempDir,
    pub(crate) user: Repository,
    pub(crate) project: Project,
    pub(crate) repositories: Arc<GitRepositories>,
    pub(crate) artifacts: Arc<MemoryArtifacts>,
    pub(crate) checkouts: GitCheckouts,
    pub(crate) base: String,
}

impl House {
    pub(crate) async fn new(files: &[(&str, &str)]) -> Self {
        Self::of(Repository::with_files(files)).await
    }

    pub(crate) async fn of(user: Repository) -> Self {
        Self::with(user, SandboxLevel::Strict, WorkspaceOptions::default()).await
    }

    pub(crate) async fn with(user: Repository, level: SandboxLevel, options: WorkspaceOptions) -> Self {
        let data = tempfile::tempdir().unwrap();
        if level != SandboxLevel::Strict {
            use std::os::unix::fs::PermissionsExt as _;
            // Without a mount namespace the dropped id walks the machine's own path.
            std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        }
        let project = project(1, user.path());
        let artifacts = Arc::new(MemoryArtifacts::default());
        let (repositories, checkouts) = wire(data.path(), level, &artifacts, options).await;
        let base = repositories.open(&project, "main").await.unwrap().commit;
        Self { data, user, project, repositories, artifacts, checkouts, base }
    }

    /// A new process on the same data folder.
    pub(crate) async fn restarted(self) -> Self {
        let options = WorkspaceOptions::default();
        let (repositories, checkouts) =
            wire(self.data.path(), SandboxLevel::Strict, &self.artifacts, options).await;
        Self { repositories, checkouts, ..self }
    }

    /// A checkout of the base.
    pub(crate) async fn checkout(&self, name: &str) -> CheckoutId {
        let id = id(name);
        self.checkouts.create(&id, &self.project, &self.base).await.unwrap();
        id
    }

    pub(crate) fn tree(&self, id: &CheckoutId) -> PathBuf {
        self.checkouts.path(id).unwrap()
    }

    pub(crate) fn write(&self, id: &CheckoutId, path: &str, content: impl AsRef<[u8]>) {
        let path = self.tree(id).join(path);
        let folder = path.parent().unwrap();
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(&path, content).unwrap();
        let owner = self.tree(id).metadata().unwrap();
        for path in [folder, &path] {
            std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
    }

    pub(crate) async fn sh(&self, id: &CheckoutId, script: &str) -> ExecOutcome {
        let exec = exec(Program::Shell(script.to_owned()));
        self.checkouts.exec(id, &exec, &CancellationToken::new()).await.unwrap()
    }

    /// The output of a script that succeeds.
    pub(crate) async fn prints(&self, id: &CheckoutId, script: &str) -> String {
        let outcome = self.sh(id, script).await;
        let text =
            String::from_utf8_lossy(&[outcome.head.clone(), outcome.tail.clone()].concat()).into_owned();
        assert_eq!(outcome.exit_code, Some(0), "{script}: {text}");
        text.trim_end().to_owned()
    }

    pub(crate) async fn commit(&self, id: &CheckoutId) -> Result<Committed, Failure> {
        self.checkouts.commit(id, &self.project, &request()).await
    }

    /// Git in the project's own repository.
    pub(crate) fn ours(&self, args: &[&str]) -> String {
        run(&self.repositories.path(self.project.id), &[&["--git-dir=."], args].concat())
    }

    /// Another commit on the base, known to our repository.
    pub(crate) async fn other(&self, branch: &str, files: &[(&str, &str)]) -> String {
        self.user.git(&["checkout", "--quiet", "-B", branch, &self.base]);
        for (path, content) in files {
            self.user.write(path, content);
        }
        let commit = self.user.commit(branch);
        self.user.git(&["checkout", "--quiet", "main"]);
        self.repositories.open(&self.project, branch).await.unwrap();
        commit
    }
}

/// Repositories and checkouts in a data folder.
pub(crate) async fn wire(
    data: &Path,
    level: SandboxLevel,
    artifacts: &Arc<MemoryArtifacts>,
    options: WorkspaceOptions,
) -> (Arc<GitRepositories>, GitCheckouts) {
    let git = Git::open("/usr/bin/git").await.unwrap();
    let repositories = Arc::new(GitRepositories::new(git, data, Limits::default()));
    let state = data.join("sandbox");
    std::fs::create_dir_all(&state).unwrap();
    let mut sandbox = Options::new(level, state);
    sandbox.launcher = launcher();
    let sandbox = Arc::new(Sandbox::new(sandbox));
    let store = Arc::clone(artifacts);
    let checkouts = GitCheckouts::new(data, Arc::clone(&repositories), sandbox, store, options);
    (repositories, checkouts)
}

pub(crate) fn id(name: &str) -> CheckoutId {
    CheckoutId { run: RunId::mint(AT, 1), name: name.to_owned() }
}

pub(crate) fn exec(program: Program) -> Exec {
    let limits = SandboxLimits { wall_ms: 30_000, ..SandboxLimits::default() };
    Exec { program, folder: String::new(), limits, network: false }
}

pub(crate) fn request() -> CommitRequest {
    CommitRequest { message: "the task's change\n\nwhy".into(), at: AT, max_file_bytes: 1_000_000 }
}

/// Copies a program with a mode, by a process of its own: a descriptor of ours that is open for writing while another
/// thread starts a process would keep the copy from being run.
pub(crate) fn copy_program(from: &Path, to: &Path) {
    let status = std::process::Command::new("install").arg("--mode=755").args([from, to]).status().unwrap();
    assert!(status.success(), "{}", from.display());
}
