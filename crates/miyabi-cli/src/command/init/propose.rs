//! What would be written: the user's file with what was wished, and the repository's with what was detected.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use miyabi_core::config::{Effective, Origin, parse_setting};
use miyabi_core::gate::Checks;
use miyabi_workspace::repositories::UserCheckout;
use serde::Serialize;
use similar::TextDiff;

use super::wish::Wish;
use crate::command::doctor;
use crate::context::Context;
use crate::userfile::{self, UserFile};

/// A file as it is and as it would be.
#[derive(Debug)]
pub(super) struct Proposed {
    path: PathBuf,
    /// What people know it by.
    name: String,
    before: String,
    after: String,
}

/// A file as `--json` shows it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    path: String,
    diff: String,
}

/// A value that is set already and was left.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) key: String,
    pub(super) value: String,
}

/// All that would be written.
#[derive(Debug)]
pub(super) struct Proposal {
    /// Files that change.
    pub(super) files: Vec<Proposed>,
    /// Wishes that an older value stands against.
    pub(super) kept: Vec<Kept>,
}

impl Proposed {
    /// The difference, as `git diff` shows it.
    pub(super) fn diff(&self) -> String {
        let old = if self.before.is_empty() { "/dev/null" } else { &self.name };
        TextDiff::from_lines(&self.before, &self.after).unified_diff().header(old, &self.name).to_string()
    }
}

impl Proposal {
    /// Compares wishes with what is there.
    pub(super) fn new(
        context: &Context,
        wish: &Wish,
        seen: &UserCheckout,
        effective: &Effective,
        force: bool,
    ) -> Result<Self> {
        let mut kept = Vec::new();
        let user = user_file(context, wish, effective, force, &mut kept)?;
        let files = user.into_iter().chain(repository_file(seen)).collect();
        Ok(Self { files, kept })
    }

    /// Whether nothing would be written.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files for programs.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let shown = |file: &Proposed| Shown { path: file.path.display().to_string(), diff: file.diff() };
        self.files.iter().map(shown).collect()
    }

    /// Writes all files.
    pub(super) fn write(&self) -> Result<()> {
        for file in &self.files {
            userfile::replace(&file.path, &file.after)
                .with_context(|| format!("could not write `{}`", file.path.display()))?;
        }
        Ok(())
    }
}

fn user_file(
    context: &Context,
    wish: &Wish,
    effective: &Effective,
    force: bool,
    kept: &mut Vec<Kept>,
) -> Result<Option<Proposed>> {
    let mut file = UserFile::read(&context.paths.config)?;
    let wishes = [
        ("models.default", wish.model.as_deref()),
        ("run.autonomy", wish.autonomy),
        ("budget.cost_usd", wish.budget.as_deref()),
    ];
    for (key, wanted) in wishes {
        let Some(wanted) = wanted else { continue };
        let (path, value) = parse_setting(key, wanted)?;
        let own = effective.entries.iter().find(|entry| entry.key == key && entry.origin == Origin::User);
        match own {
            Some(own) if own.value == value => {}
            Some(own) if !force => {
                kept.push(Kept { key: key.to_owned(), value: own.value.to_string() });
            }
            _ => file.set(&path.0, &value)?,
        }
    }
    file.check()?;
    let name = context.paths.config.display().to_string();
    let (path, before, after) = (context.paths.config.clone(), file.text().to_owned(), file.changed());
    Ok(file.is_changed().then_some(Proposed { path, name, before, after }))
}

/// The commands that were detected, where the repository says nothing itself.
fn repository_file(seen: &UserCheckout) -> Option<Proposed> {
    let name = ".miyabi/config.toml";
    let path = seen.root.join(name);
    let checks = doctor::detected(seen);
    if path.exists() || checks == Checks::default() {
        return None;
    }
    let mut after =
        "# What Miyabi runs in this repository; found by its files. See: miyabi help config\n\n[checks]\n"
            .to_owned();
    for (key, commands) in [
        ("setup", &checks.setup),
        ("format", &checks.format),
        ("lint", &checks.lint),
        ("build", &checks.build),
        ("test", &checks.test),
    ] {
        if !commands.is_empty() {
            let value = toml::Value::try_from(commands).ok()?;
            after.push_str(&format!("{key} = {value}\n"));
        }
    }
    Some(Proposed { path, name: name.to_owned(), before: String::new(), after })
}
