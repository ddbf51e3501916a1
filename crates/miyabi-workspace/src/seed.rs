//! Makes a new repository of given files: for the demo, and for people who want to begin with one.

use std::io;
use std::path::{Path, PathBuf};

use miyabi_core::time::Timestamp;

use crate::git::{self, Git};

/// Why a repository could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Git failed.
    #[error(transparent)]
    Git(#[from] git::Error),
}

/// Makes a repository with one commit of these files (relative path, content) on a branch, in a folder that is new or
/// empty. The same files and time make the same commit.
///
/// # Errors
/// See [`Error`].
pub async fn repository(
    git: &Git,
    folder: &Path,
    branch: &str,
    files: &[(&str, &str)],
    at: Timestamp,
) -> Result<(), Error> {
    for (name, content) in files {
        let path = folder.join(name);
        let write = |source| Error::Write { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            tokio::fs::create_dir_all(parent).await.map_err(write)?;
        }
        tokio::fs::write(&path, content).await.map_err(write)?;
    }
    let date = format!("@{} +0000", at.as_millis() / 1000);
    let identity = [
        ("GIT_AUTHOR_NAME", "Miyabi".to_owned()),
        ("GIT_AUTHOR_EMAIL", "miyabi@localhost".to_owned()),
        ("GIT_COMMITTER_NAME", "Miyabi".to_owned()),
        ("GIT_COMMITTER_EMAIL", "miyabi@localhost".to_owned()),
        ("GIT_AUTHOR_DATE", date.clone()),
        ("GIT_COMMITTER_DATE", date),
    ];
    git.command(["init", "--quiet", "--initial-branch", branch]).folder(folder).run().await?;
    git.command(["add", "--all"]).folder(folder).run().await?;
    git.command(["commit", "--quiet", "--message", "Begin"]).folder(folder).envs(identity).run().await?;
    Ok(())
}
