//! One checkout that is a temporary folder.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use miyabi_core::digest::Digest;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::artifacts::Artifacts;
use miyabi_core::port::checkouts::{CheckoutId, Checkouts, CommitRequest, Exec, ExecOutcome, FileContent};
use miyabi_core::project::Project;
use miyabi_core::run::value::Committed;
use miyabi_core::sandbox::{LimitHit, SandboxLevel};
use tokio_util::sync::CancellationToken;

const SHOWN: usize = 5 * 1024;

pub(crate) struct FolderCheckouts {
    folder: tempfile::TempDir,
    artifacts: Arc<dyn Artifacts>,
    /// The path whose next write fails.
    broken: Mutex<Option<String>>,
}

impl FolderCheckouts {
    pub(crate) fn new(artifacts: Arc<dyn Artifacts>) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), artifacts, broken: Mutex::new(None) }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Lets the next write of this path fail.
    pub(crate) fn break_write(&self, path: &str) {
        *self.broken.lock().unwrap() = Some(path.to_owned());
    }

    fn path(&self, path: &str) -> PathBuf {
        assert!(
            !path.starts_with('/') && !path.split('/').any(|part| part == ".." || part == ".git"),
            "{path}"
        );
        self.root().join(path)
    }
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, files);
        } else {
            files.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

fn unused<T>() -> Result<T, Failure> {
    panic!("no tool does this")
}

#[async_trait]
impl Checkouts for FolderCheckouts {
    async fn exec(
        &self,
        _: &CheckoutId,
        exec: &Exec,
        cancel: &CancellationToken,
    ) -> Result<ExecOutcome, Failure> {
        let argv = exec.program.argv();
        if !self.path(&exec.folder).is_dir() {
            return Err(Failure::permanent(ErrorCode::RequestInvalid, "no such folder"));
        }
        let started = Instant::now();
        let child = tokio::process::Command::new("sh")
            .args(["-c", "exec 2>&1; exec \"$0\" \"$@\""])
            .args(&argv)
            .current_dir(self.path(&exec.folder))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let limit = Duration::from_millis(exec.limits.wall_ms);
        let output = tokio::select! {
            output = tokio::time::timeout(limit, child.wait_with_output()) => output.ok().map(Result::unwrap),
            () = cancel.cancelled() => None,
        };
        let bytes = output.as_ref().map(|output| output.stdout.clone()).unwrap_or_default();
        let head = bytes[..bytes.len().min(SHOWN)].to_vec();
        let tail = bytes[bytes.len().saturating_sub(SHOWN).max(head.len())..].to_vec();
        Ok(ExecOutcome {
            exit_code: output.as_ref().and_then(|output| output.status.code()),
            signal: None,
            limit: (output.is_none() && !cancel.is_cancelled()).then_some(LimitHit::Timeout),
            is_cancelled: cancel.is_cancelled(),
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap(),
            head,
            tail,
            total_bytes: bytes.len() as u64,
            log: self.artifacts.put(&bytes).await.unwrap(),
            sandbox: SandboxLevel::External,
        })
    }

    async fn read(&self, _: &CheckoutId, path: &str, max_bytes: u64) -> Result<Option<FileContent>, Failure> {
        let path = self.path(path);
        match std::fs::metadata(&path) {
            Err(_) => return Ok(None),
            Ok(facts) if !facts.is_file() || facts.len() > max_bytes => {
                let message = "is no regular file, or too large";
                return Err(Failure::permanent(ErrorCode::RequestInvalid, message));
            }
            Ok(_) => {}
        }
        let bytes = std::fs::read(path).unwrap();
        let digest = Digest::of(&bytes);
        Ok(Some(FileContent { bytes, digest }))
    }

    async fn write(&self, _: &CheckoutId, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        if self.broken.lock().unwrap().take_if(|broken| broken == path).is_some() {
            return Err(Failure::retry(ErrorCode::StoreFull, "no space is left"));
        }
        let path = self.path(path);
        let written =
            std::fs::create_dir_all(path.parent().unwrap()).and_then(|()| std::fs::write(path, bytes));
        written.map_err(|error| Failure::permanent(ErrorCode::RequestInvalid, error.to_string()))
    }

    async fn remove_file(&self, _: &CheckoutId, path: &str) -> Result<bool, Failure> {
        Ok(std::fs::remove_file(self.path(path)).is_ok())
    }

    async fn list(&self, _: &CheckoutId, limit: u32) -> Result<Vec<String>, Failure> {
        let mut files = Vec::new();
        walk(self.root(), self.root(), &mut files);
        files.sort();
        files.truncate(limit as usize);
        Ok(files)
    }

    async fn exists(&self, _: &CheckoutId) -> bool {
        true
    }

    async fn create(&self, _: &CheckoutId, _: &Project, _: &str) -> Result<(), Failure> {
        unused()
    }

    async fn snapshot(&self, _: &CheckoutId) -> Result<Digest, Failure> {
        unused()
    }

    async fn restore(&self, _: &CheckoutId, _: Digest) -> Result<(), Failure> {
        unused()
    }

    async fn commit(&self, _: &CheckoutId, _: &Project, _: &CommitRequest) -> Result<Committed, Failure> {
        unused()
    }

    async fn refresh(&self, _: &CheckoutId, _: &Project, _: &str) -> Result<Vec<String>, Failure> {
        unused()
    }

    async fn export(&self, _: Digest, _: &Path) -> Result<(), Failure> {
        unused()
    }

    async fn remove(&self, _: &CheckoutId) -> Result<(), Failure> {
        unused()
    }
}
