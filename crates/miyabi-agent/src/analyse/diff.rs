//! A unified diff as analysers read it: files, hunks, lines with numbers. It is the host's own `git diff`, possibly cut
//! at the end; what can't be read is left out, and the caller knows of the cut.

use std::borrow::Cow;

/// One file's part of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileDiff<'a> {
    /// Its path after the change; before it, if it was deleted.
    pub(super) path: Cow<'a, str>,
    /// Its path before the change, if it was there.
    pub(super) old_path: Option<Cow<'a, str>>,
    pub(super) is_deleted: bool,
    pub(super) hunks: Vec<Hunk<'a>>,
}

impl<'a> FileDiff<'a> {
    pub(super) fn is_new(&self) -> bool {
        self.old_path.is_none()
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line<'a>> {
        self.hunks.iter().flat_map(|hunk| &hunk.lines)
    }

    pub(super) fn added(&self) -> impl Iterator<Item = &Line<'a>> {
        self.lines().filter(|line| line.side == Side::Added)
    }

    pub(super) fn removed(&self) -> impl Iterator<Item = &Line<'a>> {
        self.lines().filter(|line| line.side == Side::Removed)
    }
}

/// Lines that stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk<'a> {
    /// What git says of the place: the nearest heading line above.
    pub(super) section: &'a str,
    pub(super) lines: Vec<Line<'a>>,
}

/// On which side of the change a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Both,
    Added,
    Removed,
}

/// A line, without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) side: Side,
    /// Its number in the new file; for a removed line, that of the line which follows it there.
    pub(super) number: u32,
    pub(super) text: &'a str,
}

/// Reads a diff.
pub(super) fn parse(patch: &str) -> Vec<FileDiff<'_>> {
    let mut files = Vec::new();
    let mut lines = patch.split('\n').peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("diff --git ") {
            files.push(FileDiff {
                path: header_path(line),
                old_path: Some(header_path(line)),
                is_deleted: false,
                hunks: Vec::new(),
            });
            continue;
        }
        let Some(file) = files.last_mut() else { continue };
        if let Some(ranges) = line.strip_prefix("@@ ") {
            let Some((mut old, mut number, mut new, section)) = hunk_header(ranges) else { continue };
            let mut hunk = Hunk { section, lines: Vec::new() };
            while old > 0 || new > 0 {
                let Some(line) = lines.next_if(|line| !line.starts_with("diff --git ")) else { break };
                let Some(side) = side(line) else { continue };
                let text = line.get(1..).unwrap_or_default();
                hunk.lines.push(Line { side, number, text: text.strip_suffix('\r').unwrap_or(text) });
                old -= u32::from(side != Side::Added).min(old);
                new -= u32::from(side != Side::Removed).min(new);
                number = number.saturating_add(u32::from(side != Side::Removed));
            }
            file.hunks.push(hunk);
        } else {
            head(file, line);
        }
    }
    files
}

/// Takes up a line of a file's head.
fn head<'a>(file: &mut FileDiff<'a>, line: &'a str) {
    if line.starts_with("new file mode") {
        file.old_path = None;
    } else if line.starts_with("deleted file mode") {
        file.is_deleted = true;
    } else if let Some(path) = line.strip_prefix("rename from ") {
        file.old_path = Some(unquoted(path));
    } else if let Some(path) = line.strip_prefix("rename to ") {
        file.path = unquoted(path);
    } else if let Some(path) = line.strip_prefix("--- ").and_then(named) {
        file.old_path = Some(path.clone());
        if file.is_deleted {
            file.path = path;
        }
    } else if let Some(path) = line.strip_prefix("+++ ").and_then(named) {
        file.path = path;
    }
}

fn side(line: &str) -> Option<Side> {
    match line.as_bytes().first() {
        // An empty line is a context line whose blank was lost on the way.
        None | Some(b' ') => Some(Side::Both),
        Some(b'+') => Some(Side::Added),
        Some(b'-') => Some(Side::Removed),
        _ => None,
    }
}

/// `-12,3 +12,4 @@ section`: old count, new start, new count, section.
fn hunk_header(text: &str) -> Option<(u32, u32, u32, &str)> {
    let (ranges, section) = text.split_once("@@")?;
    let (old, new) = ranges.trim().split_once(' ')?;
    let (_, old_count) = range(old.strip_prefix('-')?)?;
    let (new_start, new_count) = range(new.strip_prefix('+')?)?;
    Some((old_count, new_start, new_count, section.trim()))
}

