//! Reads a patch. Counts in hunk headers are believed while they agree with the lines; models often miscount, so what
//! follows is read by its first characters.

mod header;

use std::borrow::Cow;

use self::header::{FileHead, hunk_range};
use super::{FilePatch, Hunk, HunkLine, MAX_BYTES, MAX_FILES, Operation, Patch, PatchError};

/// More empty lines than this in a row end a hunk whose counts don't ask for them.
const LOOKED_AHEAD: usize = 64;

/// Reads a patch; what stands before, between and after its diffs (a mail, a commit message) is left out.
///
/// # Errors
/// Everything that [`PatchError`] says about the text itself: syntax, size, paths, binary content.
pub fn parse(text: &[u8]) -> Result<Patch, PatchError> {
    if text.len() > MAX_BYTES {
        return Err(PatchError::TooLarge);
    }
    let mut reader = Reader::new(text);
    let mut files = Vec::new();
    while let Some(head) = reader.next_head()? {
        files.push(reader.file(head)?);
        if files.len() > MAX_FILES {
            return Err(PatchError::TooLarge);
        }
    }
    if files.is_empty() { Err(PatchError::Empty) } else { Ok(Patch { files }) }
}

struct Reader<'a> {
    lines: Vec<&'a [u8]>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        if lines.last().is_some_and(|last| last.is_empty()) {
            lines.pop();
        }
        // A patch that came through a mail or an editor with CRLF has them in its headers too.
        let is_header = |line: &&&[u8]| line.starts_with(b"@@ ") || line.starts_with(b"+++ ");
        let mut headers = lines.iter().filter(is_header).peekable();
        if headers.peek().is_some() && headers.all(|line| line.ends_with(b"\r")) {
            lines = lines.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
        }
        Self { lines, at: 0 }
    }

    fn line(&self) -> Option<&'a [u8]> {
        self.lines.get(self.at).copied()
    }

    fn is_at_head(&self) -> bool {
        let Some(line) = self.line() else { return true };
        let starts = |after: usize, mark: &[u8]| {
            self.lines.get(self.at + after).is_some_and(|line| line.starts_with(mark))
        };
        // Without a hunk below them, the two lines are words of a commit message.
        line.starts_with(b"diff --git ") || starts(0, b"--- ") && starts(1, b"+++ ") && starts(2, b"@@")
    }

    fn syntax(&self, problem: &'static str) -> PatchError {
        PatchError::Syntax { line: self.at + 1, problem }
    }

    /// The head of the next file; `None` at the end.
    fn next_head(&mut self) -> Result<Option<FileHead<'a>>, PatchError> {
        while !self.is_at_head() {
            if self.line().is_some_and(|line| line.starts_with(b"@@ -")) {
                return Err(self.syntax("a hunk without `--- a/path` and `+++ b/path` before it"));
            }
            self.at += 1;
        }
        let Some(first) = self.line() else { return Ok(None) };
        let mut head = FileHead::default();
        if first.starts_with(b"diff --git ") {
            head.git = Some(text(&first[b"diff --git ".len()..]));
            self.at += 1;
            while let Some(line) = self.line().filter(|line| head.take(&text(line))) {
                if line.starts_with(b"GIT binary patch") || line.starts_with(b"Binary files ") {
                    return Err(PatchError::Binary { path: head.shown_name() });
                }
                self.at += 1;
            }
        }
        if self.is_at_head() && self.line().is_some_and(|line| line.starts_with(b"--- ")) {
            head.old = self.line().map(|line| text(&line[4..]));
            head.new = self.lines.get(self.at + 1).map(|line| text(&line[4..]));
            self.at += 2;
        }
        Ok(Some(head))
    }

    fn file(&mut self, head: FileHead<'a>) -> Result<FilePatch, PatchError> {
        let mut file = head.into_file()?;
        while self.line().is_some_and(|line| line.starts_with(b"@@")) {
            file.hunks.push(self.hunk()?);
        }
        let is_change =
            !file.hunks.is_empty() || file.old_path != file.new_path || file.executable != (None, None);
        if !is_change {
            return Err(self.syntax("a file without hunks; each begins with `@@ -line,count +line,count @@`"));
        }
        Ok(file)
    }

    fn hunk(&mut self) -> Result<Hunk, PatchError> {
        let header = self.line().map(text).unwrap_or_default();
        let range = hunk_range(&header)
            .ok_or_else(|| self.syntax("not of the form `@@ -line,count +line,count @@`"))?;
        self.at += 1;
        let (mut old, mut new) = (range.old_count, range.new_count);
        let mut lines: Vec<HunkLine> = Vec::new();
        while let Some(line) = self.line() {
            let is_over = match old > 0 || new > 0 {
                true => line.starts_with(b"@@ -") || self.is_signature() || self.is_next_file(old, new),
                false => self.ends_hunk(line),
            };
            if is_over {
                break;
            }
            let Some(operation) = operation(line) else {
                if line.first() == Some(&b'\\') {
                    if let Some(last) = lines.last_mut() {
                        last.is_open = true;
                    }
                    self.at += 1;
                    continue;
                }
                break;
            };
            let bytes = line.get(1..).unwrap_or_default().to_vec();
            old = old.saturating_sub(usize::from(operation != Operation::Add));
            new = new.saturating_sub(usize::from(operation != Operation::Remove));
            lines.push(HunkLine { operation, bytes, is_open: false });
            self.at += 1;
        }
        // Empty lines at a too early end are space between parts, not context.
        while old > 0
            && new > 0
            && lines.last().is_some_and(|line| line.operation == Operation::Keep && line.bytes.is_empty())
        {
            lines.pop();
        }
        if lines.iter().all(|line| line.operation == Operation::Keep) {
            return Err(self.syntax("a hunk that changes nothing"));
        }
        Ok(Hunk { old_start: range.old_start, new_start: range.new_start, lines })
    }

    /// The end of a mail by `git format-patch`: `-- ` and git's version.
    fn is_signature(&self) -> bool {
        let version = self.lines.get(self.at + 1).and_then(|line| line.first());
        self.line() == Some(b"-- ") && version.is_some_and(u8::is_ascii_digit)
    }

    /// Whether a hunk whose counts are fulfilled, or that has none, ends before this line.
    fn ends_hunk(&self, line: &[u8]) -> bool {
        // Empty lines belong to what follows them.
        let rest = self.lines[self.at..].iter().take(LOOKED_AHEAD);
        let Some(next) = rest.into_iter().find(|line| !line.is_empty()) else { return true };
        let is_signature = *next == b"-- " || *next == b"--";
        let is_other = operation(next).is_none() && next.first() != Some(&b'\\');
        is_signature
            || is_other
            || next.starts_with(b"diff --git ")
            || line.is_empty() && next.starts_with(b"--- ")
            || self.is_at_head()
    }

    /// Whether a hunk that is too short for its counts is followed by the next file. With both counts open, a line
    /// `--- x` before `+++ y` could be content; that of a real diff then is followed by a hunk header.
    fn is_next_file(&self, old: usize, new: usize) -> bool {
        let is_git = self.line().is_some_and(|line| line.starts_with(b"diff --git "));
        is_git || self.is_at_head() && !(old >= 1 && new >= 1 && self.fits_as_content(old, new))
    }

    /// Whether reading on as content would fulfil the counts exactly before the next header.
    fn fits_as_content(&self, mut old: usize, mut new: usize) -> bool {
        for line in &self.lines[self.at..] {
            if old == 0 && new == 0 {
                return true;
            }
            match operation(line) {
                Some(Operation::Keep) if old > 0 && new > 0 => (old, new) = (old - 1, new - 1),
                Some(Operation::Remove) if old > 0 => old -= 1,
                Some(Operation::Add) if new > 0 => new -= 1,
                None if line.first() == Some(&b'\\') => {}
                _ => return false,
            }
        }
        old == 0 && new == 0
    }
}

fn operation(line: &[u8]) -> Option<Operation> {
    match line.first() {
        // The blank of an empty context line gets lost in many editors.
        None | Some(b' ') => Some(Operation::Keep),
        Some(b'\r') if line.len() == 1 => Some(Operation::Keep),
        Some(b'+') => Some(Operation::Add),
        Some(b'-') => Some(Operation::Remove),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
