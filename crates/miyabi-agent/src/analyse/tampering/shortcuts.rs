//! Lines within tests that end them before they can fail.

use super::language::{Language, is_comment};
use super::{seen, shown, squeezed};
use crate::analyse::diff::{FileDiff, Hunk, Line, Side};
use crate::analyse::pattern::patterns;
use crate::analyse::place::{is_code, is_test_path};
use crate::analyse::signal::{Signal, Weight};

patterns! {
    LEAVES = r"\b(?:sys\.exit|os\._exit|process\.exit|std::process::exit|os\.Exit|System\.exit)\(\s*0?\s*\)|^\s*exit\s*\(?\s*0\s*\)?;?\s*$";
    SWALLOWS = r"\bexcept\s*\(?\s*(?:AssertionError|BaseException)|\bexcept\s*:\s*(?:pass)?\s*$|\bsuppress\(\s*(?:AssertionError|Exception|BaseException)|\bcatch\s*\(\s*(?:final\s+)?(?:AssertionError|AssertionFailedError|Throwable)|\bcatch\s*(?:\(\s*\w*\s*\))?\s*\{\s*\}|\bcatch_unwind\(";
    RETURNS = r"^\s*return\s*(?:;|$|None\s*$|true;?\s*$|Ok\(\(\)\);?\s*$)";
    RETRIES = r"\b(?:jest\.)?retryTimes\(|\bthis\.retries\(|@pytest\.mark\.flaky|@(?:Flaky|RetryingTest|RepeatedIfExceptionsTest)\b|\bretries\s*[:=]\s*[1-9]|\bretry:\s*[1-9]";
    WAITS = r"\b(?:jest\.)?setTimeout\(\s*\d{4,}|\btestTimeout\b|\bthis\.timeout\(|@pytest\.mark\.timeout|\bslow-timeout\b|\btimeout\s*[:=]\s*\d{4,}";
}

pub(super) fn signals(file: &FileDiff<'_>) -> Vec<Signal> {
    if !is_test_path(&file.path) || !is_code(&file.path) {
        return Vec::new();
    }
    let before: Vec<String> = file.removed().map(|line| squeezed(line.text)).collect();
    let is_new = |line: &Line<'_>| !is_comment(line.text) && !before.contains(&squeezed(line.text));
    let mut signals = Vec::new();
    for hunk in &file.hunks {
        for (at, line) in hunk.lines.iter().enumerate() {
            if line.side == Side::Added && is_new(line) {
                signals.extend(of_line(file, hunk, at, line));
            }
        }
    }
    signals
}

fn of_line(file: &FileDiff<'_>, hunk: &Hunk<'_>, at: usize, line: &Line<'_>) -> Option<Signal> {
    let language = Language::of(&file.path);
    let text = line.text;
    let (weight, what, remedy) = if language.skips_inside.is_match(text) {
        let is_new = test_around(hunk, at, language).map_or(file.is_new(), |test| test.side == Side::Added);
        let weight = if is_new { Weight::Minor } else { Weight::Wrong };
        (weight, "skips the test", "make it pass instead")
    } else if LEAVES.is_match(text) {
        (Weight::Wrong, "ends the process as if all were well", "let the tests run to their end")
    } else if SWALLOWS.is_match(text) {
        let weight = if text.contains("Assert") { Weight::Wrong } else { Weight::Minor };
        (weight, "may swallow a failed assertion", "catch only what the test is about")
    } else if RETURNS.is_match(text) && is_first_in_old_test(hunk, at, language) {
        (Weight::Wrong, "leaves the test at its beginning", "make it pass instead")
    } else if RETRIES.is_match(text) {
        (Weight::Minor, "lets a test be tried until it passes", "find out why it fails at times")
    } else if WAITS.is_match(text) {
        (Weight::Note, "changes how long a test may take", "make sure that nothing got slower")
    } else {
        return None;
    };
    Some(seen(weight, &file.path, Some(line.number), format!("{} {what}", shown(text)), remedy))
}

/// The declaration above a line, if it is in sight.
fn test_around<'a>(hunk: &'a Hunk<'a>, at: usize, language: &Language) -> Option<&'a Line<'a>> {
    let above = hunk.lines[..at].iter().rev().filter(|line| line.side != Side::Removed);
    above.into_iter().find(|line| language.declares.is_match(line.text))
}

fn is_first_in_old_test(hunk: &Hunk<'_>, at: usize, language: &Language) -> bool {
    let above = hunk.lines[..at]
        .iter()
        .rev()
        .filter(|line| line.side != Side::Removed && !line.text.trim().is_empty());
    above
        .into_iter()
        .next()
        .is_some_and(|line| line.side == Side::Both && language.declares.is_match(line.text))
}
