//! The port to checkouts: private clones in which tasks work and gates check.

use std::fmt;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::digest::Digest;
use crate::error::Failure;
use crate::id::RunId;
use crate::project::Project;
use crate::run::value::Committed;
use crate::sandbox::{LimitHit, SandboxLevel, SandboxLimits};
use crate::time::Timestamp;

/// A checkout's name: never a ref or a title.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CheckoutId {
    /// The run it belongs to.
    pub run: RunId,
    /// Its name within the run: a task's key, or what the gates call theirs. `[a-z0-9-]{1,64}`.
    pub name: String,
}

impl fmt::Display for CheckoutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.run, self.name)
    }
}

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A program with its arguments. No shell.
    Argv(Vec<String>),
    /// A command as a model or a person wrote it: `sh -c`, in the sandbox only.
    Shell(String),
}

impl Program {
    /// The argument vector that is really run.
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Argv(argv) => argv.clone(),
            Self::Shell(command) => vec!["sh".into(), "-c".into(), command.clone()],
        }
    }
}

/// A command in a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// What is run.
    pub program: Program,
    /// The folder it runs in, relative to the checkout's root.
    pub folder: String,
    /// Its ceilings.
    pub limits: SandboxLimits,
    /// Whether it may use the network. Only for set-up, and only if the operator allows it.
    pub network: bool,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutcome {
    /// The exit code; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The ceiling that ended it.
    pub limit: Option<LimitHit>,
    /// Whether the caller ended it.
    pub is_cancelled: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The beginning of its output, at most 5 kB.
    pub head: Vec<u8>,
    /// The end of its output, at most 5 kB, nothing of `head`.
    pub tail: Vec<u8>,
    /// Bytes it wrote in all.
    pub total_bytes: u64,
    /// Its stored output.
    pub log: Digest,
    /// The cage it ran in.
    pub sandbox: SandboxLevel,
}

/// A commit to be made of a checkout's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRequest {
    /// The message.
    pub message: String,
    /// Author and committer time.
    pub at: Timestamp,
    /// Files larger than this are refused, in bytes.
    pub max_file_bytes: u64,
}

/// A file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: Digest,
}

/// Checkouts. All methods may be repeated after a crash: what is half done is done again from the start.
#[async_trait]
pub trait Checkouts: Send + Sync {
    /// Makes a private clone at a commit, in place of one that may be there.
    async fn create(&self, id: &CheckoutId, project: &Project, commit: &str) -> Result<(), Failure>;

    /// Whether it exists and is complete.
    async fn exists(&self, id: &CheckoutId) -> bool;

    /// Runs a command in the sandbox. Nothing it started is alive when this returns.
    async fn exec(
        &self,
        id: &CheckoutId,
        exec: &Exec,
        cancel: &CancellationToken,
    ) -> Result<ExecOutcome, Failure>;

    /// Stores all files that git would not ignore, byte for byte with their modes, as one artifact.
    async fn snapshot(&self, id: &CheckoutId) -> Result<Digest, Failure>;

    /// Brings the files back to a snapshot: those that differ, those that are missing, and away with those that are
    /// new. Ignored files are left alone.
    async fn restore(&self, id: &CheckoutId, snapshot: Digest) -> Result<(), Failure>;

    /// Commits the files and brings the commit into the project's repository, after checking it.
    ///
    /// # Errors
    /// `IMPORT_REFUSED` when the commit breaks a rule (size, file types, paths).
    async fn commit(
        &self,
        id: &CheckoutId,
        project: &Project,
        request: &CommitRequest,
    ) -> Result<Committed, Failure>;

    /// Merges a commit of the project's repository into the checkout. Files that contradict each other keep conflict
    /// marks and are returned.
    async fn refresh(&self, id: &CheckoutId, project: &Project, onto: &str) -> Result<Vec<String>, Failure>;

    /// A file's content; `None` if there is none.
    ///
    /// # Errors
    /// `REQUEST_INVALID` for paths that leave the checkout, are no regular file, or are larger than `max_bytes`.
    async fn read(&self, id: &CheckoutId, path: &str, max_bytes: u64)
    -> Result<Option<FileContent>, Failure>;

    /// Writes a file in one go; missing folders are made, an existing file keeps its mode.
    async fn write(&self, id: &CheckoutId, path: &str, bytes: &[u8]) -> Result<(), Failure>;

    /// Removes a file; whether there was one.
    async fn remove_file(&self, id: &CheckoutId, path: &str) -> Result<bool, Failure>;

    /// Paths of all files that git would not ignore, sorted, at most `limit`.
    async fn list(&self, id: &CheckoutId, limit: u32) -> Result<Vec<String>, Failure>;

    /// Writes a snapshot's files to an empty or missing folder outside of all checkouts.
    async fn export(&self, snapshot: Digest, folder: &std::path::Path) -> Result<(), Failure>;

    /// Removes the clone.
    async fn remove(&self, id: &CheckoutId) -> Result<(), Failure>;
}
