//! Secrets in added lines: keys of well-known forms, and values that look random beside a word such as `password`.
//!
//! What was in the repository before and only moves is not reported; what is reported is never shown in full.

mod forms;
mod random;

use std::collections::BTreeSet;

use miyabi_core::gate::{Gate, GateResult};
use miyabi_core::port::repositories::Change;

use self::forms::{Found, Kind};
use super::diff::FileDiff;
use super::place::{is_generated, is_test_path, name};
use super::signal::{self, Signal, Weight};

/// Longer lines are data; only their beginning is looked at, in bytes.
const LINE_BYTES: usize = 8 * 1024;

pub(super) fn gate(change: &Change, files: &[FileDiff<'_>]) -> GateResult {
    let mut signals = signals(files);
    signals.extend(
        change
            .files
            .iter()
            .filter(|file| file.is_binary && is_key_store(&file.path))
            .map(|file| key_store(&file.path)),
    );
    signal::gate(Gate::Secrets, &signals, change.is_truncated, "no secret was found")
}

pub(super) fn signals(files: &[FileDiff<'_>]) -> Vec<Signal> {
    let known: BTreeSet<&str> = files
        .iter()
        .flat_map(FileDiff::removed)
        .flat_map(|line| found(line.text, ""))
        .map(|found| found.secret)
        .collect();
    let mut signals = Vec::new();
    for file in files.iter().filter(|file| !is_generated(&file.path)) {
        let mut lines = file.added().peekable();
        while let Some(line) = lines.next() {
            let next = lines.peek().map_or("", |next| next.text);
            let new = found(line.text, next).into_iter().find(|found| !known.contains(found.secret));
            signals.extend(new.map(|found| report(&file.path, line.number, &found)));
        }
    }
    signals
}

fn found<'a>(line: &'a str, next: &str) -> Vec<Found<'a>> {
    let line = &line[..line.floor_char_boundary(LINE_BYTES)];
    let mut all = forms::find(line, next);
    if all.is_empty() {
        all.extend(random::find(line));
    }
    all
}

fn report(path: &str, line: u32, found: &Found<'_>) -> Signal {
    let weight = match found.kind {
        Kind::Key if is_test_path(path) => Weight::Doubt,
        Kind::Own if is_test_path(path) => Weight::Minor,
        _ => Weight::Wrong,
    };
    Signal {
        source: "secrets",
        weight,
        path: path.to_owned(),
        line: Some(line),
        problem: format!("looks like {}: {}", found.what, masked(found.secret)),
        remedy: "take it out, read it from the environment or a secret store, and revoke it if it is real",
    }
}

fn key_store(path: &str) -> Signal {
    Signal {
        source: "secrets",
        weight: Weight::Wrong,
        path: path.to_owned(),
        line: None,
        problem: "is a key store".into(),
        remedy: "keep keys out of the repository",
    }
}

fn is_key_store(path: &str) -> bool {
    let name = name(path).to_lowercase();
    [".p12", ".pfx", ".jks", ".keystore", ".kdbx"].iter().any(|end| name.ends_with(end))
}

/// Enough to find it, too little to use it.
fn masked(secret: &str) -> String {
    let shown: String = secret.chars().take(4).collect();
    format!("{shown}… ({} characters)", secret.chars().count())
}

#[cfg(test)]
mod tests;
