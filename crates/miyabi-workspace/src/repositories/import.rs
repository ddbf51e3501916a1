//! The only way in for what a task made: a bundle, looked at before anything of it is kept.
//!
//! The bundle is unpacked into a passing repository that borrows our objects, with git's own checks of every object.
//! Only when all rules hold are the objects copied. What is kept is a commit that the host makes itself: of the bundle
//! only the files count, not its message, its author or its parents.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::project::Project;

use super::writer::Writer;
use super::{GitRepositories, bundle, read};
use crate::git::{self, Bare, CommitHash, Format, Protocols, Scratch, path_rule};

/// How much of git's listing of changed files is read.
const LISTING_BYTES: usize = 64 * 1024 * 1024;
/// How long unpacking may take: a pack may be much larger than it looks.
const DEADLINE: Duration = Duration::from_secs(300);
/// The longest target of a link, in bytes.
const LONGEST_TARGET: u64 = 4096;
/// The name that the one branch of a bundle has.
pub(crate) const BUNDLE_BRANCH: &str = "task";

/// What is to be imported.
#[derive(Debug)]
pub(crate) struct Import<'a> {
    /// A bundle that nobody but the host can write.
    pub(crate) bundle: &'a Path,
    /// The commit that the task started from.
    pub(crate) base: &'a CommitHash,
    /// Files larger than this are refused, in bytes.
    pub(crate) max_file_bytes: u64,
}

impl GitRepositories {
    /// Brings a bundle's files in; their tree. The commit that carried them is gone afterwards.
    pub(crate) async fn import(
        &self,
        writer: &Writer,
        project: &Project,
        import: &Import<'_>,
    ) -> Result<String, Failure> {
        let quarantine = {
            let (git, folder, format) =
                (self.git().clone(), writer.folder().to_path_buf(), Format::of(import.base));
            let (own, base) = (writer.bare().objects(), import.base.to_string());
            crate::blocking(move || {
                let quarantine = Scratch::make(&git, &folder, format, &[&own])?;
                // What is known to be whole: git's search for missing objects ends there.
                quarantine.set_branch("base", &base)?;
                Ok::<_, git::Error>(quarantine)
            })
            .await
            .map_err(git::Error::into_failure)?
        };
        let commit = unpack(&quarantine, import.bundle).await?;
        check_history(quarantine.bare(), import.base, &commit).await?;
        check(quarantine.bare(), import, &commit).await?;
        let tree = read::tree(quarantine.bare(), &commit).await?;
        let fetch = writer
            .command(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--"])
            .map_err(git::Error::into_failure)?
            .protocols(Protocols::File)
            .arg(quarantine.bare().path())
            .arg(format!("+refs/heads/{BUNDLE_BRANCH}:refs/miyabi/imported"));
        fetch.run().await.map_err(|error| refuse(&format!("project `{}`: {error}", project.name)))?;
        Ok(tree)
    }
}

/// Unpacks a bundle; git checks each object and that nothing is missing.
async fn unpack(quarantine: &Scratch, bundle: &Path) -> Result<CommitHash, Failure> {
    let path = bundle.to_path_buf();
    let opened = crate::blocking(move || bundle::open(&path, BUNDLE_BRANCH)).await;
    let opened =
        opened.map_err(|source| git::Error::File { action: "read a bundle", source }.into_failure())?;
    let bundle = opened.ok_or_else(|| refuse("it did not come as a bundle of one commit"))?;
    let bare = quarantine.bare();
    let index = bare
        .command(["index-pack", "--stdin", "--fix-thin", "--strict"])
        .deadline(DEADLINE)
        .stdin(git::Stdin::File(bundle.pack));
    match index.run().await {
        Err(git::Error::Failed { reason, .. }) => {
            return Err(refuse(&format!("git does not take the task's commit: {reason}")));
        }
        indexed => drop(indexed.map_err(git::Error::into_failure)?),
    }
    quarantine.set_branch(BUNDLE_BRANCH, bundle.tip.as_str()).map_err(git::Error::into_failure)?;
    let name = format!("refs/heads/{BUNDLE_BRANCH}");
    match read::find_commit(bare, &name).await {
        Ok(Some(commit)) if commit == bundle.tip => Ok(commit),
        Ok(_) | Err(git::Error::Failed { .. }) => Err(refuse("the task's bundle carries no commit")),
        Err(error) => Err(error.into_failure()),
    }
}

/// A task's bundle is one commit on top of its base, so that no other history comes in with it.
async fn check_history(quarantine: &Bare, base: &CommitHash, commit: &CommitHash) -> Result<(), Failure> {
    let parents = quarantine.command(["rev-list", "--parents", "--max-count=1", commit.as_str()]);
    let parents = parents.run().await.map_err(git::Error::into_failure)?;
    if parents.text() == format!("{commit} {base}") {
        return Ok(());
    }
    Err(refuse("the task's commit does not stand on the commit that the task began with"))
}

/// Holds every changed file against the rules. What the base has already is not judged again.
async fn check(quarantine: &Bare, import: &Import<'_>, commit: &CommitHash) -> Result<(), Failure> {
    let changed = quarantine
        .command(["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--no-commit-id"])
        .args([import.base.as_str(), commit.as_str()])
        .at_most(LISTING_BYTES)
        .run()
        .await
        .map_err(git::Error::into_failure)?;
    let changed = parse(&changed.bytes);
    let sizes = sizes(quarantine, &changed).await?;
    let mut links = Vec::new();
    for entry in &changed {
        if let Some(rule) = rule(entry, sizes.get(entry.object).copied(), import.max_file_bytes) {
            return Err(refuse(&format!("`{}`: {rule}", shown(entry.path))));
        }
        if entry.mode == LINK {
            links.push(entry);
        }
    }
    for link in links {
        let target = quarantine.command(["cat-file", "blob", link.object]);
        let target = target.run().await.map_err(git::Error::into_failure)?;
        if let Some(rule) = target_rule(link.path, &target.bytes) {
            return Err(refuse(&format!("`{}`: {rule}", shown(link.path))));
        }
    }
    check_case(quarantine, commit, &changed).await
}

const FILE: &str = "100644";
const PROGRAM: &str = "100755";
const LINK: &str = "120000";

/// A file that is new or other than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry<'a> {
    mode: &'a str,
    object: &'a str,
    path: &'a [u8],
    is_new: bool,
}

