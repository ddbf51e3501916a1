//! Checkouts: private clones in which tasks work and gates check.
//!
//! ```text
//! <data>/checkouts/<run>/<name>/
//!   tree/        the files, with a `.git` that belongs to the task: nothing of ours trusts it
//!   home/        the home folder of the task's commands
//!   git/         our own git folder for the same files, which no command of the task ever sees
//!   outbox/      where commits leave as bundles
//!   caches/      what commands write over shared package caches
//!   staging/ logs/ trash/     the host's own
//!   checkout.json             written last: without it the checkout does not exist
//! ```
//!
//! Everything that runs in a checkout runs in the sandbox, git included. The host itself reads and writes files
//! beneath handles ([`crate::files`]) and imports commits after checking them ([`crate::repositories`]).

mod commit;
mod create;
mod exec;
mod inside;
mod layout;
mod places;
mod refresh;
mod seat;
mod state;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use miyabi_core::digest::Digest;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::checkouts::{CheckoutId, Checkouts, CommitRequest, Exec, ExecOutcome, FileContent};
use miyabi_core::project::Project;
use miyabi_core::run::value::Committed;
use tokio_util::sync::CancellationToken;

use self::layout::Layout;
use self::seat::Seats;
use crate::files::{self, Folder};
use crate::git::RepoPath;
use crate::repositories::{GitRepositories, commit_hash};
use crate::sandbox::toolchain::Cache;
use crate::sandbox::{Mount, Sandbox};
use crate::snapshot::{self, Seen, Store};

/// What the operator decides about commands in checkouts.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceOptions {
    /// Whether set-up commands may use the network.
    pub allows_network: bool,
    /// Read-only views of the tools in use.
    pub tools: Vec<Mount>,
    /// Variables for commands, beside the few that every command gets. `PATH` among them.
    pub env: BTreeMap<String, String>,
    /// Package caches that are shared for reading.
    pub caches: Vec<Cache>,
    /// How large a checkout may be.
    pub limits: snapshot::Limits,
}

/// Checkouts on this machine.
pub struct GitCheckouts {
    folder: PathBuf,
    repositories: Arc<GitRepositories>,
    sandbox: Arc<Sandbox>,
    store: Store,
    options: WorkspaceOptions,
    seats: Seats,
}

impl GitCheckouts {
    /// Checkouts below the data folder.
    pub fn new(
        data_folder: &Path,
        repositories: Arc<GitRepositories>,
        sandbox: Arc<Sandbox>,
        store: Store,
        options: WorkspaceOptions,
    ) -> Self {
        let folder = data_folder.join("checkouts");
        Self { folder, repositories, sandbox, store, options, seats: Seats::default() }
    }

    /// Where a checkout's files are, for people.
    ///
    /// # Errors
    /// `REQUEST_INVALID` when the name is not one of a checkout.
    pub fn path(&self, id: &CheckoutId) -> Result<PathBuf, Failure> {
        Ok(self.layout(id)?.tree())
    }

    fn layout(&self, id: &CheckoutId) -> Result<Layout, Failure> {
        Layout::new(&self.folder, id)
    }

    /// Whom files in a checkout belong to, if not to ourselves.
    fn owner(&self) -> files::Owner {
        match self.sandbox.describe().identity {
            crate::sandbox::Identity::DropsRoot { uid, gid } => Some((uid, gid)),
            crate::sandbox::Identity::OrdinaryUser { .. } => None,
        }
    }

    /// Does blocking work with a checkout's files.
    async fn with_files<T: Send + 'static>(
        &self,
        id: &CheckoutId,
        work: impl FnOnce(&Layout, &Folder) -> Result<T, files::Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let layout = self.layout(id)?;
        state::load(&layout).await?;
        crate::blocking(move || {
            let tree = Folder::open(&layout.tree())
                .map_err(|source| files::Error::at("open", b"the checkout", source));
            tree.and_then(|tree| work(&layout, &tree))
        })
        .await
        .map_err(files::Error::into_failure)
    }
}

fn file_path(path: &str) -> Result<RepoPath, Failure> {
    path.parse().map_err(|error| files::Error::Path(error).into_failure())
}

