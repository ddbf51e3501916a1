//! Reading a bare repository: heads, trees, files.

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::repositories::Head;

use crate::git::{self, Bare, BranchName, CommitHash, RepoPath};

/// How much of git's listing of a tree is read.
const LISTING_BYTES: usize = 128 * 1024 * 1024;

/// One line of `ls-tree`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Such as `100644`.
    pub(super) mode: &'a str,
    /// The object's name.
    pub(super) object: &'a str,
    /// Its size, if asked for and it is a file.
    pub(super) size: Option<u64>,
    /// The path, which is not always text.
    pub(super) path: &'a [u8],
}

/// Reads `<mode> <type> <object>[ <size>]\t<path>\0…`. What is not of this form is left out.
pub(super) fn entries(listing: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    listing.split(|byte| *byte == 0).filter_map(|line| {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let mut words = std::str::from_utf8(&line[..tab]).ok()?.split_ascii_whitespace();
        let (mode, _kind, object) = (words.next()?, words.next()?, words.next()?);
        Some(Entry {
            mode,
            object,
            size: words.next().and_then(|size| size.parse().ok()),
            path: &line[tab + 1..],
        })
    })
}

/// A branch's commit and tree.
pub(super) async fn head(bare: &Bare, branch: &BranchName) -> Result<Option<Head>, Failure> {
    if !bare.exists() {
        return Ok(None);
    }
    let Some(commit) = find_commit(bare, &branch.full()).await.map_err(git::Error::into_failure)? else {
        return Ok(None);
    };
    let tree = tree(bare, &commit).await?;
    Ok(Some(Head { commit: commit.to_string(), tree }))
}

/// The commit that a full ref name stands for.
pub(super) async fn find_commit(bare: &Bare, full_name: &str) -> Result<Option<CommitHash>, git::Error> {
    let revision = format!("{full_name}^{{commit}}");
    let command = bare.command(["rev-parse", "--verify", "--quiet", "--end-of-options", &revision]);
    let output = command.accepts(1).run().await?;
    if output.exit_code == 1 {
        return Ok(None);
    }
    Ok(Some(output.text().parse()?))
}

pub(crate) async fn tree(bare: &Bare, commit: &CommitHash) -> Result<String, Failure> {
    let revision = format!("{commit}^{{tree}}");
    let command = bare.command(["rev-parse", "--verify", "--quiet", "--end-of-options", &revision]);
    match command.run().await {
        Ok(output) => Ok(output.text()),
        Err(error) => Err(missing(error, commit)),
    }
}

/// Whether one commit is part of the other's history.
pub(crate) async fn is_ancestor(
    bare: &Bare,
    ancestor: &CommitHash,
    of: &CommitHash,
) -> Result<bool, Failure> {
    let command = bare.command(["merge-base", "--is-ancestor", ancestor.as_str(), of.as_str()]);
    let output = command.accepts(1).run().await.map_err(|error| missing(error, ancestor))?;
    Ok(output.exit_code == 0)
}

/// The last commit of both histories.
pub(super) async fn merge_base(
    bare: &Bare,
    one: &CommitHash,
    other: &CommitHash,
) -> Result<Option<String>, Failure> {
    let command = bare.command(["merge-base", one.as_str(), other.as_str()]);
    let output = command.accepts(1).run().await.map_err(|error| missing(error, one))?;
    Ok((output.exit_code == 0).then(|| output.text()))
}

/// A file's bytes. Links and folders are no files.
pub(super) async fn file(
    bare: &Bare,
    commit: &CommitHash,
    path: &RepoPath,
    max_bytes: u64,
) -> Result<Option<Vec<u8>>, Failure> {
    let command = bare.command(["ls-tree", "-z", "--full-tree", commit.as_str(), "--", path.as_str()]);
    let listing = command.run().await.map_err(|error| missing(error, commit))?;
    let found = entries(&listing.bytes).find(|entry| entry.path == path.as_str().as_bytes());
    let Some(entry) = found.filter(|entry| matches!(entry.mode, "100644" | "100755")) else {
        return Ok(None);
    };
    let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let command = bare.command(["cat-file", "blob", entry.object]).cut_at(limit);
    let content = command.run().await.map_err(git::Error::into_failure)?;
    Ok(Some(content.bytes))
}

pub(super) async fn list(bare: &Bare, commit: &CommitHash, limit: u32) -> Result<Vec<String>, Failure> {
    let listing = listing(bare, commit).await?;
    let paths = listing.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    let mut paths: Vec<String> = paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    paths.sort_unstable();
    paths.truncate(limit as usize);
    Ok(paths)
}

/// All paths at a commit, each followed by a NUL.
pub(crate) async fn listing(bare: &Bare, commit: &CommitHash) -> Result<Vec<u8>, Failure> {
    let command = bare
        .command(["ls-tree", "-r", "-z", "--full-tree", "--name-only", commit.as_str()])
        .at_most(LISTING_BYTES);
    let listing = command.run().await.map_err(|error| missing(error, commit))?;
    Ok(listing.bytes)
}

/// A commit that is not there is the caller's mistake, and is told as such.
fn missing(error: git::Error, commit: &CommitHash) -> Failure {
    match error {
        git::Error::Failed { .. } => {
            let message = format!("commit `{commit}` is not in the project's repository, or can't be read");
            Failure::permanent(ErrorCode::RevisionInvalid, message)
        }
        other => other.into_failure(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read_with_and_without_sizes() {
        let listing =
            b"100644 blob aa      12\tsrc/a b\x00120000 blob bb\tlink\x00040000 tree cc       -\tsrc\0";
        let read: Vec<_> =
            entries(listing).map(|entry| (entry.mode, entry.object, entry.size, entry.path)).collect();
        assert_eq!(
            read,
            [
                ("100644", "aa", Some(12), b"src/a b".as_slice()),
                ("120000", "bb", None, b"link"),
                ("040000", "cc", None, b"src"),
            ]
        );
    }
}
