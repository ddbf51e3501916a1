//! Writing the user's own checkout: only when asked, only when nothing can be lost, and as its owner.
//!
//! Git works here in a repository that its user trusts, with everything off that could run a program all the same:
//! hooks, monitors and filter drivers. Files that need a filter are left to the user's own `git pull`.

use std::fs::File;

use miyabi_core::error::Failure;
use miyabi_core::project::Project;

use super::source::Source;
use super::writer::Writer;
use super::{GitRepositories, diff, read};
use crate::git::{self, Bare, BranchName, Command, CommitHash, Stdin};

/// The largest change that is applied as a patch, in bytes.
const PATCH_BYTES: usize = 64 * 1024 * 1024;
/// How many files a reason names.
const NAMED: usize = 3;

/// Why nothing was done; `None` when it was.
type Skipped = Option<String>;

impl GitRepositories {
    pub(super) async fn fast_forward_user(
        &self,
        project: &Project,
        branch: &BranchName,
        commit: &CommitHash,
    ) -> Result<Skipped, Failure> {
        let source = Source::find(self.git(), project).await?;
        let bare = self.bare(project.id);
        if source.current_branch().await?.as_deref() != Some(&branch.full()) {
            return Ok(Some(format!("branch `{branch}` is not checked out there")));
        }
        let Some(head) = source.find_commit(&branch.full()).await? else {
            return Ok(Some("there is no commit yet".into()));
        };
        if head == *commit {
            return Ok(None);
        }
        let is_behind = read::is_ancestor(&bare, &head, commit).await;
        if !is_behind.unwrap_or(false) {
            return Ok(Some(format!("it has commits of its own; `git pull miyabi {branch}` merges them")));
        }
        let drivers = Drivers::of(&source).await?;
        if !stands_at(&source, &drivers, commit).await? {
            if let Some(reason) = drivers.reason_against(&source, &bare, &head, commit).await? {
                return Ok(Some(reason));
            }
            if let Some(reason) = uncommitted(&source, &drivers).await? {
                return Ok(Some(reason));
            }
            let writer = self.writer(project.id).await?;
            bring_objects(&writer, &source, &head, commit).await?;
            writer.done();
            let forward = source.command(["read-tree", "-m", "-u", head.as_str(), commit.as_str()]);
            if let Some(reason) = done_or_reason(drivers.without(forward)).await? {
                return Ok(Some(reason));
            }
        }
        let update = source.command([
            "update-ref",
            "-m",
            "miyabi: fast-forward",
            "HEAD",
            commit.as_str(),
            head.as_str(),
        ]);
        done_or_reason(update).await
    }

    pub(super) async fn patch_user(
        &self,
        project: &Project,
        from: &CommitHash,
        to: &CommitHash,
    ) -> Result<Skipped, Failure> {
        let source = Source::find(self.git(), project).await?;
        let bare = self.bare(project.id);
        let patch = bare
            .command(["diff-tree", "-r", "-p", "--binary", "--full-index", "--no-commit-id", "--no-color"])
            .args([
                "--no-ext-diff",
                "--no-textconv",
                "--src-prefix=a/",
                "--dst-prefix=b/",
                from.as_str(),
                to.as_str(),
            ])
            .at_most(PATCH_BYTES)
            .run()
            .await
            .map_err(git::Error::into_failure)?;
        if patch.bytes.is_empty() {
            return Ok(None);
        }
        let drivers = Drivers::of(&source).await?;
        let apply = |extra: &[&str]| {
            let command = source.command(["apply", "--whitespace=nowarn"]).args(extra.iter().copied());
            let command = command.arg("-").stdin(Stdin::Bytes(patch.bytes.clone()));
            drivers.without(command)
        };
        if let Some(reason) = uncommitted(&source, &drivers).await? {
            // An earlier try may have applied it and died before it could say so.
            let is_applied = apply(&["--reverse", "--check"]).run().await.is_ok();
            return Ok((!is_applied).then_some(reason));
        }
        if let Some(reason) = drivers.reason_against(&source, &bare, from, to).await? {
            return Ok(Some(reason));
        }
        done_or_reason(apply(&[])).await
    }
}

/// Runs a command whose refusal is a reason for the user, not a failure of ours.
async fn done_or_reason(command: Command) -> Result<Skipped, Failure> {
    match command.run().await {
        Ok(_) => Ok(None),
        Err(git::Error::Failed { reason, .. }) => Ok(Some(reason)),
        Err(error) => Err(error.into_failure()),
    }
}

/// Which tracked files have changes. Files that git does not track are in nobody's way, or git itself refuses.
pub(super) async fn uncommitted(source: &Source, drivers: &Drivers) -> Result<Skipped, Failure> {
    let status = source.command(["status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames"]);
    let status = drivers.without(status).run().await.map_err(git::Error::into_failure)?;
    let paths: Vec<String> = status
        .bytes
        .split(|byte| *byte == 0)
        .filter_map(|line| line.get(3..))
        .map(|path| String::from_utf8_lossy(path).into_owned())
        .collect();
    Ok((!paths.is_empty()).then(|| format!("it has changes that are not committed: {}", named(&paths))))
}

