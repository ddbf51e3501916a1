//! The lines before a file's hunks, and those before a hunk's lines.

use std::borrow::Cow;

use super::super::{FilePatch, PatchError};
use crate::path;
use crate::text;

/// What stands before a file's hunks, as it is written.
#[derive(Debug, Default)]
pub(super) struct FileHead<'a> {
    /// What follows `diff --git `.
    pub(super) git: Option<Cow<'a, str>>,
    /// What follows `--- `.
    pub(super) old: Option<Cow<'a, str>>,
    /// What follows `+++ `.
    pub(super) new: Option<Cow<'a, str>>,
    from: Option<String>,
    to: Option<String>,
    is_copy: bool,
    is_new: bool,
    is_deleted: bool,
    old_mode: Option<u32>,
    new_mode: Option<u32>,
}

impl FileHead<'_> {
    /// Takes up an extended header line of git; whether it was one.
    pub(super) fn take(&mut self, line: &str) -> bool {
        let line = line.trim_end_matches('\r');
        let after = |prefix: &str| line.strip_prefix(prefix);
        let mode = |text: &str| u32::from_str_radix(text.trim(), 8).ok();
        if let Some(text) = after("old mode ") {
            self.old_mode = mode(text);
        } else if let Some(text) = after("new mode ") {
            self.new_mode = mode(text);
        } else if let Some(text) = after("new file mode ") {
            (self.is_new, self.new_mode) = (true, mode(text));
        } else if let Some(text) = after("deleted file mode ") {
            (self.is_deleted, self.old_mode) = (true, mode(text));
        } else if let Some(text) = after("rename from ") {
            self.from = Some(unquoted(text));
        } else if let Some(text) = after("rename to ") {
            self.to = Some(unquoted(text));
        } else if let Some(text) = after("copy from ") {
            (self.is_copy, self.from) = (true, Some(unquoted(text)));
        } else if let Some(text) = after("copy to ") {
            self.to = Some(unquoted(text));
        } else if let Some(text) = after("index ") {
            let index_mode = text.split_once(' ').and_then(|(_, text)| mode(text));
            (self.old_mode, self.new_mode) = (self.old_mode.or(index_mode), self.new_mode.or(index_mode));
        } else {
            let others = ["similarity index ", "dissimilarity index ", "GIT binary patch", "Binary files "];
            return others.iter().any(|other| line.starts_with(other));
        }
        true
    }

    /// A name for messages, before the paths are known to be good.
    pub(super) fn shown_name(&self) -> String {
        let name = self
            .git
            .as_deref()
            .and_then(same_on_both_sides)
            .or_else(|| self.git.as_deref().map(str::to_owned));
        text::cut(&text::escape(&name.unwrap_or_default()), 200)
    }

    pub(super) fn into_file(self) -> Result<FilePatch, PatchError> {
        let (old, new) = self.names();
        let checked = |path: Option<String>| match path {
            None => Ok(None),
            Some(path) => path::checked(&path)
                .map(Some)
                .map_err(|reason| PatchError::Path { path: text::cut(&text::escape(&path), 200), reason }),
        };
        let (old_path, new_path) = (checked(old)?, checked(new)?);
        if old_path.is_none() && new_path.is_none() {
            return Err(PatchError::Path { path: self.shown_name(), reason: path::Error::Empty });
        }
        let executable = |mode: Option<u32>| match mode {
            None => Ok(None),
            Some(0o100_755) => Ok(Some(true)),
            Some(0o100_644 | 0o100_664) => Ok(Some(false)),
            Some(_) => Err(PatchError::Kind { path: self.shown_name() }),
        };
        let executable = (executable(self.old_mode)?, executable(self.new_mode)?);
        Ok(FilePatch { old_path, new_path, is_copy: self.is_copy, executable, hunks: Vec::new() })
    }

    /// Old and new name, as far as there are any.
    fn names(&self) -> (Option<String>, Option<String>) {
        if let (Some(from), Some(to)) = (&self.from, &self.to) {
            return (Some(from.clone()), Some(to.clone()));
        }
        let (old, new) = match (&self.old, &self.new) {
            (Some(old), Some(new)) => without_prefixes(file_name(old), file_name(new)),
            _ => {
                let name = self.git.as_deref().and_then(same_on_both_sides);
                (name.clone(), name)
            }
        };
        (old.filter(|_| !self.is_new), new.filter(|_| !self.is_deleted))
    }
}

/// Start lines and counts of `@@ -1,2 +3,4 @@ section`. Models also write `@@` alone, or with text instead of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) old_start: Option<usize>,
    pub(super) old_count: usize,
    pub(super) new_start: Option<usize>,
    pub(super) new_count: usize,
}

pub(super) fn hunk_range(line: &str) -> Option<Range> {
    let rest = line.strip_prefix("@@")?;
    let Some(rest) = rest.trim_start().strip_prefix('-') else {
        return Some(Range { old_start: None, old_count: 0, new_start: None, new_count: 0 });
    };
    let ranges = rest.split("@@").next()?;
    let (old, new) = ranges.trim().split_once(' ')?;
    let (old_start, old_count) = start_and_count(old)?;
    let (new_start, new_count) = start_and_count(new.trim().strip_prefix('+')?)?;
    Some(Range { old_start: Some(old_start), old_count, new_start: Some(new_start), new_count })
}

