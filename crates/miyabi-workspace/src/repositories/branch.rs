//! Moving branches of a bare repository.

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::project::Project;

use super::{GitRepositories, RUN_BRANCHES, read};
use crate::git::{self, BranchName, CommitHash};

impl GitRepositories {
    /// Moves a branch that stands where it is expected. One that stands at its goal already counts as moved: an
    /// earlier try did it.
    pub(super) async fn point(
        &self,
        project: &Project,
        branch: &BranchName,
        commit: &CommitHash,
        expected: Option<&CommitHash>,
    ) -> Result<bool, Failure> {
        if !self.bare(project.id).exists() {
            let message = format!("project `{}` has no repository yet", project.name);
            return Err(Failure::permanent(ErrorCode::NotFound, message));
        }
        let writer = self.writer(project.id).await?;
        // Says clearly what is wrong if the commit is not there.
        read::tree(writer.bare(), commit).await?;
        let name = branch.full();
        let current = read::find_commit(writer.bare(), &name).await.map_err(git::Error::into_failure)?;
        if current.as_ref() == Some(commit) {
            writer.done();
            return Ok(true);
        }
        let goes_anywhere = expected.is_none() && branch.as_str().starts_with(RUN_BRANCHES);
        if !goes_anywhere && current.as_ref() != expected {
            writer.done();
            return Ok(false);
        }
        let none = "0".repeat(commit.as_str().len());
        let old = current.as_ref().map_or(none.as_str(), CommitHash::as_str);
        let update =
            writer.command(["update-ref", &name, commit.as_str(), old]).map_err(git::Error::into_failure)?;
        update.run().await.map_err(git::Error::into_failure)?;
        writer.done();
        Ok(true)
    }
}
