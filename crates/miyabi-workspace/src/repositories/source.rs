//! A user's own repository, looked at without letting it do anything.
//!
//! Git runs here as the repository's owner, even if we are root. Nothing that its settings name is started: hooks,
//! monitors, helpers and protocols are off, and missing objects are not fetched.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::project::Project;

use crate::git::{self, BranchName, Command, CommitHash, Format, Git};

/// A user's repository with its checkout.
#[derive(Debug)]
pub(super) struct Source {
    git: Git,
    project: String,
    /// The checkout's root.
    pub(super) top: PathBuf,
    git_dir: PathBuf,
    common: PathBuf,
    /// How it names objects.
    pub(super) format: Format,
    /// Whom git runs as, if it is not ourselves.
    pub(super) owner: Option<(u32, u32)>,
}

impl Source {
    /// Finds the repository at the project's path.
    pub(super) async fn find(git: &Git, project: &Project) -> Result<Self, Failure> {
        Self::find_at(git, &project.name, PathBuf::from(&project.path)).await
    }

    /// Finds the repository at a path; the name is for messages.
    pub(super) async fn find_at(git: &Git, name: &str, given: PathBuf) -> Result<Self, Failure> {
        let refuse = |reason: &str| {
            let message = format!("the folder of project `{name}` {reason}");
            Failure::needs_person(ErrorCode::NotARepository, message)
        };
        let top = crate::blocking(move || given.canonicalize()).await;
        let top = top.map_err(|error| refuse(&format!("can't be entered: {error}")))?;
        let owner = owner_of(&top).map_err(|error| refuse(&format!("can't be read: {error}")))?;
        let command = git.command(["rev-parse", "--path-format=absolute"]);
        let command = command.args([
            "--show-toplevel",
            "--git-dir",
            "--git-common-dir",
            "--show-object-format",
            "--is-shallow-repository",
        ]);
        let above = top.parent().unwrap_or(Path::new("/"));
        let answer = command
            // Whose repository it is was decided by the operator who connected it.
            .config("safe.directory", "*")
            .env("GIT_CEILING_DIRECTORIES", above)
            .folder(&top)
            .owner(owner)
            .run()
            .await;
        let answer = match answer {
            Err(git::Error::Failed { reason, .. }) => {
                return Err(refuse(&format!("is not the root of a git checkout: {reason}")));
            }
            answer => answer.map_err(git::Error::into_failure)?,
        };
        let text = answer.text();
        let lines: Vec<&str> = text.lines().collect();
        let &[shown_top, git_dir, common, format, is_shallow] = lines.as_slice() else {
            return Err(refuse("has a path that git can't show on one line"));
        };
        if Path::new(shown_top) != top {
            return Err(refuse("is not the root of its git checkout"));
        }
        if is_shallow == "true" {
            return Err(refuse("is a shallow clone; run `git fetch --unshallow` in it first"));
        }
        let format =
            Format::parse(format).ok_or_else(|| refuse("names its objects in a way we do not know"))?;
        Ok(Self {
            git: git.clone(),
            project: name.to_owned(),
            top,
            git_dir: git_dir.into(),
            common: common.into(),
            format,
            owner,
        })
    }

    /// Where its objects are.
    pub(super) fn objects(&self) -> PathBuf {
        self.common.join("objects")
    }

    /// A command in this repository and its checkout, whatever its settings say about where that is.
    pub(super) fn command<A: Into<std::ffi::OsString>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        self.git.command(args).git_dir(&self.git_dir).work_tree(&self.top).owner(self.owner)
    }

    /// The branch's newest commit.
    pub(super) async fn tip(&self, branch: &BranchName) -> Result<CommitHash, Failure> {
        if let Some(tip) = self.find_commit(&branch.full()).await? {
            return Ok(tip);
        }
        let any = self.command(["for-each-ref", "--count=1", "refs/heads/"]);
        let any = any.run().await.map_err(git::Error::into_failure)?;
        let message = if any.bytes.is_empty() {
            format!("the repository of project `{}` has no commit yet", self.project)
        } else {
            format!("the repository of project `{}` has no branch `{branch}`", self.project)
        };
        Err(Failure::needs_person(ErrorCode::RevisionInvalid, message))
    }

    /// The commit that a full ref name or a hash stands for.
    pub(super) async fn find_commit(&self, name: &str) -> Result<Option<CommitHash>, Failure> {
        let revision = format!("{name}^{{commit}}");
        let command = self.command(["rev-parse", "--verify", "--quiet", "--end-of-options", &revision]);
        let output = command.accepts(1).run().await.map_err(git::Error::into_failure)?;
        if output.exit_code == 1 {
            return Ok(None);
        }
        let hash = output.text().parse().map_err(|error| git::Error::Name(error).into_failure())?;
        Ok(Some(hash))
    }

    /// The full name of the branch that is checked out.
    pub(super) async fn current_branch(&self) -> Result<Option<String>, Failure> {
        let command = self.command(["symbolic-ref", "--quiet", "HEAD"]).accepts(1);
        let output = command.run().await.map_err(git::Error::into_failure)?;
        Ok((output.exit_code == 0).then(|| output.text()))
    }
}

/// Who must run git here: nobody else than we, unless we are root and the folder is somebody's.
fn owner_of(folder: &Path) -> std::io::Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let about = folder.metadata()?;
    Ok((about.uid() != 0).then(|| (about.uid(), about.gid())))
}
