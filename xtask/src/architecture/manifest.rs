//! Manifests: members inherit edition, versions and lints from the workspace, so that there is one place
//! to change them.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use super::Member;
use crate::place::Place;

const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

const DEPENDENCY_TABLES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Crates whose lint tables lift some lints, and which. Cargo then wants all the others repeated.
const LIFTED: &[(&str, &[&str])] = &[
    // `unsafe` stands in its sandbox launcher; the level is `deny`, so that this one module can lift it.
    ("miyabi-workspace", &["unsafe_code"]),
    // A test library fails by panicking.
    ("miyabi-testkit", &["unwrap_used", "expect_used", "panic"]),
];

/// What in the manifests is not inherited.
///
/// # Errors
/// When a manifest can't be read.
pub(super) fn problems(place: &Place, members: &[Member]) -> Result<Vec<String>> {
    let workspace = read(&place.root)?;
    let lints = lookup(&workspace, &["workspace", "lints"]).context("the workspace has no lints")?;
    let mut problems = Vec::new();
    for member in members {
        problems.extend(in_manifest(&member.name, &read(&member.folder)?, lints));
    }
    Ok(problems)
}

fn read(folder: &Path) -> Result<Table> {
    let file = folder.join("Cargo.toml");
    let text = fs::read_to_string(&file).with_context(|| format!("could not read `{}`", file.display()))?;
    text.parse().with_context(|| format!("could not parse `{}`", file.display()))
}

fn in_manifest(name: &str, manifest: &Table, workspace_lints: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for key in INHERITED {
        if !is_inherited(lookup(manifest, &["package", key])) {
            problems.push(format!("`{name}`: write `{key}.workspace = true`"));
        }
    }
    problems.extend(own_versions(name, manifest));
    problems.extend(missing_lints(name, manifest, workspace_lints));
    problems
}

/// Dependencies whose version stands in the member, tables per platform included.
fn own_versions(name: &str, manifest: &Table) -> Vec<String> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = platforms.filter_map(Value::as_table).chain([manifest]);
    tables
        .flat_map(|table| DEPENDENCY_TABLES.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flat_map(Table::iter)
        .filter(|(_, declared)| !is_inherited(Some(declared)))
        .map(|(dependency, _)| {
            format!("`{name}`: `{dependency}` belongs into [workspace.dependencies]; write `{dependency}.workspace = true`")
        })
        .collect()
}

/// Lints of the workspace that a member does not have at the same level, but for those it may lift.
fn missing_lints(name: &str, manifest: &Table, workspace: &Value) -> Vec<String> {
    let own = manifest.get("lints");
    if is_inherited(own) {
        return Vec::new();
    }
    let Some((_, lifted)) = LIFTED.iter().find(|(crate_name, _)| *crate_name == name) else {
        return vec![format!("`{name}`: write `lints.workspace = true`")];
    };
    let tables = workspace.as_table().into_iter().flatten();
    tables
        .flat_map(|(tool, lints)| {
            lints.as_table().into_iter().flatten().map(move |(lint, level)| (tool, lint, level))
        })
        .filter(|(_, lint, level)| level.as_str() != Some("allow") && !lifted.contains(&lint.as_str()))
        .filter(|(tool, lint, level)| own.and_then(|own| own.get(*tool)?.get(*lint)) != Some(level))
        .map(|(tool, lint, level)| format!("`{name}`: repeat the workspace's `{tool}.{lint} = {level}`"))
        .collect()
}

fn is_inherited(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

fn lookup<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINTS: &str = "[rust]\nunsafe_code = \"forbid\"\nmissing_docs = \"warn\"\n";

    const GOOD: &str = "\
        [package]\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
        license.workspace = true\npublish.workspace = true\n\
        [dependencies]\nserde = { workspace = true, features = [\"derive\"] }\n";

    #[track_caller]
    fn check(name: &str, manifest: &str, expected: &[&str]) {
        let lints = Value::Table(LINTS.parse().unwrap());
        assert_eq!(in_manifest(name, &manifest.parse().unwrap(), &lints), expected);
    }

    #[test]
    fn all_inherited_is_fine() {
        check("a", &format!("{GOOD}[lints]\nworkspace = true"), &[]);
    }

    #[test]
    fn own_values_are_named() {
        let own = GOOD.replace("edition.workspace = true", "edition = \"2021\"");
        check("a", &format!("{own}[lints]\nworkspace = true"), &["`a`: write `edition.workspace = true`"]);
        let version = "`a`: `libc` belongs into [workspace.dependencies]; write `libc.workspace = true`";
        check("a", &format!("{GOOD}libc = \"0.2\"\n[lints]\nworkspace = true"), &[version]);
        let platform = "[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n[lints]\nworkspace = true";
        check("a", &format!("{GOOD}{platform}"), &[version]);
    }

    #[test]
    fn lints_are_inherited_or_repeated_but_for_those_that_may_be_lifted() {
        let lifted = format!("{GOOD}[lints.rust]\nunsafe_code = \"deny\"\nmissing_docs = \"warn\"");
        check("miyabi-workspace", &lifted, &[]);
        check("a", &lifted, &["`a`: write `lints.workspace = true`"]);
        let dropped = format!("{GOOD}[lints.rust]\nunsafe_code = \"deny\"");
        let repeat = "`miyabi-workspace`: repeat the workspace's `rust.missing_docs = \"warn\"`";
        check("miyabi-workspace", &dropped, &[repeat]);
    }
}
