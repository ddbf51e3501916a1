//! Tampering: a change that makes the checks pass by making them weaker.
//!
//! Tests that are gone, skipped or say less; checks that can't fail any more; suites that leave tests out. What is
//! certain fails the gate. What may be right (an edited pipeline) leaves it open for a person. What is common in honest
//! work (one lint switched off at one place) goes to the reviewers.

mod assertions;
mod commands;
mod configuration;
mod declared;
mod language;
mod shortcuts;
mod suppressions;
mod thresholds;

use miyabi_core::gate::{Gate, GateResult};
use miyabi_core::port::repositories::{Change, FileChangeKind};

use self::language::Language;
use super::diff::FileDiff;
use super::place::{is_ci, is_code, is_test_path};
use super::signal::{self, Signal, Weight};

const SOURCE: &str = "tampering";

pub(super) fn gate(change: &Change, files: &[FileDiff<'_>]) -> GateResult {
    let signals = signals(change, files);
    let passed = "no test is gone, skipped or weaker, no check is switched off";
    signal::gate(Gate::TestTampering, &signals, change.is_truncated, passed)
}

pub(super) fn signals(change: &Change, files: &[FileDiff<'_>]) -> Vec<Signal> {
    let mut tests = declared::compare(files);
    let mut signals = whole_files(change, files, &mut tests);
    signals.extend(declared::signals(&tests));
    signals.extend(assertions::signals(files, &tests));
    for file in files {
        signals.extend(shortcuts::signals(file));
        signals.extend(commands::signals(file, files));
        signals.extend(configuration::signals(file));
        signals.extend(suppressions::signals(file, files));
        signals.extend(thresholds::signals(file));
    }
    signals.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| (&a.path, a.line).cmp(&(&b.path, b.line))));
    signals.dedup_by(|a, b| (&a.path, a.line, &a.problem) == (&b.path, b.line, &b.problem));
    signals
}

/// Test and pipeline files that are gone, renamed away or edited.
fn whole_files(change: &Change, files: &[FileDiff<'_>], tests: &mut declared::Tests) -> Vec<Signal> {
    let mut signals = Vec::new();
    for file in &change.files {
        let old = file.old_path.as_deref().unwrap_or(&file.path);
        let was_test = is_test_path(old) && is_code(old);
        let has_known_tests = Language::of(old).is_known;
        let is_gone = file.kind == FileChangeKind::Deleted;
        let is_moved_out =
            file.kind == FileChangeKind::Renamed && !(is_test_path(&file.path) && is_code(&file.path));
        if is_ci(old) && (is_gone || file.kind == FileChangeKind::Renamed) {
            signals.push(seen(Weight::Wrong, old, None, "a pipeline is removed".into(), "bring it back"));
        } else if is_ci(old) {
            let remedy = "leave pipelines alone unless the task is about them";
            signals.push(seen(Weight::Doubt, &file.path, None, "a pipeline is edited".into(), remedy));
        } else if was_test && is_gone && subject_is_gone(change, old) {
            tests.excuse(old);
            let problem = "tests are deleted together with what they test".into();
            signals.push(seen(
                Weight::Minor,
                old,
                None,
                problem,
                "make sure that nothing else relied on them",
            ));
        } else if is_gone && !was_test && tests.excuse_all(old) {
            let problem = "tests are deleted together with the code around them".into();
            signals.push(seen(
                Weight::Minor,
                old,
                None,
                problem,
                "make sure that nothing else relied on them",
            ));
        } else if was_test && is_gone && !tests.are_elsewhere(old, files) {
            signals.push(seen(
                Weight::Wrong,
                old,
                None,
                "a test file is deleted".into(),
                "bring the tests back",
            ));
        } else if was_test && is_moved_out && has_known_tests {
            let problem = format!("`{old}` is renamed so that it is no test file any more");
            signals.push(seen(Weight::Wrong, &file.path, None, problem, "give it its name back"));
        }
    }
    signals
}

/// Whether the file that a test file is named after is deleted as well.
fn subject_is_gone(change: &Change, test: &str) -> bool {
    let subject = subject(test);
    let is_subject = |path: &str| !is_test_path(path) && stem(path) == subject;
    !subject.is_empty()
        && change
            .files
            .iter()
            .any(|file| file.kind == FileChangeKind::Deleted && is_code(&file.path) && is_subject(&file.path))
}

fn stem(path: &str) -> &str {
    let name = super::place::name(path);
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

fn subject(test: &str) -> &str {
    let stem = stem(test);
    let stem = stem.strip_prefix("test_").unwrap_or(stem);
    let ends = ["_test", "_tests", "_spec", "Tests", "Test", "Spec"];
    ends.iter().find_map(|end| stem.strip_suffix(end)).unwrap_or(stem)
}

/// A signal of this analyser.
fn seen(weight: Weight, path: &str, line: Option<u32>, problem: String, remedy: &'static str) -> Signal {
    Signal { source: SOURCE, weight, path: path.to_owned(), line, problem, remedy }
}

/// A name from the change as it may stand in a report: short, one line.
fn shown(name: &str) -> String {
    let plain: String = name.trim().chars().filter(|c| !c.is_control()).take(80).collect();
    format!("`{plain}`")
}

/// Whether a place within a line lies in a text, as far as the line alone tells.
fn is_in_string(line: &str, at: usize) -> bool {
    let before = line[..at].replace("\\\"", "");
    before.matches('"').count() % 2 == 1 || before.matches('`').count() % 2 == 1
}

/// A line without white space: reformatting leaves it as it is.
fn squeezed(line: &str) -> String {
    line.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests;
