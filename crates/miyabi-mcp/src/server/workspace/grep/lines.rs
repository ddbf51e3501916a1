//! Searching one file. Pure.

use regex::bytes::Regex;

use crate::text;

/// Lines that are shown of one file.
const PER_FILE: usize = 100;
const LINE_BYTES: usize = 300;
/// Where a NUL marks a file as binary, in bytes from its beginning; as git does it.
const LOOKED_AT: usize = 8000;

/// What was found in a file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    pub(super) parts: Vec<Part>,
    pub(super) has_more: bool,
    pub(super) is_skipped: bool,
}

/// A line that fits, or lines around one.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    pub(super) text: String,
    /// Lines that fit: 0 or 1.
    pub(super) lines: usize,
    /// Whether lines are missing between this and the part before.
    pub(super) is_apart: bool,
}

impl Found {
    pub(super) fn skipped() -> Self {
        Self { is_skipped: true, ..Self::default() }
    }
}

/// Lines that fit as `path:number:text`, those around them as `path-number-text`.
pub(super) fn search(path: &str, content: &[u8], regex: &Regex, context: usize) -> Found {
    if content[..content.len().min(LOOKED_AT)].contains(&0) {
        return Found::default();
    }
    let lines: Vec<&[u8]> =
        content.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    // What follows the last line feed is no line if it is empty.
    let count = lines.len() - usize::from(lines.last().is_some_and(|last| last.is_empty()));
    let fitting: Vec<usize> = (0..count).filter(|at| regex.is_match(lines[*at])).take(PER_FILE + 1).collect();
    let mut found = Found { has_more: fitting.len() > PER_FILE, ..Found::default() };
    let mut next = 0;
    for at in fitting.iter().take(PER_FILE) {
        let first = at.saturating_sub(context).max(next);
        let end = (at + context + 1).min(count);
        for (number, line) in lines.iter().enumerate().take(end).skip(first) {
            if number > *at && fitting.binary_search(&number).is_ok() {
                break;
            }
            let is_match = number == *at;
            let mark = if is_match { ':' } else { '-' };
            let line = text::cut(&text::escape(&String::from_utf8_lossy(line)), LINE_BYTES);
            found.parts.push(Part {
                text: format!("{path}{mark}{}{mark}{line}\n", number + 1),
                lines: usize::from(is_match),
                is_apart: context > 0 && number > next,
            });
            next = number + 1;
        }
    }
    found
}
