//! Releases at the deployment target.

use miyabi_core::digest::Digest;
use miyabi_core::port::deploy_target;
use miyabi_core::usecase::deployment;
use serde::{Deserialize, Serialize};

use super::Time;

/// A built version of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// The commit it was built from.
    pub commit: String,
    /// The digest over all its files.
    pub digest: Digest,
    /// Whether it is the current one.
    pub is_current: bool,
    /// Where it answers, if it is current and answers anywhere.
    pub url: Option<String>,
    /// When it was built.
    pub created_at: Time,
}

impl From<deploy_target::Release> for Release {
    fn from(release: deploy_target::Release) -> Self {
        Self {
            name: release.name,
            commit: release.commit,
            digest: release.digest,
            is_current: release.is_current,
            url: release.url,
            created_at: release.created_at.into(),
        }
    }
}

/// Brings an earlier release back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RollbackRequest {
    /// The release; without it, the newest before the current one.
    pub to: Option<String>,
}

/// A release that was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// The release, current now.
    pub release: Release,
    /// The one that was current before.
    pub previous: Option<String>,
    /// What the last look at its health said.
    pub health: String,
}

impl From<deployment::RolledBack> for Rollback {
    fn from(done: deployment::RolledBack) -> Self {
        Self { release: done.release.into(), previous: done.previous, health: done.health.detail }
    }
}
