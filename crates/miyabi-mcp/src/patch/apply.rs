//! Applies a patch in memory.

use std::collections::BTreeMap;

use super::fit::{Fuzz, patched};
use super::{FilePatch, Patch, PatchError};

/// What is to be written so that a patch is applied. A file is there once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWrite {
    /// The file.
    pub path: String,
    /// Its content, or `None` if it is to be removed.
    pub bytes: Option<Vec<u8>>,
    /// Whether it is to be executable.
    pub mode: Mode,
}

/// Whether a file is executable after a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// As it is; a new file is not.
    Keep,
    /// As the patch says.
    Executable(bool),
    /// Like another file before the patch: the one that it is a new name or a copy of.
    Like(String),
}

/// Applies a patch to files that `read` returns (`None`: there is none). Nothing is written: what is to be written is
/// returned, sorted by path, without files that stay as they are.
///
/// # Errors
/// When a part does not fit; then nothing of the patch is to be written.
pub fn apply(patch: &Patch, read: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Vec<FileWrite>, PatchError> {
    run(patch, &read, Fuzz::Offset)
}

/// Whether a patch looks as if it had been applied: taken back, it fits everywhere without moving.
pub fn is_applied(patch: &Patch, read: impl Fn(&str) -> Option<Vec<u8>>) -> bool {
    run(&patch.reversed(), &read, Fuzz::None).is_ok()
}

fn run(
    patch: &Patch,
    read: &impl Fn(&str) -> Option<Vec<u8>>,
    fuzz: Fuzz,
) -> Result<Vec<FileWrite>, PatchError> {
    let mut tree = Tree { read, changed: BTreeMap::new() };
    for file in &patch.files {
        tree.take(file, fuzz)?;
    }
    Ok(tree.writes())
}

/// The files as they are after the parts that were applied so far.
struct Tree<'a, R> {
    read: &'a R,
    changed: BTreeMap<String, (Option<Vec<u8>>, Mode)>,
}

impl<R: Fn(&str) -> Option<Vec<u8>>> Tree<'_, R> {
    fn now(&self, path: &str) -> Option<Vec<u8>> {
        match self.changed.get(path) {
            Some((bytes, _)) => bytes.clone(),
            None => (self.read)(path),
        }
    }

    fn take(&mut self, file: &FilePatch, fuzz: Fuzz) -> Result<(), PatchError> {
        let before = match &file.old_path {
            None => Vec::new(),
            Some(path) => self.now(path).ok_or_else(|| PatchError::Missing { path: path.clone() })?,
        };
        let is_other = file.new_path != file.old_path;
        if let Some(path) = file.new_path.as_ref().filter(|path| is_other && self.now(path).is_some()) {
            return Err(PatchError::Exists { path: path.clone() });
        }
        let after = patched(file, &before, fuzz)?;
        let Some(path) = &file.new_path else {
            return self.remove(file, &after);
        };
        let mode = self.mode(file);
        if let Some(old) = file.old_path.as_ref().filter(|_| is_other && !file.is_copy) {
            self.changed.insert(old.clone(), (None, Mode::Keep));
        }
        self.changed.insert(path.clone(), (Some(after), mode));
        Ok(())
    }

    fn remove(&mut self, file: &FilePatch, after: &[u8]) -> Result<(), PatchError> {
        let path = file.name().to_owned();
        // A reversed copy has nothing to compare with.
        if !after.is_empty() {
            return Err(PatchError::NotEmpty { path });
        }
        self.changed.insert(path, (None, Mode::Keep));
        Ok(())
    }

    fn mode(&self, file: &FilePatch) -> Mode {
        let (before, after) = file.executable;
        let is_other = file.new_path != file.old_path;
        match (&file.old_path, after) {
            (None, None) => Mode::Keep,
            (Some(_), Some(after)) if !is_other && before == Some(after) => self.earlier_mode(file.name()),
            (_, Some(after)) => Mode::Executable(after),
            (Some(old), None) if is_other => match self.earlier_mode(old) {
                Mode::Keep => Mode::Like(old.clone()),
                known => known,
            },
            (Some(old), None) => self.earlier_mode(old),
        }
    }

    /// What an earlier part of the patch said of a file.
    fn earlier_mode(&self, path: &str) -> Mode {
        self.changed.get(path).map_or(Mode::Keep, |(_, mode)| mode.clone())
    }

    fn writes(self) -> Vec<FileWrite> {
        let read = self.read;
        let all = self.changed.into_iter().map(|(path, (bytes, mode))| FileWrite { path, bytes, mode });
        all.filter(|write| write.mode != Mode::Keep || write.bytes != read(&write.path)).collect()
    }
}
