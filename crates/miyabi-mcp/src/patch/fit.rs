//! Where a hunk fits in a file, and what the file is afterwards.

use std::cell::Cell;

use super::lines::{bare, content, is_crlf, split};
use super::{FilePatch, Hunk, HunkLine, MAX_FILE_BYTES, Operation, PatchError};
use crate::text;

/// Places that are named when there is more than one.
const NAMED: usize = 10;
const SHOWN_BYTES: usize = 120;
/// Lines that are compared in search of one hunk's place. Texts made of equal lines would take time in proportion to
/// the product of both lengths.
const MAX_COMPARED: usize = 20_000_000;

/// Whether hunks may move from where the patch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fuzz {
    /// To the one other place where they fit.
    Offset,
    /// Not at all.
    None,
}

/// The bytes of a file after its hunks.
pub(super) fn patched(file: &FilePatch, before: &[u8], fuzz: Fuzz) -> Result<Vec<u8>, PatchError> {
    let old = split(before);
    let mut new: Vec<u8> = Vec::with_capacity(before.len());
    let (mut done, mut drift) = (0, 0i64);
    for (index, hunk) in file.hunks.iter().enumerate() {
        let fits = Search {
            file,
            hunk,
            number: index + 1,
            old: &old,
            from: done,
            drift,
            fuzz,
            compared: Cell::new(0),
        };
        let at = fits.place()?;
        if let Some(said) = said_place(hunk) {
            drift = i64::try_from(at).unwrap_or(0) - i64::try_from(said).unwrap_or(0);
        }
        old[done..at].iter().for_each(|line| push(&mut new, line));
        done = write(&mut new, hunk, &old, at);
        if new.len() > MAX_FILE_BYTES {
            return Err(PatchError::FileTooLarge { path: file.name().to_owned() });
        }
    }
    old[done..].iter().for_each(|line| push(&mut new, line));
    if new.len() > MAX_FILE_BYTES {
        return Err(PatchError::FileTooLarge { path: file.name().to_owned() });
    }
    Ok(new)
}

/// Writes what a hunk leaves; returns the place after its old lines.
fn write(new: &mut Vec<u8>, hunk: &Hunk, old: &[&[u8]], at: usize) -> usize {
    // If the file has carriage returns where the patch has none (or the other way round), what is added follows the
    // file.
    let is_exact = hunk.old_lines().zip(&old[at..]).all(|(wanted, line)| content(line) == wanted.bytes);
    let mut done = at;
    for line in &hunk.lines {
        match line.operation {
            Operation::Keep => {
                push(new, old[done]);
                done += 1;
            }
            Operation::Remove => done += 1,
            Operation::Add if is_exact => push(new, &with_end(&line.bytes, line.is_open, false)),
            Operation::Add => {
                let neighbour =
                    old.get(done).or_else(|| done.checked_sub(1).and_then(|before| old.get(before)));
                let is_crlf = neighbour.is_some_and(|line| is_crlf(line));
                push(new, &with_end(bare(&line.bytes), line.is_open, is_crlf));
            }
        }
    }
    done
}

fn with_end(bytes: &[u8], is_open: bool, is_crlf: bool) -> Vec<u8> {
    let mut line = bytes.to_vec();
    if !is_open {
        line.extend_from_slice(if is_crlf { b"\r\n" } else { b"\n" });
    }
    line
}

/// Adds a line; one before it that had no line feed, because it was the last, gets one.
fn push(new: &mut Vec<u8>, line: &[u8]) {
    if new.last().is_some_and(|last| *last != b'\n') && !line.is_empty() {
        new.push(b'\n');
    }
    new.extend_from_slice(line);
}

/// The place that a hunk names, counted from 0. A hunk without old lines stands after the line it names.
fn said_place(hunk: &Hunk) -> Option<usize> {
    let start = hunk.old_start?;
    let has_old = hunk.old_lines().next().is_some();
    Some(if has_old { start.saturating_sub(1) } else { start })
}

struct Search<'a> {
    file: &'a FilePatch,
    hunk: &'a Hunk,
    number: usize,
    old: &'a [&'a [u8]],
    /// Lines before this one belong to hunks before.
    from: usize,
    /// How far hunks before were moved.
    drift: i64,
    fuzz: Fuzz,
    compared: Cell<usize>,
}

impl Search<'_> {
    fn place(&self) -> Result<usize, PatchError> {
        let expected = said_place(self.hunk).map(|said| {
            let moved = i64::try_from(said).unwrap_or(i64::MAX).saturating_add(self.drift).max(0);
            usize::try_from(moved).unwrap_or(usize::MAX)
        });
        if let Some(place) = expected.filter(|place| *place >= self.from && self.fits(*place)) {
            return Ok(place);
        }
        let wanted = self.hunk.old_lines().count();
        let last = self.old.len().saturating_sub(wanted);
        let has_place = self.fuzz == Fuzz::Offset && wanted > 0;
        let mut places = (self.from..=last).filter(|place| has_place && self.fits(*place));
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (Some(first), Some(second)) => {
                let lines =
                    [first, second].into_iter().chain(places.take(NAMED)).map(|place| place + 1).collect();
                Err(PatchError::Ambiguous { path: self.file.name().to_owned(), hunk: self.number, lines })
            }
            _ if wanted == 0 && expected.is_none() && self.old.is_empty() => Ok(0),
            _ => Err(self.no_fit(expected)),
        }
    }

    fn fits(&self, place: usize) -> bool {
        let Some(lines) = self.old.get(place..) else { return false };
        let mut lines = lines.iter();
        let mut is_next = |wanted: &HunkLine| {
            self.compared.set(self.compared.get() + 1);
            lines.next().is_some_and(|line| is_same(wanted, line))
        };
        self.compared.get() < MAX_COMPARED && self.hunk.old_lines().all(&mut is_next)
    }

    /// Says what stands where the hunk should fit.
    fn no_fit(&self, expected: Option<usize>) -> PatchError {
        let place = expected.unwrap_or(self.from);
        let lines = self.old.get(place..).unwrap_or_default();
        let mut wanted = self.hunk.old_lines().enumerate();
        let near = wanted.find_map(|(index, wanted)| match lines.get(index) {
            Some(line) if is_same(wanted, line) => None,
            Some(line) => Some(format!(
                ": line {} is `{}`, the patch expects `{}`",
                place + index + 1,
                shown(line),
                shown(&wanted.bytes)
            )),
            None => Some(format!(
                ": the file has {} lines, the patch expects `{}` at line {}",
                self.old.len(),
                shown(&wanted.bytes),
                place + index + 1
            )),
        });
        let path = self.file.name().to_owned();
        PatchError::NoFit { path, hunk: self.number, near: near.unwrap_or_default() }
    }
}

/// Whether a line of the file is the one that the patch means: a carriage return at its end does not count, and a
/// patch that says that a line has no line feed means the last one.
fn is_same(wanted: &HunkLine, line: &[u8]) -> bool {
    let is_open = !line.ends_with(b"\n");
    (is_open || !wanted.is_open) && bare(line) == bare(&wanted.bytes)
}

fn shown(line: &[u8]) -> String {
    text::cut(&text::escape(&String::from_utf8_lossy(bare(line))), SHOWN_BYTES)
}
