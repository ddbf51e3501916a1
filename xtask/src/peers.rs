//! The programs that tests run against: `tests/peers`, installed by npm outside of the checkout.
//!
//! One folder per lock file, so that an old branch and a new one do not disturb each other. Tests find
//! the folder in `MIYABI_PEERS`.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::command::{program, quiet, run};
use crate::place::Place;

const DECLARATION: &[&str] = &["package.json", "package-lock.json"];

/// Written last: a folder without it is an installation that was interrupted.
const STAMP: &str = "installed.lock.json";

/// Oldest Node.js whose programs among the peers start.
const NODE_MAJOR: u32 = 20;

/// The folder with `node_modules`, installed where it is not yet.
///
/// # Errors
/// When Node.js is missing or too old, or npm can't install.
pub(crate) fn install(place: &Place) -> Result<PathBuf> {
    let source = source(place);
    let lock = lock(place)?;
    let folder = folder(place)?;
    if fs::read(folder.join(STAMP)).is_ok_and(|stamp| stamp == lock) {
        return Ok(folder);
    }
    let npm = require_node(place)?;
    fs::create_dir_all(&folder).with_context(|| format!("could not create `{}`", folder.display()))?;
    for name in DECLARATION {
        copy(&source.join(name), &folder.join(name))?;
    }
    let mut command = program(place, npm);
    // Scripts of packages are not run: the peers need none, and a package's script could do anything.
    command
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&folder);
    run(command).context("could not install the test peers")?;
    fs::write(folder.join(STAMP), &lock)
        .with_context(|| format!("could not write to `{}`", folder.display()))?;
    Ok(folder)
}

/// Where the peers stand once they are installed.
///
/// # Errors
/// When the lock file can't be read.
pub(crate) fn folder(place: &Place) -> Result<PathBuf> {
    match &place.peers_override {
        Some(folder) => Ok(folder.clone()),
        None => Ok(place.peers.join(key(&lock(place)?))),
    }
}

fn source(place: &Place) -> PathBuf {
    place.root.join("tests/peers")
}

fn lock(place: &Place) -> Result<Vec<u8>> {
    fs::read(source(place).join("package-lock.json")).context("could not read the peers' lock file")
}

/// A short name for this lock file. Not stable over Rust versions: then the peers are installed anew.
fn key(lock: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    lock.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .with_context(|| format!("could not copy `{}` to `{}`", from.display(), to.display()))?;
    Ok(())
}

/// npm, after a look at the version of Node.js.
fn require_node(place: &Place) -> Result<PathBuf> {
    let (Some(node), Some(npm)) = (Place::on_path("node"), Place::on_path("npm")) else {
        bail!(
            "no Node.js (node, npm) on the PATH; install version {NODE_MAJOR} or newer: apt-get install -y nodejs npm, or from nodejs.org"
        );
    };
    let mut command = program(place, node);
    command.arg("--version");
    let version = quiet(command)?;
    let major =
        version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE_MAJOR) {
        bail!("Node.js is {}, the test peers need {NODE_MAJOR} or newer", version.trim());
    }
    Ok(npm)
}