/// Whether files and index are those of a commit already: an earlier try wrote them and died before the branch moved.
async fn stands_at(source: &Source, drivers: &Drivers, commit: &CommitHash) -> Result<bool, Failure> {
    if source.find_commit(commit.as_str()).await?.is_none() {
        return Ok(false);
    }
    for compare in [vec!["diff-index", "--quiet", "--cached", commit.as_str()], vec!["diff-files", "--quiet"]]
    {
        let compare = drivers.without(source.command(compare)).accepts(1);
        let compared = compare.run().await.map_err(git::Error::into_failure)?;
        if compared.exit_code != 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Brings the objects between two commits to the user's repository, which may be somebody else's: a pack that we
/// write and hand over as an open file.
async fn bring_objects(
    writer: &Writer,
    source: &Source,
    have: &CommitHash,
    want: &CommitHash,
) -> Result<(), Failure> {
    let error = |action: &'static str| {
        move |source: std::io::Error| git::Error::File { action, source }.into_failure()
    };
    let parent = writer.folder().to_path_buf();
    let folder =
        crate::blocking(move || tempfile::Builder::new().prefix("scratch-").tempdir_in(parent)).await;
    let folder = folder.map_err(error("make a passing folder"))?;
    let pack = writer
        .bare()
        .command(["pack-objects", "--quiet", "--revs"])
        .arg(folder.path().join("pack"))
        .stdin(Stdin::Bytes(format!("{want}\n^{have}\n").into_bytes()));
    let name = pack.run().await.map_err(git::Error::into_failure)?.text();
    let path = folder.path().join(format!("pack-{name}.pack"));
    let file = crate::blocking(move || File::open(path)).await.map_err(error("open a pack"))?;
    let unpack = source.command(["index-pack", "--stdin"]).stdin(Stdin::File(file));
    unpack.run().await.map_err(git::Error::into_failure)?;
    Ok(())
}

/// Filter drivers that the user's repository configures.
#[derive(Debug)]
pub(super) struct Drivers(Vec<String>);

impl Drivers {
    pub(super) async fn of(source: &Source) -> Result<Self, Failure> {
        let command =
            source.command(["config", "--local", "-z", "--name-only", "--get-regexp", r"^filter\."]);
        let output = command.accepts(1).run().await.map_err(git::Error::into_failure)?;
        let text = String::from_utf8_lossy(&output.bytes).into_owned();
        let names = text.split('\0').filter_map(|key| key.strip_prefix("filter."));
        let names = names.filter_map(|key| Some(key.rsplit_once('.')?.0.to_owned()));
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        names.dedup();
        Ok(Self(names))
    }

    /// The command with all drivers off. Their names may hold what a `-c` argument can't.
    fn without(&self, mut command: Command) -> Command {
        let off = |name: &String| {
            [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")]
                .map(|(key, value)| (format!("filter.{name}.{key}"), value))
        };
        let pairs: Vec<_> = self.0.iter().flat_map(off).collect();
        command = command.env("GIT_CONFIG_COUNT", pairs.len().to_string());
        for (at, (key, value)) in pairs.into_iter().enumerate() {
            command = command.env(&format!("GIT_CONFIG_KEY_{at}"), key);
            command = command.env(&format!("GIT_CONFIG_VALUE_{at}"), value);
        }
        command
    }

    /// Changed files that a filter would have to write.
    async fn reason_against(
        &self,
        source: &Source,
        bare: &Bare,
        from: &CommitHash,
        to: &CommitHash,
    ) -> Result<Skipped, Failure> {
        let changed = diff::files(bare, from, to).await?;
        let paths: String = changed.iter().map(|file| format!("{}\0", file.path)).collect();
        let command = source.command(["check-attr", "-z", "--stdin", "filter"]);
        let command = command.stdin(Stdin::Bytes(paths.into_bytes()));
        let output = command.run().await.map_err(git::Error::into_failure)?;
        let text = String::from_utf8_lossy(&output.bytes).into_owned();
        let words: Vec<&str> = text.split('\0').collect();
        let filtered =
            words.chunks_exact(3).filter(|chunk| !matches!(chunk[2], "unspecified" | "unset" | ""));
        let filtered: Vec<String> = filtered.map(|chunk| chunk[0].to_owned()).collect();
        let reason =
            || format!("these files go through a filter of yours: {}; use `git pull`", named(&filtered));
        Ok((!filtered.is_empty()).then(reason))
    }
}

fn named(paths: &[String]) -> String {
    let shown = paths.iter().take(NAMED).map(|path| format!("`{path}`"));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if paths.len() > NAMED {
        text += &format!(" and {} more", paths.len() - NAMED);
    }
    text
}
