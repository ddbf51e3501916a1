//! Patches: unified diffs as `diff`, `git diff`, `git format-patch` and models write them, applied in memory, all or
//! nothing. Pure: files are read through a function and what is to be written is returned.
//!
//! Contents are bytes; nothing is decoded. Only paths and messages are text.

mod apply;
mod fit;
mod lines;
mod parse;

pub use apply::{FileWrite, Mode, apply, is_applied};
pub use parse::parse;

use crate::path;

/// Larger patches are refused, in bytes.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Patches of more files are refused.
pub const MAX_FILES: usize = 2000;
/// Files that would become larger are refused, in bytes.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// A patch that was read, with all paths checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Its files, in its order. A file may be there more than once: several commits in one text.
    pub files: Vec<FilePatch>,
}

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePatch {
    /// The path before; `None` for a new file.
    pub old_path: Option<String>,
    /// The path after; `None` for a file that is removed.
    pub new_path: Option<String>,
    /// Whether the old path stays.
    pub is_copy: bool,
    /// Whether it is executable before and after, where the patch says so.
    pub executable: (Option<bool>, Option<bool>),
    /// The parts that change.
    pub hunks: Vec<Hunk>,
}

/// Lines that change together, with those around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The first line of the old file, from 1, where the patch says so. 0 for an empty file.
    pub old_start: Option<usize>,
    /// The first line of the new file.
    pub new_start: Option<usize>,
    /// The lines.
    pub lines: Vec<HunkLine>,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkLine {
    /// What happens to it.
    pub operation: Operation,
    /// Its content without the line feed. A carriage return before that is content.
    pub bytes: Vec<u8>,
    /// Whether it is the last one and has no line feed.
    pub is_open: bool,
}

/// What happens to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
    /// It comes.
    Add,
}

/// Why a patch can't be read or does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// There is no diff in the text.
    #[error(
        "no diff found; a patch begins with `--- a/path`, `+++ b/path` and `@@ -line,count +line,count @@`"
    )]
    Empty,
    /// It is too large.
    #[error("the patch is larger than {MAX_BYTES} bytes or {MAX_FILES} files")]
    TooLarge,
    /// A line can't be understood.
    #[error("line {line} of the patch: {problem}")]
    Syntax {
        /// The line of the patch, from 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// It changes bytes that are no text.
    #[error("`{path}` is binary; binary patches are not taken")]
    Binary {
        /// The file.
        path: String,
    },
    /// A path is not allowed.
    #[error("`{path}`: {reason}")]
    Path {
        /// The path.
        path: String,
        /// Why.
        reason: path::Error,
    },
    /// It is about a link or a submodule.
    #[error("`{path}` would become a link or a submodule; only plain files are taken")]
    Kind {
        /// The file.
        path: String,
    },
    /// The file that it changes is not there.
    #[error("there is no file `{path}`")]
    Missing {
        /// The file.
        path: String,
    },
    /// The file that it makes is there.
    #[error("`{path}` is there already")]
    Exists {
        /// The file.
        path: String,
    },
    /// A hunk's old lines are not in the file.
    #[error("hunk {hunk} of `{path}` does not fit{near}")]
    NoFit {
        /// The file.
        path: String,
        /// The hunk, from 1.
        hunk: usize,
        /// What stands where it should fit.
        near: String,
    },
    /// A hunk's old lines are in the file more than once, and not where the patch says.
    #[error("hunk {hunk} of `{path}` fits at lines {}; add lines around it", join(lines))]
    Ambiguous {
        /// The file.
        path: String,
        /// The hunk, from 1.
        hunk: usize,
        /// Where it fits, from 1.
        lines: Vec<usize>,
    },
    /// A file is to be removed, but not all of its content is in the patch.
    #[error("`{path}` is to be removed, but has other content than the patch shows")]
    NotEmpty {
        /// The file.
        path: String,
    },
    /// A file would become too large.
    #[error("`{path}` would become larger than {MAX_FILE_BYTES} bytes")]
    FileTooLarge {
        /// The file.
        path: String,
    },
    /// After a crash: nobody can tell whether it was applied.
    #[error("whether `{path}` was patched already can't be told; read it")]
    Undecidable {
        /// The file.
        path: String,
    },
}

impl Patch {
    /// The files that must be read to apply it or to see whether it was applied, each once.
    pub fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = self
            .files
            .iter()
            .flat_map(|file| [&file.old_path, &file.new_path])
            .flatten()
            .map(String::as_str)
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// The patch that takes this one back.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { files: self.files.iter().rev().map(FilePatch::reversed).collect() }
    }
}

impl FilePatch {
    /// The name to speak of it by.
    pub fn name(&self) -> &str {
        self.new_path.as_deref().or(self.old_path.as_deref()).unwrap_or_default()
    }

    fn reversed(&self) -> Self {
        // Taking back a copy removes the new file; nothing can be said about its content without the old one.
        let reverse = |line: &HunkLine| {
            let operation = match line.operation {
                Operation::Keep => Operation::Keep,
                Operation::Remove => Operation::Add,
                Operation::Add => Operation::Remove,
            };
            HunkLine { operation, ..line.clone() }
        };
        let hunk = |hunk: &Hunk| Hunk {
            old_start: hunk.new_start,
            new_start: hunk.old_start,
            lines: hunk.lines.iter().map(reverse).collect(),
        };
        Self {
            old_path: self.new_path.clone(),
            new_path: if self.is_copy { None } else { self.old_path.clone() },
            is_copy: false,
            executable: (self.executable.1, self.executable.0),
            hunks: self.hunks.iter().map(hunk).collect(),
        }
    }
}

impl Hunk {
    /// The lines of the old file.
    fn old_lines(&self) -> impl Iterator<Item = &HunkLine> {
        self.lines.iter().filter(|line| line.operation != Operation::Add)
    }
}

fn join(lines: &[usize]) -> String {
    lines.iter().take(10).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
