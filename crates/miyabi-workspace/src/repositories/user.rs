//! A user's own checkout before it is a project: what set-up and check-up want to know of it, and the remote by which
//! its user gets our branches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use miyabi_core::error::Failure;

use super::apply::{Drivers, uncommitted};
use super::source::Source;
use crate::git::{self, Git};

/// How many tracked files are listed at most; enough to know a project's kind by.
const MOST_FILES: usize = 50_000;

/// What a user's own checkout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCheckout {
    /// Its root.
    pub root: PathBuf,
    /// The branch that is checked out; `None` when a commit is.
    pub branch: Option<String>,
    /// Whether that branch has a commit.
    pub has_commits: bool,
    /// Which tracked files have changes, in words; `None` when there are none.
    pub changes: Option<String>,
    /// Addresses of its remotes, by name.
    pub remotes: BTreeMap<String, String>,
    /// Tracked files, sorted by path.
    pub files: Vec<String>,
}

impl UserCheckout {
    /// Looks at the checkout whose root is this folder. Starts nothing that its settings name.
    ///
    /// # Errors
    /// `NOT_A_REPOSITORY` when the folder is no root of a checkout; `GIT_FAILED`.
    pub async fn look(git: &Git, root: &Path) -> Result<Self, Failure> {
        let source = find(git, root).await?;
        let branch = source.current_branch().await?;
        let has_commits = source.find_commit("HEAD").await?.is_some();
        let drivers = Drivers::of(&source).await?;
        Ok(Self {
            changes: uncommitted(&source, &drivers).await?,
            remotes: remotes(&source).await?,
            files: files(&source).await?,
            branch: branch.map(|name| name.trim_start_matches("refs/heads/").to_owned()),
            has_commits,
            root: source.top,
        })
    }

    /// Adds a remote, or gives it another address.
    ///
    /// # Errors
    /// As [`UserCheckout::look`].
    pub async fn set_remote(git: &Git, root: &Path, name: &str, address: &Path) -> Result<(), Failure> {
        let source = find(git, root).await?;
        let is_known = remotes(&source).await?.contains_key(name);
        let verb = if is_known { "set-url" } else { "add" };
        let command = source.command(["remote", verb, "--", name]).arg(address);
        command.run().await.map_err(git::Error::into_failure)?;
        Ok(())
    }
}

async fn find(git: &Git, root: &Path) -> Result<Source, Failure> {
    let name = root.file_name().map_or_else(|| "/".into(), |name| name.to_string_lossy().into_owned());
    Source::find_at(git, &name, root.to_path_buf()).await
}

async fn remotes(source: &Source) -> Result<BTreeMap<String, String>, Failure> {
    let command = source.command(["config", "--local", "-z", "--get-regexp", r"^remote\..*\.url$"]);
    let output = command.accepts(1).run().await.map_err(git::Error::into_failure)?;
    let text = String::from_utf8_lossy(&output.bytes).into_owned();
    let entries = text.split('\0').filter_map(|entry| entry.split_once('\n'));
    let remotes = entries.filter_map(|(key, address)| {
        let name = key.strip_prefix("remote.")?.strip_suffix(".url")?;
        Some((name.to_owned(), address.to_owned()))
    });
    Ok(remotes.collect())
}

async fn files(source: &Source) -> Result<Vec<String>, Failure> {
    let output = source.command(["ls-files", "-z"]).run().await.map_err(git::Error::into_failure)?;
    let text = String::from_utf8_lossy(&output.bytes).into_owned();
    let paths = text.split('\0').filter(|path| !path.is_empty()).take(MOST_FILES);
    Ok(paths.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use miyabi_testkit::git::Repository;

    use super::*;

    async fn git() -> Git {
        Git::open("/usr/bin/git").await.expect("git")
    }

    #[tokio::test]
    async fn a_checkout_tells_what_it_is() {
        let repository = Repository::with_files(&[("a.txt", "a\n"), ("src/b.txt", "b\n")]);
        let git = git().await;
        let seen = UserCheckout::look(&git, repository.path()).await.expect("a checkout");
        assert_eq!(seen.branch.as_deref(), Some("main"));
        assert_eq!(seen.files, ["a.txt", "src/b.txt"]);
        assert!(seen.has_commits && seen.changes.is_none() && seen.remotes.is_empty());

        repository.write("a.txt", "changed\n");
        repository.git(&["checkout", "--quiet", "--detach"]);
        let seen = UserCheckout::look(&git, repository.path()).await.expect("a checkout");
        assert_eq!(seen.branch, None);
        assert!(seen.changes.expect("changes").contains("`a.txt`"));
    }

    #[tokio::test]
    async fn a_remote_is_added_once_and_then_changed() {
        let repository = Repository::with_files(&[("a.txt", "a\n")]);
        let git = git().await;
        for address in ["/srv/one.git", "/srv/two.git"] {
            UserCheckout::set_remote(&git, repository.path(), "miyabi", Path::new(address))
                .await
                .expect("a remote");
            let seen = UserCheckout::look(&git, repository.path()).await.expect("a checkout");
            assert_eq!(seen.remotes.get("miyabi").map(String::as_str), Some(address));
        }
        assert_eq!(repository.git(&["remote"]), "miyabi");
    }

    #[tokio::test]
    async fn a_folder_below_the_root_and_one_without_git_are_refused() {
        let repository = Repository::with_files(&[("src/b.txt", "b\n")]);
        let git = git().await;
        assert!(UserCheckout::look(&git, &repository.path().join("src")).await.is_err());
        let empty = tempfile::tempdir().expect("a folder");
        let failure = UserCheckout::look(&git, empty.path()).await.expect_err("no repository");
        assert_eq!(failure.code, miyabi_core::error::ErrorCode::NotARepository);
    }
}
