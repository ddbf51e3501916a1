//! Checkouts and a deployment target that only remember what was asked of them.

use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use miyabi_core::digest::Digest;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::checkouts::{CheckoutId, Checkouts, CommitRequest, Exec, ExecOutcome, FileContent};
use miyabi_core::port::deploy_target::{DeployTarget, Release, Sample};
use miyabi_core::port::retention::CheckoutRetention;
use miyabi_core::project::{DeployConfig, Project};
use miyabi_core::run::value::Committed;
use miyabi_core::time::Timestamp;
use tokio_util::sync::CancellationToken;

/// What lies outside of the API's reach, as tests set it up.
#[derive(Default)]
pub(crate) struct Outside {
    /// Checkouts that are there.
    pub(crate) checkouts: Mutex<Vec<CheckoutId>>,
    /// What was done, in words.
    pub(crate) done: Mutex<Vec<String>>,
    /// Releases, newest first.
    pub(crate) releases: Mutex<Vec<Release>>,
    /// Whether the current release answers.
    pub(crate) is_sick: Mutex<bool>,
}

impl Outside {
    fn note(&self, what: String) {
        self.done.lock().unwrap().push(what);
    }

    pub(crate) fn take_done(&self) -> Vec<String> {
        std::mem::take(&mut self.done.lock().unwrap())
    }

    fn none<T>() -> Result<T, Failure> {
        Err(Failure::permanent(ErrorCode::Internal, "no use case asks for this"))
    }
}

#[async_trait]
impl Checkouts for Outside {
    async fn create(&self, _: &CheckoutId, _: &Project, _: &str) -> Result<(), Failure> {
        Self::none()
    }
    async fn exists(&self, id: &CheckoutId) -> bool {
        self.checkouts.lock().unwrap().contains(id)
    }
    async fn exec(&self, _: &CheckoutId, _: &Exec, _: &CancellationToken) -> Result<ExecOutcome, Failure> {
        Self::none()
    }
    async fn snapshot(&self, _: &CheckoutId) -> Result<Digest, Failure> {
        Self::none()
    }
    async fn restore(&self, id: &CheckoutId, snapshot: Digest) -> Result<(), Failure> {
        self.note(format!("restore {} {snapshot}", id.name));
        Ok(())
    }
    async fn commit(&self, _: &CheckoutId, _: &Project, _: &CommitRequest) -> Result<Committed, Failure> {
        Self::none()
    }
    async fn refresh(&self, _: &CheckoutId, _: &Project, _: &str) -> Result<Vec<String>, Failure> {
        Self::none()
    }
    async fn read(&self, _: &CheckoutId, _: &str, _: u64) -> Result<Option<FileContent>, Failure> {
        Self::none()
    }
    async fn write(&self, _: &CheckoutId, _: &str, _: &[u8]) -> Result<(), Failure> {
        Self::none()
    }
    async fn remove_file(&self, _: &CheckoutId, _: &str) -> Result<bool, Failure> {
        Self::none()
    }
    async fn list(&self, _: &CheckoutId, _: u32) -> Result<Vec<String>, Failure> {
        Self::none()
    }
    async fn export(&self, snapshot: Digest, folder: &Path) -> Result<(), Failure> {
        self.note(format!("export {snapshot} to {}", folder.file_name().unwrap().to_string_lossy()));
        Ok(())
    }
    async fn remove(&self, id: &CheckoutId) -> Result<(), Failure> {
        self.checkouts.lock().unwrap().retain(|other| other != id);
        self.note(format!("remove {}", id.name));
        Ok(())
    }
}

#[async_trait]
impl CheckoutRetention for Outside {
    async fn list_checkouts(&self) -> Result<Vec<CheckoutId>, Failure> {
        Ok(self.checkouts.lock().unwrap().clone())
    }

    /// Every digest that stands in the bytes as a word.
    fn references(&self, snapshot: &[u8]) -> Vec<Digest> {
        let text = String::from_utf8_lossy(snapshot);
        text.split(' ').filter_map(|word| word.parse().ok()).collect()
    }
}

#[async_trait]
impl DeployTarget for Outside {
    async fn stage(
        &self,
        _: &Project,
        _: &str,
        _: &str,
        _: &DeployConfig,
        _: &CheckoutId,
        _: Timestamp,
    ) -> Result<Release, Failure> {
        Self::none()
    }
    async fn current(&self, _: &Project) -> Result<Option<Release>, Failure> {
        Ok(self.releases.lock().unwrap().iter().find(|release| release.is_current).cloned())
    }
    async fn is_restorable(&self, _: &Project, name: &str) -> Result<bool, Failure> {
        Ok(!name.contains("damaged"))
    }
    async fn activate(&self, _: &Project, name: &str) -> Result<Option<String>, Failure> {
        for release in self.releases.lock().unwrap().iter_mut() {
            release.is_current = release.name == name;
        }
        self.note(format!("activate {name}"));
        Ok(Some("http://127.0.0.1:8485/".into()))
    }
    async fn deactivate(&self, _: &Project) -> Result<(), Failure> {
        Self::none()
    }
    async fn sample(&self, _: &Project) -> Result<Sample, Failure> {
        let is_healthy = !*self.is_sick.lock().unwrap();
        let detail = if is_healthy { "200".into() } else { "connection refused".into() };
        Ok(Sample { is_healthy, has_ended: false, detail })
    }
    async fn list(&self, _: &Project) -> Result<Vec<Release>, Failure> {
        Ok(self.releases.lock().unwrap().clone())
    }
    async fn prune(&self, _: &Project, keep: usize) -> Result<u32, Failure> {
        self.note(format!("prune to {keep}"));
        Ok(0)
    }
}
