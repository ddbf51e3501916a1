//! Bringing a user's branch in.

use std::time::Duration;

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::repositories::Head;
use miyabi_core::project::Project;

use super::source::Source;
use super::writer::Writer;
use super::{GitRepositories, limits, read};
use crate::git::{self, BranchName, CommitHash, Protocols, Scratch};

/// How long the first fetch of a large repository may take.
const FETCH_DEADLINE: Duration = Duration::from_secs(900);

/// Flaws of old histories that do no harm: written by tools of their time, kept by everybody since.
const HARMLESS_FLAWS: [&str; 12] = [
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badName",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingTaggerEntry",
    "multipleAuthors",
    "zeroPaddedFilemode",
];

impl GitRepositories {
    /// Brings the user's branch in: theirs if they are ahead, ours if they are behind.
    pub(super) async fn bring_in(&self, project: &Project, branch: &BranchName) -> Result<Head, Failure> {
        let source = Source::find(self.git(), project).await?;
        let theirs = source.tip(branch).await?;
        let writer = self.first_writer(project.id, source.format).await?;
        let ours =
            read::find_commit(writer.bare(), &branch.full()).await.map_err(git::Error::into_failure)?;
        let is_behind = match &ours {
            Some(ours) => contains(&writer, ours, &theirs).await?,
            None => false,
        };
        if !is_behind {
            self.fetch(&writer, project, &source, branch, &theirs, ours.as_ref()).await?;
            self.advance(&writer, project, branch, &theirs, ours.as_ref()).await?;
        }
        writer.done();
        let head = read::head(&self.bare(project.id), branch).await?;
        head.ok_or_else(|| Failure::permanent(ErrorCode::Internal, format!("branch `{branch}` vanished")))
    }

    /// Copies what is missing of the user's branch, through a passing repository that only borrows its objects.
    async fn fetch(
        &self,
        writer: &Writer,
        project: &Project,
        source: &Source,
        branch: &BranchName,
        theirs: &CommitHash,
        ours: Option<&CommitHash>,
    ) -> Result<(), Failure> {
        let view = {
            let (git, folder, format) = (self.git().clone(), writer.folder().to_path_buf(), source.format);
            let (borrowed, own, tip) = (source.objects(), writer.bare().objects(), theirs.to_string());
            crate::blocking(move || {
                let view = Scratch::make(&git, &folder, format, &[&borrowed, &own])?;
                view.set_branch("tip", &tip)?;
                Ok::<_, git::Error>(view)
            })
            .await
            .map_err(git::Error::into_failure)?
        };
        limits::check(view.bare(), project, theirs, ours, &self.limits).await?;
        let fetch =
            writer.command(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc"]);
        let mut fetch = fetch.map_err(git::Error::into_failure)?;
        for flaw in HARMLESS_FLAWS {
            fetch = fetch.config(&format!("fetch.fsck.{flaw}"), "ignore");
        }
        let fetched = fetch
            .protocols(Protocols::File)
            .deadline(FETCH_DEADLINE)
            .arg("--")
            .arg(view.bare().path())
            .arg(format!("+refs/heads/tip:refs/miyabi/user/{branch}"))
            .run()
            .await;
        fetched.map(drop).map_err(|error| match error {
            git::Error::Failed { reason, .. } => {
                let message = format!(
                    "branch `{branch}` of project `{}` can't be copied: {reason}; `git fsck` in its folder may tell more",
                    project.name
                );
                Failure::needs_person(ErrorCode::GitFailed, message)
            }
            other => other.into_failure(),
        })
    }

    /// Moves our branch to theirs, if ours is part of theirs.
    async fn advance(
        &self,
        writer: &Writer,
        project: &Project,
        branch: &BranchName,
        theirs: &CommitHash,
        ours: Option<&CommitHash>,
    ) -> Result<(), Failure> {
        let none = "0".repeat(theirs.as_str().len());
        let old = match ours {
            None => none.as_str(),
            Some(ours) if read::is_ancestor(writer.bare(), ours, theirs).await? => ours.as_str(),
            Some(_) => {
                let message = format!(
                    "branch `{branch}` of project `{}` went on both here and in your checkout; run `git pull miyabi {branch}` there",
                    project.name
                );
                return Err(Failure::needs_person(ErrorCode::BranchDiverged, message));
            }
        };
        let update = writer
            .command(["update-ref", &branch.full(), theirs.as_str(), old])
            .map_err(git::Error::into_failure)?;
        update.run().await.map(drop).map_err(git::Error::into_failure)
    }
}

/// Whether our branch has their commit in its history. A commit that we do not have is not in it.
async fn contains(writer: &Writer, ours: &CommitHash, theirs: &CommitHash) -> Result<bool, Failure> {
    let revision = format!("{theirs}^{{commit}}");
    let known = writer.bare().command(["cat-file", "-e", &revision]).accepts(1).accepts(128);
    let known = known.run().await.map_err(git::Error::into_failure)?;
    if known.exit_code != 0 {
        return Ok(false);
    }
    read::is_ancestor(writer.bare(), theirs, ours).await
}
