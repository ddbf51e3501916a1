//! Commits that are made without a checkout: a change put on top of another commit, or taken back.
//!
//! Author, committer and time are given, so the same input makes the same commit however often it is asked for.

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::repositories::Replant;
use miyabi_core::project::Project;
use miyabi_core::run::value::Candidate;
use miyabi_core::time::Timestamp;

use super::writer::Writer;
use super::{GitRepositories, commit_hash, read};
use crate::git::{self, Command, CommitHash, Format, Scratch, settings};

/// The longest commit message, in bytes: it travels as one argument.
const LONGEST_MESSAGE: usize = 64 * 1024;
/// What conflict marks call the side that is merged into, and the side that comes in.
const LABELS: [&str; 2] = ["branch", "task"];

/// A merge of two commits' files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Merged {
    /// The files, with conflict marks where the two contradict each other.
    pub(crate) tree: String,
    /// Files with conflict marks or of which only one side could be taken, sorted.
    pub(crate) conflicts: Vec<String>,
}

/// A commit in the making.
pub(crate) struct NewCommit<'a> {
    pub(crate) tree: &'a str,
    pub(crate) parent: &'a CommitHash,
    pub(crate) message: &'a str,
    pub(crate) at: Timestamp,
}

impl GitRepositories {
    pub(super) async fn put_on_top(
        &self,
        project: &Project,
        replant: &Replant<'_>,
    ) -> Result<Candidate, Failure> {
        let (commit, base) = (commit_hash(replant.commit)?, commit_hash(replant.base)?);
        let onto = commit_hash(replant.onto)?;
        let writer = self.writer(project.id).await?;
        let merged = writer.merge(&base, &onto, &commit).await?;
        let candidate = if merged.conflicts.is_empty() {
            let made =
                NewCommit { tree: &merged.tree, parent: &onto, message: replant.message, at: replant.at };
            Candidate::Clean {
                commit: writer.commit(&made).await?.to_string(),
                onto: onto.to_string(),
                same_tree: read::tree(writer.bare(), &commit).await? == merged.tree,
            }
        } else {
            Candidate::Conflict { onto: onto.to_string(), files: merged.conflicts }
        };
        writer.done();
        Ok(candidate)
    }

    pub(super) async fn take_back(
        &self,
        project: &Project,
        commit: &CommitHash,
        onto: &CommitHash,
        message: &str,
        at: Timestamp,
    ) -> Result<Candidate, Failure> {
        let bare = self.bare(project.id);
        let parent =
            read::find_commit(&bare, &format!("{commit}^1")).await.map_err(git::Error::into_failure)?;
        let Some(parent) = parent else {
            let message = format!("commit `{commit}` is not there or has no parent: it can't be taken back");
            return Err(Failure::permanent(ErrorCode::RevisionInvalid, message));
        };
        let backwards =
            Replant { commit: parent.as_str(), base: commit.as_str(), onto: onto.as_str(), message, at };
        self.put_on_top(project, &backwards).await
    }
}

impl Writer {
    /// Merges what `theirs` changed since `base` into `ours`. Neither has to stand on `base`.
    pub(crate) async fn merge(
        &self,
        base: &CommitHash,
        ours: &CommitHash,
        theirs: &CommitHash,
    ) -> Result<Merged, Failure> {
        let trees = [read::tree(self.bare(), ours).await?, read::tree(self.bare(), theirs).await?];
        // The base's own tree is not needed, but a base that is missing should be named as what it is.
        read::tree(self.bare(), base).await?;
        self.merge_trees(base, &trees).await.map_err(git::Error::into_failure)
    }

    /// Merges two trees whose common state is that of `base`. Conflict marks call the first `branch`, the second `task`.
    pub(crate) async fn merge_trees(
        &self,
        base: &CommitHash,
        trees: &[String; 2],
    ) -> Result<Merged, git::Error> {
        let scratch = {
            let (git, folder) = (self.bare().git().clone(), self.folder().to_path_buf());
            let format = Format::of(base);
            crate::blocking(move || Scratch::make(&git, &folder, format, &[])).await?
        };
        // With one parent each the two sides have `base` as their only merge base, which git then finds by itself:
        // the option that names a base came only with version 2.40.
        for (tree, label) in trees.iter().zip(LABELS) {
            let side = NewCommit { tree, parent: base, message: label, at: Timestamp::from_millis(0) };
            let side = self.write_commit(&side).await?;
            scratch.set_branch(label, side.as_str())?;
        }
        let command =
            self.bare().git().command(["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"]);
        let command = command
            .git_dir(scratch.bare().path())
            .env("GIT_OBJECT_DIRECTORY", self.bare().objects())
            .args(LABELS)
            .accepts(1);
        let output = self.lend(command)?.run().await?;
        parse(&output.bytes).ok_or(git::Error::Unreadable { command: "merge-tree".into() })
    }

    /// Makes a commit and protects it.
    pub(crate) async fn commit(&self, new: &NewCommit<'_>) -> Result<CommitHash, Failure> {
        if new.message.len() > LONGEST_MESSAGE || new.message.contains('\0') {
            let message = format!("a commit message must be text of at most {LONGEST_MESSAGE} bytes");
            return Err(Failure::permanent(ErrorCode::RequestInvalid, message));
        }
        let made = async {
            let made = self.write_commit(new).await?;
            self.keep(made.as_str()).await?;
            Ok(made)
        };
        made.await.map_err(git::Error::into_failure)
    }

    async fn write_commit(&self, new: &NewCommit<'_>) -> Result<CommitHash, git::Error> {
        let command: Command =
            self.command(["commit-tree", "-p", new.parent.as_str(), "-m", new.message, new.tree])?;
        let output = command.envs(settings::dates(new.at)).run().await?;
        Ok(output.text().parse()?)
    }
}

/// Reads `<tree>\0[<path>\0…]`.
fn parse(output: &[u8]) -> Option<Merged> {
    let mut parts = output.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    let tree = String::from_utf8(parts.next()?.to_vec()).ok()?;
    let mut conflicts: Vec<String> = parts.map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    conflicts.sort_unstable();
    conflicts.dedup();
    Some(Merged { tree, conflicts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_merges_are_read() {
        let clean = parse(b"abc\0").unwrap();
        assert_eq!((clean.tree.as_str(), clean.conflicts.len()), ("abc", 0));
        let contradiction = parse(b"abc\0src/b\0src/a\0src/b\0").unwrap();
        assert_eq!(contradiction.conflicts, ["src/a", "src/b"]);
        assert_eq!(parse(b""), None);
    }
}