fn start_and_count(text: &str) -> Option<(usize, usize)> {
    // More lines than a patch can have bytes are a mistake or an attack.
    let number = |text: &str| text.parse::<u32>().ok().map(|number| number as usize);
    match text.split_once(',') {
        Some((start, count)) => Some((number(start)?, number(count)?)),
        None => Some((number(text)?, 1)),
    }
}

/// The name in `--- name<tab>time`; `None` for `/dev/null`.
fn file_name(text: &str) -> Option<String> {
    let text = text.trim_end_matches('\r');
    let name = if text.starts_with('"') {
        // Git ends names with blanks with a tab, also quoted ones.
        unquoted(text.trim_end())
    } else {
        text.split('\t').next().unwrap_or_default().to_owned()
    };
    let name = name.trim_end().to_owned();
    (name != "/dev/null").then_some(name)
}

/// Takes `a/` and `b/` away, and the other prefixes that git can be told to use.
fn without_prefixes(old: Option<String>, new: Option<String>) -> (Option<String>, Option<String>) {
    let strip = |name: &str, prefixes: &[&str]| {
        prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).map(str::to_owned)
    };
    const OLD: &[&str] = &["a/", "i/", "c/", "o/"];
    const NEW: &[&str] = &["b/", "w/", "i/"];
    let (bare_old, bare_new) =
        (old.as_deref().map(|name| strip(name, OLD)), new.as_deref().map(|name| strip(name, NEW)));
    match (bare_old, bare_new) {
        (Some(Some(old)), Some(Some(new))) => (Some(old), Some(new)),
        (None, Some(Some(new))) => (None, Some(new)),
        (Some(Some(old)), None) => (Some(old), None),
        _ => (old, new),
    }
}

/// The path of `a/path b/path`, if both are the same.
fn same_on_both_sides(names: &str) -> Option<String> {
    let names = names.trim_end_matches('\r');
    if names.starts_with('"') {
        let (old, new) = names.split_once("\" ")?;
        return without_prefixes(Some(unquoted(&format!("{old}\""))), Some(unquoted(new))).1;
    }
    let middle = names.len() / 2;
    if !names.is_char_boundary(middle) || names.as_bytes().get(middle) != Some(&b' ') {
        return None;
    }
    let (old, new) = without_prefixes(Some(names[..middle].to_owned()), Some(names[middle + 1..].to_owned()));
    if old == new { new } else { None }
}

/// A name as git writes it: in quotes with C escapes if it has unusual characters.
fn unquoted(text: &str) -> String {
    let text = text.trim_end_matches('\r');
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes().peekable();
    while let Some(byte) = rest.next() {
        let escaped = if byte == b'\\' { rest.next() } else { None };
        match escaped {
            None => bytes.push(byte),
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    if let Some(next) = rest.next_if(|next| (b'0'..=b'7').contains(next)) {
                        value = value * 8 + u32::from(next - b'0');
                    }
                }
                bytes.push(u8::try_from(value & 0xff).unwrap_or_default());
            }
            Some(other) => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let range = |old_start, old_count, new_start, new_count| {
            Some(Range { old_start, old_count, new_start, new_count })
        };
        assert_eq!(hunk_range("@@ -1,2 +3,4 @@ fn main() {"), range(Some(1), 2, Some(3), 4));
        assert_eq!(hunk_range("@@ -1 +1 @@"), range(Some(1), 1, Some(1), 1));
        assert_eq!(hunk_range("@@"), range(None, 0, None, 0));
        assert_eq!(hunk_range("@@ fn main() {"), range(None, 0, None, 0));
        assert_eq!(hunk_range("@@ -a,2 +3,4 @@"), None);
        assert_eq!(hunk_range("@@ -99999999999,2 +3,4 @@"), None);
    }

    #[test]
    fn names_lose_their_prefixes() {
        let names = |old: &str, new: &str| without_prefixes(file_name(old), file_name(new));
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(names("a/x", "b/x"), (some("x"), some("x")));
        assert_eq!(names("/dev/null", "b/x"), (None, some("x")));
        assert_eq!(names("a/x", "/dev/null"), (some("x"), None));
        assert_eq!(names("x\t2026-01-01 00:00:00", "x\t2026-01-02 00:00:00"), (some("x"), some("x")));
        assert_eq!(names("a/x", "a/x"), (some("a/x"), some("a/x")));
        assert_eq!(names("\"a/\\346\\227\\245\"", "\"b/\\346\\227\\245\""), (some("日"), some("日")));
        assert_eq!(same_on_both_sides("a/a b b/a b"), some("a b"));
        assert_eq!(same_on_both_sides("\"a/\\t\" \"b/\\t\""), some("\t"));
        assert_eq!(same_on_both_sides("a/x b/y"), None);
    }
}