/// Reads `:<old mode> <mode> <old object> <object> <letter>\0<path>\0…` without what is deleted.
fn parse(listing: &[u8]) -> Vec<Entry<'_>> {
    let mut parts = listing.split(|byte| *byte == 0);
    let mut entries = Vec::new();
    while let (Some(about), Some(path)) = (parts.next(), parts.next()) {
        let about = std::str::from_utf8(about).unwrap_or_default();
        let words: Vec<&str> = about.trim_start_matches(':').split(' ').collect();
        if let &[_, mode, _, object, letter] = words.as_slice()
            && letter != "D"
        {
            entries.push(Entry { mode, object, path, is_new: letter == "A" });
        }
    }
    entries
}

/// Sizes of the changed files, by object.
async fn sizes(quarantine: &Bare, changed: &[Entry<'_>]) -> Result<HashMap<String, u64>, Failure> {
    let is_content = |entry: &&Entry<'_>| matches!(entry.mode, FILE | PROGRAM | LINK);
    let names: String =
        changed.iter().filter(is_content).map(|entry| format!("{}\n", entry.object)).collect();
    let answer = quarantine
        .command(["cat-file", "--batch-check=%(objectname) %(objectsize)"])
        .stdin(git::Stdin::Bytes(names.into_bytes()))
        .at_most(LISTING_BYTES)
        .run()
        .await
        .map_err(git::Error::into_failure)?;
    let text = answer.text();
    let sizes = text.lines().filter_map(|line| {
        let (object, size) = line.split_once(' ')?;
        Some((object.to_owned(), size.parse().ok()?))
    });
    Ok(sizes.collect())
}

/// The rule that a changed file breaks.
fn rule(entry: &Entry<'_>, size: Option<u64>, max_file_bytes: u64) -> Option<String> {
    let Ok(path) = std::str::from_utf8(entry.path) else {
        return Some("a path must be UTF-8".into());
    };
    if let Some(rule) = path_rule(path) {
        return Some(format!("not a path that is allowed: {rule}"));
    }
    if entry.is_new && path.starts_with('-') {
        return Some("a path must not begin with a dash".into());
    }
    match (entry.mode, size) {
        ("160000", _) => Some("repositories within the repository are not allowed".into()),
        (FILE | PROGRAM, Some(size)) if size > max_file_bytes => {
            Some(format!("{size} bytes; at most {max_file_bytes} are allowed"))
        }
        (LINK, Some(size)) if size > LONGEST_TARGET => Some("a link's target is too long".into()),
        (LINK, Some(_)) if is_read_by_git(path) => Some("git's own files must not be links".into()),
        (FILE | PROGRAM | LINK, Some(_)) => None,
        (mode, _) => Some(format!("files of mode {mode} are not allowed")),
    }
}

/// Files that git reads wherever they stand. As links they would make it read something else.
fn is_read_by_git(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    matches!(name.as_str(), ".gitignore" | ".gitattributes" | ".gitmodules" | ".mailmap")
}

/// The rule that a link's target breaks. Steps upwards are allowed only at its beginning: after the name of another
/// link they would lead somewhere else than they seem to.
fn target_rule(path: &[u8], target: &[u8]) -> Option<&'static str> {
    let Ok(target) = std::str::from_utf8(target) else {
        return Some("a link's target must be UTF-8");
    };
    if target.is_empty() || target.chars().any(char::is_control) {
        return Some("a link's target must be a path without control characters");
    }
    if target.starts_with('/') {
        return Some("a link must not have an absolute target");
    }
    let depth = path.iter().filter(|byte| **byte == b'/').count();
    let steps = || target.split('/').filter(|step| !matches!(*step, "" | "."));
    let upwards = steps().take_while(|step| *step == "..").count();
    let rest = || steps().skip(upwards);
    if upwards > depth || rest().any(|step| step == "..") {
        return Some("a link must not leave the repository");
    }
    if rest().any(git::is_git_folder) {
        return Some("a link must not lead to `.git`");
    }
    None
}

