//! The architecture as a test: what ARCHITECTURE.md says about crates, read off the workspace itself.
//!
//! `rows` says which crate may import what, `manifest` that members inherit from the workspace, `source`
//! where risky code may stand. Each gives sentences about what is wrong; no sentence, no problem.

mod manifest;
mod rows;
mod source;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::place::Place;
use crate::say;

/// A crate of the workspace, as far as the rules care.
struct Member {
    name: String,
    folder: PathBuf,
    /// Names of what its code imports: ordinary and build dependencies.
    imports: BTreeSet<String>,
}

/// Holds the workspace against all rules and tells every breach.
///
/// # Errors
/// When a rule is broken, or the workspace can't be read.
pub(crate) fn check(place: &Place) -> Result<()> {
    let members = members(place)?;
    let mut problems = rows::problems(&members);
    problems.extend(manifest::problems(place, &members)?);
    for member in &members {
        problems.extend(source::problems(member)?);
    }
    for problem in &problems {
        say(&format!("  {problem}"));
    }
    match problems.len() {
        0 => Ok(()),
        count => {
            bail!("{count} breaches of the architecture; ARCHITECTURE.md tells the reasons for the rules")
        }
    }
}

fn members(place: &Place) -> Result<Vec<Member>> {
    let metadata = MetadataCommand::new()
        .current_dir(&place.root)
        .no_deps()
        .exec()
        .context("could not read the workspace through `cargo metadata`")?;
    Ok(metadata.packages.iter().map(member).collect())
}

fn member(package: &Package) -> Member {
    let imports = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.clone())
        .collect();
    let folder = package.manifest_path.parent().map(Into::into).unwrap_or_default();
    Member { name: package.name.to_string(), folder, imports }
}
