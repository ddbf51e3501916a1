//! Connected repositories.

use miyabi_core::id::ProjectId;
use miyabi_core::project;
use serde::{Deserialize, Serialize};

use super::Time;

/// A connected repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its short name.
    pub name: String,
    /// The user's own checkout.
    pub path: String,
    /// The branch that runs start from and merge into.
    pub branch: String,
    /// When it was connected.
    pub created_at: Time,
}

impl From<project::Project> for Project {
    fn from(project: project::Project) -> Self {
        let project::Project { id, tenant: _, name, path, branch, created_at } = project;
        Self { id, name, path, branch, created_at: created_at.into() }
    }
}

/// Connects a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectProject {
    /// The absolute path of the user's own checkout.
    pub path: String,
    /// The branch that runs start from and merge into.
    pub branch: String,
    /// A short name; made of the folder's name if not given.
    #[serde(default)]
    pub name: Option<String>,
}