#[async_trait]
impl Checkouts for GitCheckouts {
    async fn create(&self, id: &CheckoutId, project: &Project, commit: &str) -> Result<(), Failure> {
        self.make(id, project, &commit_hash(commit)?).await
    }

    async fn exists(&self, id: &CheckoutId) -> bool {
        match self.layout(id) {
            Ok(layout) => state::load(&layout).await.is_ok(),
            Err(_) => false,
        }
    }

    async fn exec(
        &self,
        id: &CheckoutId,
        exec: &Exec,
        cancel: &CancellationToken,
    ) -> Result<ExecOutcome, Failure> {
        self.run(id, exec, cancel).await
    }

    async fn snapshot(&self, id: &CheckoutId) -> Result<Digest, Failure> {
        let mut seat = self.seats.take(id).await;
        self.snapshot_files(id, &mut seat).await
    }

    async fn restore(&self, id: &CheckoutId, snapshot: Digest) -> Result<(), Failure> {
        let mut seat = self.seats.take(id).await;
        self.restore_files(id, &mut seat, snapshot).await
    }

    async fn commit(
        &self,
        id: &CheckoutId,
        project: &Project,
        request: &CommitRequest,
    ) -> Result<Committed, Failure> {
        let mut seat = self.seats.take(id).await;
        self.commit_files(id, &mut seat, project, request).await
    }

    async fn refresh(&self, id: &CheckoutId, project: &Project, onto: &str) -> Result<Vec<String>, Failure> {
        let mut seat = self.seats.take(id).await;
        self.merge_in(id, &mut seat, project, &commit_hash(onto)?).await
    }

    async fn read(
        &self,
        id: &CheckoutId,
        path: &str,
        max_bytes: u64,
    ) -> Result<Option<FileContent>, Failure> {
        let path = file_path(path)?;
        let bytes =
            self.with_files(id, move |_, tree| tree.read(path.as_str().as_bytes(), max_bytes)).await?;
        Ok(bytes.map(|bytes| FileContent { digest: Digest::of(&bytes), bytes }))
    }

    async fn write(&self, id: &CheckoutId, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        let (path, bytes, owner) = (file_path(path)?, bytes.to_vec(), self.owner());
        self.with_files(id, move |layout, tree| {
            let staging = layout.open_staging()?;
            files::write(tree, &staging, path.as_str().as_bytes(), &bytes, owner)
        })
        .await
    }

    async fn remove_file(&self, id: &CheckoutId, path: &str) -> Result<bool, Failure> {
        let path = file_path(path)?;
        self.with_files(id, move |_, tree| files::remove(tree, path.as_str().as_bytes())).await
    }

    async fn list(&self, id: &CheckoutId, limit: u32) -> Result<Vec<String>, Failure> {
        let mut seat = self.seats.take(id).await;
        let source = self.source(id, &mut seat).await?;
        drop(seat);
        let mut paths = crate::blocking(move || {
            let mut paths = Vec::new();
            snapshot::walk(&source.root, &source.tracked, &source.limits, &mut |visit| {
                if matches!(visit.seen, Seen::File { .. } | Seen::Link) {
                    paths.push(String::from_utf8_lossy(visit.path).into_owned());
                }
                Ok(())
            })
            .map(|()| paths)
        })
        .await
        .map_err(snapshot::Error::into_failure)?;
        paths.sort_unstable();
        paths.truncate(limit as usize);
        Ok(paths)
    }

    async fn export(&self, snapshot: Digest, folder: &Path) -> Result<(), Failure> {
        if !folder.is_absolute() || folder.starts_with(&self.folder) {
            let message = "a snapshot is exported to an absolute path outside of all checkouts";
            return Err(Failure::permanent(ErrorCode::RequestInvalid, message));
        }
        snapshot::export(&self.store, snapshot, folder).await.map_err(snapshot::Error::into_failure)
    }

    async fn remove(&self, id: &CheckoutId) -> Result<(), Failure> {
        let mut seat = self.seats.take(id).await;
        let layout = self.layout(id)?;
        layout.clear().await?;
        seat.forget();
        Ok(())
    }
}
