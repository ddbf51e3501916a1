//! The port to a deployment target: where releases lie and answer.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::checkouts::CheckoutId;
use crate::error::Failure;
use crate::project::{DeployConfig, Project};
use crate::time::Timestamp;

/// A release at a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its name, unique for the project: made of the run and the commit, never of text from outside.
    pub name: String,
    /// The commit it was built from.
    pub commit: String,
    /// How it runs and how its health is seen, as its commit says.
    pub config: DeployConfig,
    /// The digest over all its files.
    pub digest: crate::digest::Digest,
    /// When it was built.
    pub created_at: Timestamp,
    /// Whether it is the current one.
    pub is_current: bool,
    /// Where it answers, if it is the current one and answers anywhere.
    pub url: Option<String>,
}

/// One look at a release's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Whether it is healthy.
    pub is_healthy: bool,
    /// Whether what should answer has ended: it does not come back by itself, so looking again is of no use.
    pub has_ended: bool,
    /// What was seen: a status, an error.
    pub detail: String,
}

/// A deployment target. All methods may be repeated after a crash.
#[async_trait]
pub trait DeployTarget: Send + Sync {
    /// Makes a release of a folder of a checkout. A release of this name that is complete is left as it is.
    async fn stage(
        &self,
        project: &Project,
        name: &str,
        commit: &str,
        config: &DeployConfig,
        from: &CheckoutId,
        at: Timestamp,
    ) -> Result<Release, Failure>;

    /// The release that is current.
    async fn current(&self, project: &Project) -> Result<Option<Release>, Failure>;

    /// Whether a release is complete and unchanged, so that it can be brought back.
    async fn is_restorable(&self, project: &Project, name: &str) -> Result<bool, Failure>;

    /// Makes a release the current one, in one step, and starts what answers for it; returns where.
    async fn activate(&self, project: &Project, name: &str) -> Result<Option<String>, Failure>;

    /// Takes the current release away, when there was none before it.
    async fn deactivate(&self, project: &Project) -> Result<(), Failure>;

    /// Looks at the current release's health once.
    async fn sample(&self, project: &Project) -> Result<Sample, Failure>;

    /// All releases, newest first.
    async fn list(&self, project: &Project) -> Result<Vec<Release>, Failure>;

    /// Removes old releases but the newest `keep`; never the current one or the one before it.
    async fn prune(&self, project: &Project, keep: usize) -> Result<u32, Failure>;
}
