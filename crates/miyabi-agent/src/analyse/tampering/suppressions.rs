//! Lints that are switched off in the code.

use std::collections::BTreeSet;

use super::{seen, shown, squeezed};
use crate::analyse::diff::FileDiff;
use crate::analyse::pattern::patterns;
use crate::analyse::place::is_code;
use crate::analyse::signal::{Signal, Weight};

patterns! {
    /// For a whole file, or for everything.
    BLANKET = r"^\s*(?://|/\*)\s*@ts-nocheck|^\s*#!?\[\s*(?:allow|expect)\(\s*(?:warnings|clippy::all|unused|clippy::correctness)\b|^\s*/\*\s*eslint-disable\s*\*/|^\s*#\s*(?:flake8|ruff):\s*noqa\s*$|^\s*#\s*(?:pylint:\s*skip-file|mypy:\s*ignore-errors|type:\s*ignore\s*$)|^\s*//nolint\s*$|^\s*@SuppressWarnings\(\s*\x22all\x22|^\s*//\s*biome-ignore-all|^\s*#\s*rubocop:disable all";
    /// For one place.
    SINGLE = r"#!?\[\s*(?:cfg_attr\([^,]*,\s*)?(?:allow|expect)\(|\beslint-disable|@ts-(?:ignore|expect-error)|#\s*noqa\b|#\s*type:\s*ignore|#\s*(?:pylint|rubocop):\s*disable|#\s*pyright:\s*ignore|//\s*nolint|@SuppressWarnings|\bbiome-ignore|NOLINT|#pragma warning disable|istanbul ignore|c8 ignore|pragma:\s*no cover|coverage\(off\)|shellcheck disable|prettier-ignore|rustfmt::skip|fmt:\s*(?:off|skip)";
}

pub(super) fn signals(file: &FileDiff<'_>, files: &[FileDiff<'_>]) -> Vec<Signal> {
    if !is_code(&file.path) {
        return Vec::new();
    }
    let new: Vec<_> =
        file.added().filter(|line| SINGLE.is_match(line.text) || BLANKET.is_match(line.text)).collect();
    if new.is_empty() {
        return Vec::new();
    }
    let before: BTreeSet<String> =
        files.iter().flat_map(FileDiff::removed).map(|line| squeezed(line.text)).collect();
    let mut signals = Vec::new();
    for line in new.into_iter().filter(|line| !before.contains(&squeezed(line.text))) {
        let (weight, what) = match BLANKET.is_match(line.text) {
            true => (Weight::Wrong, "switches checks off for everything below it"),
            false => (Weight::Minor, "switches a check off"),
        };
        let problem = format!("{} {what}", shown(line.text));
        signals.push(seen(weight, &file.path, Some(line.number), problem, "do what the check asks for"));
    }
    signals
}
