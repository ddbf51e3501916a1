//! Limits of a repository, looked at before anything of it is taken.

use std::time::Duration;

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::project::Project;

use crate::git::{self, Bare, CommitHash};

/// How much of git's listing of a tree is read. 300,000 entries of ordinary length fit.
const LISTING_BYTES: usize = 128 * 1024 * 1024;
/// How long counting may take.
const DEADLINE: Duration = Duration::from_secs(300);

/// How large a repository may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Objects of the whole history.
    pub objects: u64,
    /// Bytes of the whole history, as stored.
    pub stored_bytes: u64,
    /// Files and folders of the newest commit.
    pub entries: u64,
    /// Bytes of all files of the newest commit.
    pub tree_bytes: u64,
    /// Bytes of one file of the newest commit.
    pub file_bytes: u64,
    /// Folders within each other.
    pub depth: usize,
    /// Bytes of one path.
    pub path_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            objects: 8_000_000,
            stored_bytes: 8 * 1024 * MIB,
            entries: 300_000,
            tree_bytes: 8 * 1024 * MIB,
            file_bytes: 256 * MIB,
            depth: 64,
            path_bytes: 1024,
        }
    }
}

/// Checks a commit and its history in a repository that can see it; what `known` reaches is not counted.
pub(super) async fn check(
    view: &Bare,
    project: &Project,
    commit: &CommitHash,
    known: Option<&CommitHash>,
    limits: &Limits,
) -> Result<(), Failure> {
    let too_large = |what: String| {
        let message = format!("the repository of project `{}` has {what}", project.name);
        Failure::needs_person(ErrorCode::RepositoryTooLarge, message)
    };
    let range = |command: git::Command| {
        let command = command.arg(commit.as_str()).deadline(DEADLINE);
        match known {
            Some(known) => command.arg(format!("^{known}")),
            None => command,
        }
    };
    let objects = number(range(view.command(["rev-list", "--objects", "--count"]))).await?;
    if objects > limits.objects {
        return Err(too_large(format!("{objects} objects; at most {} are allowed", limits.objects)));
    }
    let bytes = number(range(view.command(["rev-list", "--objects", "--disk-usage"]))).await?;
    if bytes > limits.stored_bytes {
        return Err(too_large(format!("{bytes} bytes; at most {} are allowed", limits.stored_bytes)));
    }
    check_tree(view, commit, limits).await?.map_or(Ok(()), |what| Err(too_large(what)))
}

async fn number(command: git::Command) -> Result<u64, Failure> {
    let output = command.run().await.map_err(git::Error::into_failure)?;
    let text = output.text();
    text.parse().map_err(|_| {
        let command = "rev-list".into();
        git::Error::Unreadable { command }.into_failure()
    })
}

/// What of the newest commit is too large.
async fn check_tree(view: &Bare, commit: &CommitHash, limits: &Limits) -> Result<Option<String>, Failure> {
    let command = view
        .command(["ls-tree", "-r", "-t", "-l", "-z", "--full-tree", commit.as_str()])
        .deadline(DEADLINE)
        .at_most(LISTING_BYTES);
    let listing = match command.run().await {
        Err(git::Error::TooMuchOutput { .. }) => {
            return Ok(Some(format!("a list of files of more than {LISTING_BYTES} bytes")));
        }
        listing => listing.map_err(git::Error::into_failure)?,
    };
    let (mut entries, mut tree_bytes) = (0_u64, 0_u64);
    for entry in super::read::entries(&listing.bytes) {
        entries += 1;
        let shown = || String::from_utf8_lossy(&entry.path[..entry.path.len().min(80)]).into_owned();
        let depth = entry.path.iter().filter(|byte| **byte == b'/').count();
        if depth > limits.depth {
            return Ok(Some(format!(
                "a path of {depth} folders (`{}…`); at most {} are allowed",
                shown(),
                limits.depth
            )));
        }
        if entry.path.len() > limits.path_bytes {
            let (length, most) = (entry.path.len(), limits.path_bytes);
            return Ok(Some(format!(
                "a path of {length} bytes (`{}…`); at most {most} are allowed",
                shown()
            )));
        }
        let size = entry.size.unwrap_or(0);
        if size > limits.file_bytes {
            let most = limits.file_bytes;
            return Ok(Some(format!("a file of {size} bytes (`{}`); at most {most} are allowed", shown())));
        }
        tree_bytes = tree_bytes.saturating_add(size);
    }
    if entries > limits.entries {
        return Ok(Some(format!("{entries} files and folders; at most {} are allowed", limits.entries)));
    }
    if tree_bytes > limits.tree_bytes {
        return Ok(Some(format!("files of {tree_bytes} bytes; at most {} are allowed", limits.tree_bytes)));
    }
    Ok(None)
}
