//! Projects' repositories: one bare repository per project in the data folder, written by the host alone.
//!
//! A user's own repository is read as data: its objects are borrowed by a passing repository with settings of ours, so
//! none of its settings or hooks takes part. What tasks make comes in through [`import`] only. There is deliberately
//! no checkout here but the user's own, which is written when asked for and never else.

mod apply;
mod branch;
mod bundle;
mod diff;
mod import;
mod limits;
mod merge;
mod open;
mod read;
mod source;
mod user;
mod writer;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::id::ProjectId;
use miyabi_core::port::repositories::{Change, Head, Replant, Repositories};
use miyabi_core::project::Project;
use miyabi_core::run::value::Candidate;
use miyabi_core::time::Timestamp;

pub(crate) use self::diff::files as changed_files;
pub(crate) use self::import::{BUNDLE_BRANCH, Import, refuse};
pub use self::limits::Limits;
pub(crate) use self::merge::NewCommit;
pub(crate) use self::read::{is_ancestor, listing, tree as tree_of};
pub use self::user::UserCheckout;
use self::writer::Door;
use crate::git::{Bare, BranchName, CommitHash, Git};

/// What the names of all branches begin with that belong to runs and may be moved anywhere.
const RUN_BRANCHES: &str = "miyabi/";

/// Projects' repositories on this machine.
#[derive(Debug)]
pub struct GitRepositories {
    git: Git,
    projects: PathBuf,
    limits: Limits,
    doors: Mutex<HashMap<ProjectId, Arc<Door>>>,
}

impl GitRepositories {
    /// Repositories below `projects` in the data folder.
    pub fn new(git: Git, data_folder: &Path, limits: Limits) -> Self {
        Self { git, projects: data_folder.join("projects"), limits, doors: Mutex::default() }
    }

    /// Where a project's bare repository is.
    pub fn path(&self, project: ProjectId) -> PathBuf {
        below(&self.projects, project)
    }

    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    pub(crate) fn bare(&self, project: ProjectId) -> Bare {
        Bare::new(self.git.clone(), self.path(project))
    }
}

/// Where a project's bare repository is in a data folder, for people who want to pull from it.
pub fn path_in(data_folder: &Path, project: ProjectId) -> PathBuf {
    below(&data_folder.join("projects"), project)
}

fn below(projects: &Path, project: ProjectId) -> PathBuf {
    projects.join(project.to_string()).join("repo.git")
}

fn branch_name(text: &str) -> Result<BranchName, Failure> {
    text.parse().map_err(|error| refused_name(&error))
}

pub(crate) fn commit_hash(text: &str) -> Result<CommitHash, Failure> {
    text.parse().map_err(|error| refused_name(&error))
}

fn refused_name(error: &crate::git::NameError) -> Failure {
    Failure::permanent(ErrorCode::RevisionInvalid, error.to_string())
}

#[async_trait]
impl Repositories for GitRepositories {
    async fn open(&self, project: &Project, branch: &str) -> Result<Head, Failure> {
        self.bring_in(project, &branch_name(branch)?).await
    }

    async fn head(&self, project: &Project, branch: &str) -> Result<Option<Head>, Failure> {
        read::head(&self.bare(project.id), &branch_name(branch)?).await
    }

    async fn is_ancestor(&self, project: &Project, ancestor: &str, of: &str) -> Result<bool, Failure> {
        is_ancestor(&self.bare(project.id), &commit_hash(ancestor)?, &commit_hash(of)?).await
    }

    async fn merge_base(&self, project: &Project, one: &str, other: &str) -> Result<Option<String>, Failure> {
        read::merge_base(&self.bare(project.id), &commit_hash(one)?, &commit_hash(other)?).await
    }

    async fn tree(&self, project: &Project, commit: &str) -> Result<String, Failure> {
        tree_of(&self.bare(project.id), &commit_hash(commit)?).await
    }

    async fn read_file(
        &self,
        project: &Project,
        commit: &str,
        path: &str,
        max_bytes: u64,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let path = path.parse().map_err(|error: crate::git::NameError| {
            Failure::permanent(ErrorCode::RequestInvalid, error.to_string())
        })?;
        read::file(&self.bare(project.id), &commit_hash(commit)?, &path, max_bytes).await
    }

    async fn list_files(&self, project: &Project, commit: &str, limit: u32) -> Result<Vec<String>, Failure> {
        read::list(&self.bare(project.id), &commit_hash(commit)?, limit).await
    }

    async fn diff(&self, project: &Project, from: &str, to: &str, max_bytes: u64) -> Result<Change, Failure> {
        diff::between(&self.bare(project.id), &commit_hash(from)?, &commit_hash(to)?, max_bytes).await
    }

    async fn replant(&self, project: &Project, replant: &Replant<'_>) -> Result<Candidate, Failure> {
        self.put_on_top(project, replant).await
    }

    async fn revert(
        &self,
        project: &Project,
        commit: &str,
        onto: &str,
        message: &str,
        at: Timestamp,
    ) -> Result<Candidate, Failure> {
        self.take_back(project, &commit_hash(commit)?, &commit_hash(onto)?, message, at).await
    }

    async fn move_branch(
        &self,
        project: &Project,
        branch: &str,
        commit: &str,
        expected: Option<&str>,
    ) -> Result<bool, Failure> {
        let expected = expected.map(commit_hash).transpose()?;
        self.point(project, &branch_name(branch)?, &commit_hash(commit)?, expected.as_ref()).await
    }

    async fn apply_to_checkout(
        &self,
        project: &Project,
        branch: &str,
        commit: &str,
    ) -> Result<Option<String>, Failure> {
        self.fast_forward_user(project, &branch_name(branch)?, &commit_hash(commit)?).await
    }

    async fn apply_patch_to_checkout(
        &self,
        project: &Project,
        from: &str,
        to: &str,
    ) -> Result<Option<String>, Failure> {
        self.patch_user(project, &commit_hash(from)?, &commit_hash(to)?).await
    }
}
