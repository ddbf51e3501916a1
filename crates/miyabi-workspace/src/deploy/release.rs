//! Releases on the disk: made in one step, read, proven unchanged, removed. All functions block.

use std::fs;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use hyper::http::uri::PathAndQuery;
use miyabi_core::digest::Digest;
use miyabi_core::port::deploy_target::Release;
use miyabi_core::project::DeployConfig;
use miyabi_core::time::Timestamp;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::disk;
use super::error::Error;
use super::layout::{ProjectFolder, ReleaseName};
use super::tree::{self, Limits};

/// The form of `release.json`.
const VERSION: u32 = 1;
/// A manifest larger than this is not one of ours, in bytes.
const MAX_MANIFEST_BYTES: u64 = 1024 * 1024;

/// What `release.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    version: u32,
    pub(super) name: String,
    pub(super) commit: String,
    pub(super) config: DeployConfig,
    pub(super) digest: Digest,
    entries: u64,
    bytes: u64,
    pub(super) created_at: Timestamp,
}

impl Manifest {
    /// As the port has it.
    pub(super) fn release(self, is_current: bool, url: Option<String>) -> Release {
        Release {
            name: self.name,
            commit: self.commit,
            config: self.config,
            digest: self.digest,
            created_at: self.created_at,
            is_current,
            url,
        }
    }
}

/// What a release is made of.
pub(super) struct Source<'caller> {
    /// The checkout's folder.
    pub(super) checkout: &'caller Path,
    pub(super) commit: &'caller str,
    pub(super) config: &'caller DeployConfig,
    pub(super) at: Timestamp,
}

/// Makes a release, or finds it complete.
pub(super) fn stage(
    folder: &ProjectFolder,
    name: &ReleaseName,
    source: &Source<'_>,
    limits: Limits,
) -> Result<Manifest, Error> {
    check_config(source.config)?;
    if let Some(found) = find(folder, name)? {
        if found.commit == source.commit {
            return Ok(found);
        }
        return Err(Error::OtherCommit { name: found.name, commit: found.commit });
    }
    let staging = folder.staging(name);
    let made = fill(folder, name, source, limits);
    if made.is_err() {
        // What is left would be removed before the next try anyway; the disk may be needed before that.
        let _removed = disk::remove_folder_if_there(&staging);
    }
    made
}

fn fill(
    folder: &ProjectFolder,
    name: &ReleaseName,
    source: &Source<'_>,
    limits: Limits,
) -> Result<Manifest, Error> {
    let failed = |action| Error::file(action, name.as_str());
    let staging = folder.staging(name);
    disk::make_folder(&folder.releases()).map_err(failed("make the folder of"))?;
    disk::remove_folder_if_there(&staging).map_err(failed("clear the folder of"))?;
    let built = open_built(source.checkout, &source.config.folder)?;
    disk::make_folder(&staging).map_err(failed("make the folder of"))?;
    let summary = tree::copy(&built, &staging.join("files"), source.config.run.is_some(), limits)?;
    let manifest = Manifest {
        version: VERSION,
        name: name.as_str().to_owned(),
        commit: source.commit.to_owned(),
        config: source.config.clone(),
        digest: summary.digest,
        entries: summary.entries,
        bytes: summary.bytes,
        created_at: source.at,
    };
    let bytes = serde_json::to_vec_pretty(&manifest).map_err(|error| failed("describe")(error.into()))?;
    fs::write(staging.join(ProjectFolder::MANIFEST), bytes).map_err(failed("describe"))?;
    // One call for all files: thousands of single ones would take minutes on a slow disk.
    let opened = fs::File::open(&staging).map_err(failed("save"))?;
    rustix::fs::syncfs(&opened).map_err(|errno| failed("save")(errno.into()))?;
    fs::rename(&staging, folder.release(name)).map_err(failed("finish"))?;
    disk::sync_folder(&folder.releases()).map_err(failed("finish"))?;
    Ok(manifest)
}

