//! Changes to the user's configuration file: comments stay, what is wrong is never written, and a crash leaves the old
//! file or the new one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use miyabi_core::config::{Problems, Sources, load};
use toml_edit::{DocumentMut, Item, Table, TableLike};

use crate::outcome::usage;

/// A file in the making.
#[derive(Debug)]
pub(crate) struct UserFile {
    path: PathBuf,
    before: String,
    document: DocumentMut,
}

/// Everything that is wrong with a user's file of this text, by itself.
///
/// # Errors
/// All problems.
pub(crate) fn check(text: &str) -> Result<(), Problems> {
    load(&Sources { user: Some(text.to_owned()), ..Sources::default() }).map(|_| ())
}

/// The root of the git checkout around a folder, by its `.git` alone.
pub(crate) fn repository_root(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_path_buf)
}

impl UserFile {
    /// Reads the file; one that does not exist is empty.
    ///
    /// # Errors
    /// When it can't be read, or is not TOML.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        // Through a link, so that the link stays one.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let before = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("could not read `{}`", path.display()));
            }
        };
        let document = before.parse::<DocumentMut>();
        let document = document.map_err(|error| match check(&before) {
            Err(problems) => anyhow::Error::from(problems),
            Ok(()) => error.into(),
        })?;
        Ok(Self { path, before, document })
    }

    /// Its text before any change.
    pub(crate) fn text(&self) -> &str {
        &self.before
    }

    /// Its text with all changes.
    pub(crate) fn changed(&self) -> String {
        self.document.to_string()
    }

    /// Whether anything was changed.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed() != self.before
    }

    /// Sets a value; tables on the way to it are made.
    ///
    /// # Errors
    /// When a part of the way is no table.
    pub(crate) fn set(&mut self, path: &[String], value: &toml::Value) -> Result<()> {
        let (last, way) = path.split_last().context("a key has at least one part")?;
        let mut table: &mut dyn TableLike = self.document.as_table_mut();
        for part in way {
            let mut empty = Table::new();
            empty.set_implicit(true);
            let inner = table.entry(part).or_insert(Item::Table(empty));
            table = inner.as_table_like_mut().ok_or_else(|| {
                usage(format!("`{part}` is not a table in your file"), "miyabi config edit")
            })?;
        }
        let value: toml_edit::Value = value.to_string().parse().context("a TOML value is readable as one")?;
        match table.get_mut(last).and_then(Item::as_value_mut) {
            // A remark behind the old value stays behind the new one.
            Some(old) => {
                let decor = old.decor().clone();
                *old = value;
                *old.decor_mut() = decor;
            }
            None => {
                table.insert(last, Item::Value(value));
            }
        }
        Ok(())
    }

    /// Checks the changed text. Problems that the file had before are no reason to refuse: they may be corrected one
    /// by one.
    ///
    /// # Errors
    /// All problems that the changes brought.
    pub(crate) fn check(&self) -> Result<(), Problems> {
        let Err(after) = check(&self.changed()) else { return Ok(()) };
        let before = check(&self.before).err().map(|problems| problems.0).unwrap_or_default();
        let new: Vec<_> = after.0.into_iter().filter(|problem| !before.contains(problem)).collect();
        if new.is_empty() { Ok(()) } else { Err(Problems(new)) }
    }

    /// Writes the changed text in the file's place.
    ///
    /// # Errors
    /// When it can't be written; the old file is there then.
    pub(crate) fn write(&self) -> Result<()> {
        self.replace(&self.changed())
    }

    /// Writes a text in the file's place.
    ///
    /// # Errors
    /// As [`UserFile::write`].
    pub(crate) fn replace(&self, text: &str) -> Result<()> {
        replace(&self.path, text).with_context(|| format!("could not write `{}`", self.path.display()))
    }

    /// Writes a draft beside the file, for an editor.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn draft(&self, text: &str) -> Result<PathBuf> {
        let draft = beside(&self.path, "draft.toml");
        let write = || -> io::Result<()> {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            private(&draft)?.write_all(text.as_bytes())
        };
        write().with_context(|| format!("could not write `{}`", draft.display()))?;
        Ok(draft)
    }
}

/// Replaces a file in one step, with its permissions; a new one is its owner's alone.
///
/// # Errors
/// The system's answer.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let next = beside(path, "next");
    let mut file = private(&next)?;
    file.write_all(text.as_bytes())?;
    if let Ok(about) = fs::metadata(path) {
        file.set_permissions(fs::Permissions::from_mode(about.permissions().mode() & 0o7777))?;
    }
    file.sync_all()?;
    fs::rename(&next, path)?;
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn private(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.{ending}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use toml::Value;

    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, UserFile) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        fs::write(&path, text).expect("a file");
        let file = UserFile::read(&path).expect("TOML");
        (folder, file)
    }

    fn path(key: &str) -> Vec<String> {
        key.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn comments_order_and_remarks_stay() {
        let (_folder, mut file) =
            file("# mine\n[budget] # money\ncost_usd = 1 # little\n\n[log]\nlevel = \"warn\"\n");
        file.set(&path("budget.cost_usd"), &Value::String("3".into())).expect("set");
        file.set(&path("budget.turns"), &Value::Integer(9)).expect("set");
        file.set(&path("models.default"), &Value::String("ollama/qwen3".into())).expect("set");
        file.check().expect("right");
        file.write().expect("written");
        insta::assert_snapshot!(fs::read_to_string(&file.path).expect("the file"), @r#"
        # mine
        [budget] # money
        cost_usd = "3" # little
        turns = 9

        [log]
        level = "warn"

        [models]
        default = "ollama/qwen3"
        "#);
    }

    #[test]
    fn old_mistakes_can_be_corrected_one_by_one_and_new_ones_are_refused() {
        let (_folder, mut file) = file("[budget]\nturns = 0\n[run]\nparallel = 0\n");
        file.set(&path("budget.turns"), &Value::Integer(5)).expect("set");
        file.check().expect("one mistake less");
        file.set(&path("run.attempts"), &Value::Integer(0)).expect("set");
        let problems = file.check().expect_err("a new mistake");
        assert_eq!(problems.0.len(), 1);
        assert_eq!(problems.0[0].key, "run.attempts");
    }

    #[test]
    fn links_and_permissions_survive() {
        let (folder, file) = file("");
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink("config.toml", &link).expect("a link");
        fs::set_permissions(&file.path, fs::Permissions::from_mode(0o640)).expect("permissions");
        UserFile::read(&link).expect("read").replace("[log]\nlevel = \"info\"\n").expect("written");
        assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
        let about = fs::metadata(&file.path).expect("the file");
        assert_eq!((about.permissions().mode() & 0o777, about.len()), (0o640, 21));
        let fresh = folder.path().join("new/config.toml");
        replace(&fresh, "x").expect("written");
        assert_eq!(fs::metadata(&fresh).expect("the file").permissions().mode() & 0o777, 0o600);
    }
}