fn range(text: &str) -> Option<(u32, u32)> {
    match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

/// The path of `--- a/path` or `+++ b/path`; none for `/dev/null`.
fn named(text: &str) -> Option<Cow<'_, str>> {
    // Git ends a name that has blanks with a tab.
    let text = text.strip_suffix('\t').unwrap_or(text);
    let path = unquoted(text);
    if path == "/dev/null" {
        return None;
    }
    let without = |path: &str| path.split_once('/').map(|(_, rest)| rest.to_owned());
    match path {
        Cow::Borrowed(path) => Some(Cow::Borrowed(path.split_once('/').map_or(path, |(_, rest)| rest))),
        Cow::Owned(path) => Some(Cow::Owned(without(&path).unwrap_or(path))),
    }
}

/// The path of `diff --git a/path b/path` when both are the same; it serves until a better line comes.
fn header_path(line: &str) -> Cow<'_, str> {
    let names = line.strip_prefix("diff --git ").unwrap_or(line);
    let half = names.len() / 2;
    let second = if names.is_char_boundary(half) { names[half..].trim_start() } else { names };
    named(second).unwrap_or(Cow::Borrowed(names))
}

/// A name as git writes it: in quotes with C escapes if it has unusual characters.
fn unquoted(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                while let Some(next) = rest.next_if(|next| (b'0'..=b'7').contains(next)) {
                    value = (value * 8 + u32::from(next - b'0')) & 0xff;
                }
                bytes.push(u8::try_from(value).unwrap_or(b'?'));
            }
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_hunks_and_numbers_are_read() {
        let patch = "diff --git a/src/a.rs b/src/a.rs\nindex 1..2 100644\n--- a/src/a.rs\n+++ b/src/a.rs\n\
            @@ -3,3 +3,4 @@ fn main() {\n one\n-two\n+2\r\n+3\n four\n\
            @@ -20 +21,0 @@\n-gone\n\
            diff --git a/old name b/new name\nsimilarity index 90%\nrename from old name\nrename to new name\n\
            --- a/old name\t\n+++ b/new name\t\n@@ -1 +1 @@\n--- a\n+++ b\n\
            diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n\
            diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n";
        let files = parse(patch);
        let paths: Vec<_> =
            files.iter().map(|file| (&*file.path, file.old_path.as_deref(), file.is_deleted)).collect();
        let expected = [
            ("src/a.rs", Some("src/a.rs"), false),
            ("new name", Some("old name"), false),
            ("n", None, false),
            ("gone", Some("gone"), true),
        ];
        assert_eq!(paths, expected);
        let lines: Vec<_> = files[0].lines().map(|line| (line.side, line.number, line.text)).collect();
        let expected = [
            (Side::Both, 3, "one"),
            (Side::Removed, 4, "two"),
            (Side::Added, 4, "2"),
            (Side::Added, 5, "3"),
            (Side::Both, 6, "four"),
            (Side::Removed, 21, "gone"),
        ];
        assert_eq!(lines, expected);
        assert_eq!(files[0].hunks[0].section, "fn main() {");
        let marks: Vec<_> = files[1].lines().map(|line| line.text).collect();
        assert_eq!(marks, ["-- a", "++ b"], "lines that look like a head are content");
    }

    #[test]
    fn unusual_names_are_read() {
        let patch = "diff --git \"a/\\346\\227\\245\\t\\\"\" \"b/\\346\\227\\245\\t\\\"\"\n\
            --- \"a/\\346\\227\\245\\t\\\"\"\n+++ \"b/\\346\\227\\245\\t\\\"\"\n@@ -1 +1 @@\n-a\n+b\n";
        assert_eq!(parse(patch)[0].path, "日\t\"");
        assert_eq!(parse("diff --git a/日本 b/日本\nold mode 1\nnew mode 2\n")[0].path, "日本");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(patch in "(diff --git |@@ -1,9 \\+1,9 @@|--- |\\+\\+\\+ |rename to |\"a/\\\\[0-9a]|[+ -]|\n|.){0,40}") {
            for file in parse(&patch) {
                prop_assert!(file.lines().count() <= patch.len());
            }
        }
    }
}