/// The built folder, by a handle beneath the checkout: the build may have put a link in its place.
fn open_built(checkout: &Path, folder: &str) -> Result<OwnedFd, Error> {
    let failed = |errno: Errno| {
        let reason = match errno {
            Errno::NOENT => format!("there is no folder `{folder}` after the build"),
            Errno::NOTDIR => format!("`{folder}` is no folder"),
            Errno::LOOP | Errno::XDEV => format!("`{folder}` is reached through a link"),
            other => return Error::file("open", folder)(other.into()),
        };
        Error::Content { reason }
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let checkout = rustix::fs::open(checkout, flags, Mode::empty())
        .map_err(|errno| Error::file("open", "the checkout")(errno.into()))?;
    tree::open_folder(&checkout, Path::new(folder)).map_err(failed)
}

/// Refuses settings that can't be carried out, before anything is made of them.
fn check_config(config: &DeployConfig) -> Result<(), Error> {
    let wrong = |reason: &str| Err(Error::Config { reason: reason.to_owned() });
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if config.folder.is_empty() || !Path::new(&config.folder).components().all(is_plain) {
        return wrong("`folder` is not a path within the repository");
    }
    let is_command = |argv: &Vec<String>| {
        argv.first().is_some_and(|program| !program.is_empty())
            && !argv.iter().any(|word| word.contains('\0'))
    };
    if !config.run.iter().all(is_command) {
        return wrong("`run` names no program");
    }
    if !config.health.command.iter().all(is_command) {
        return wrong("`health.command` names no program");
    }
    if !config.health.path.starts_with('/') || config.health.path.parse::<PathAndQuery>().is_err() {
        return wrong("`health.path` is not a path that begins with `/`");
    }
    Ok(())
}

/// A complete release's manifest; `None` if there is no such release.
pub(super) fn find(folder: &ProjectFolder, name: &ReleaseName) -> Result<Option<Manifest>, Error> {
    let path = folder.release(name).join(ProjectFolder::MANIFEST);
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("read", name.as_str())(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_MANIFEST_BYTES).read_to_end(&mut bytes).map_err(Error::file("read", name.as_str()))?;
    let damaged =
        |reason: String| Error::Damaged { what: format!("{name}/{}", ProjectFolder::MANIFEST), reason };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if manifest.version != VERSION || manifest.name != name.as_str() {
        return Err(damaged("it is not about this release, or of another version".into()));
    }
    Ok(Some(manifest))
}

/// A release whose files are those it was made of.
pub(super) fn get_unchanged(
    folder: &ProjectFolder,
    name: &ReleaseName,
    limits: Limits,
) -> Result<Manifest, Error> {
    let manifest = find(folder, name)?.ok_or_else(|| Error::NoRelease { name: name.to_string() })?;
    if is_unchanged(folder, name, &manifest, limits) {
        Ok(manifest)
    } else {
        Err(Error::Changed { name: name.to_string() })
    }
}

/// Recomputes the digest. Files that can't be read, or are more than a release may have, are not those of the release.
fn is_unchanged(folder: &ProjectFolder, name: &ReleaseName, manifest: &Manifest, limits: Limits) -> bool {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(root) = rustix::fs::open(folder.files(name), flags, Mode::empty()) else {
        return false;
    };
    // Limits may have been lowered since; what was taken then may be as large as it was.
    let limits = Limits {
        entries: limits.entries.max(manifest.entries),
        bytes: limits.bytes.max(manifest.bytes),
        ..limits
    };
    tree::summarize(&root, limits).is_ok_and(|summary| summary.digest == manifest.digest)
}

/// Manifests of all complete releases, newest first.
pub(super) fn list(folder: &ProjectFolder) -> Result<Vec<Manifest>, Error> {
    let entries = match fs::read_dir(folder.releases()) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file("list", "releases")(error)),
    };
    let mut manifests = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::file("list", "releases"))?;
        let name = entry.file_name();
        let Some(Ok(name)) = name.to_str().map(ReleaseName::parse) else {
            continue;
        };
        match find(folder, &name) {
            Ok(found) => manifests.extend(found),
            // One damaged release must not hide the others.
            Err(error) => tracing::warn!(release.name = %name, "left out of the list: {error}"),
        }
    }
    manifests.sort_by(|one, other| (other.created_at, &other.name).cmp(&(one.created_at, &one.name)));
    Ok(manifests)
}

/// Removes a release with its log: out of sight in one step, then for good.
pub(super) fn remove(folder: &ProjectFolder, name: &ReleaseName) -> Result<(), Error> {
    let failed = || Error::file("remove", name.as_str());
    let removed = folder.removed(name);
    disk::remove_folder_if_there(&removed).map_err(failed())?;
    fs::rename(folder.release(name), &removed).map_err(failed())?;
    disk::remove_folder_if_there(&removed).map_err(failed())?;
    disk::remove_if_there(&folder.log(name)).map_err(failed())
}

/// Removes what crashes left behind. Only while nobody else stages or removes.
pub(super) fn clear_leftovers(folder: &ProjectFolder) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(folder.releases()) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(ProjectFolder::STAGING) || name.starts_with(ProjectFolder::REMOVED) {
            disk::remove_folder_if_there(&entry.path()).map_err(Error::file("remove", name))?;
        }
    }
    Ok(())
}