/// New names that differ only by case from others: they are one file on many machines.
async fn check_case(quarantine: &Bare, commit: &CommitHash, changed: &[Entry<'_>]) -> Result<(), Failure> {
    let new: Vec<&[u8]> = changed.iter().filter(|entry| entry.is_new).map(|entry| entry.path).collect();
    if new.is_empty() {
        return Ok(());
    }
    let listing = read::listing(quarantine, commit).await?;
    let mut spellings: HashMap<String, &[u8]> = HashMap::new();
    let mut twins: HashMap<&[u8], &[u8]> = HashMap::new();
    for path in listing.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
        for part in prefixes(path) {
            let folded = String::from_utf8_lossy(part).to_lowercase();
            let known = *spellings.entry(folded).or_insert(part);
            if known != part {
                twins.insert(part, known);
                twins.insert(known, part);
            }
        }
    }
    for path in new {
        if let Some((part, twin)) = prefixes(path).find_map(|part| twins.get_key_value(part)) {
            return Err(refuse(&format!("`{}`: differs only by case from `{}`", shown(part), shown(twin))));
        }
    }
    Ok(())
}

/// A path and all folders above it.
fn prefixes(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    ends.chain([path.len()]).map(|end| &path[..end])
}

fn shown(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    text.chars().filter(|character| !character.is_control()).take(120).collect()
}

pub(crate) fn refuse(reason: &str) -> Failure {
    Failure::permanent(ErrorCode::ImportRefused, format!("the task's change is refused: {reason}"))
}

#[cfg(test)]
mod tests;
