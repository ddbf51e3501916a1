//! Numbers that a check must reach, such as coverage: lower than before, or gone.

use std::collections::BTreeMap;

use super::{seen, shown};
use crate::analyse::diff::{FileDiff, Line};
use crate::analyse::pattern::patterns;
use crate::analyse::place::is_code;
use crate::analyse::signal::{Signal, Weight};

patterns! {
    LEAST = r"(?i)(?:^|[\s\x22'-])(fail[_-]?under(?:[_-]\w+)?|cov-fail-under|minimum_coverage|min_coverage|coverage_?minimum|minCoverage|branches|functions|lines|statements|minimum|target|threshold|check-coverage)[\x22']?\s*[:= ]\s*[\x22']?(\d+(?:\.\d+)?|true|false|auto)%?";
    CONTEXT = r"(?i)cover|codecov|jest|vitest|nyc|c8|tarpaulin|llvm-cov|jacoco|karma|simplecov|pyproject|setup\.cfg|tox\.ini|package\.json|makefile|\.ya?ml$";
    MOST = r"(?i)(max[_-]?warnings|max[_-]?errors|max[_-]?complexity|max-line-length|cognitive-complexity-threshold|too-many-arguments-threshold|retries|flaky)[\x22']?\s*[:= ]\s*[\x22']?(\d+)";
}

pub(super) fn signals(file: &FileDiff<'_>) -> Vec<Signal> {
    let is_about_coverage = CONTEXT.is_match(&file.path)
        || file.lines().any(|line| line.text.to_lowercase().contains("coverage"));
    if is_code(&file.path) && !file.path.contains("config")
        || !is_about_coverage && !file.lines().any(|line| MOST.is_match(line.text))
    {
        return Vec::new();
    }
    let mut signals = Vec::new();
    if is_about_coverage {
        let (before, after) = (numbers(file.removed(), &LEAST), numbers(file.added(), &LEAST));
        for (name, (old, line)) in &before {
            match after.get(name) {
                Some((new, line)) if new < old => {
                    signals.push(weaker(file, name, *line, &format!("lowered from {old} to {new}")));
                }
                None if *old > 0.0 => signals.push(weaker(file, name, *line, "taken away")),
                _ => {}
            }
        }
    }
    let (before, after) = (numbers(file.removed(), &MOST), numbers(file.added(), &MOST));
    for (name, (new, line)) in &after {
        if let Some((old, _)) = before.get(name).filter(|(old, _)| new > old) {
            signals.push(weaker(file, name, *line, &format!("raised from {old} to {new}")));
        }
    }
    signals
}

fn weaker(file: &FileDiff<'_>, name: &str, line: u32, what: &str) -> Signal {
    let problem = format!("the threshold {} is {what}", shown(name));
    seen(Weight::Wrong, &file.path, Some(line), problem, "reach the threshold instead")
}

/// Numbers by name; the first of each. `true` counts as 1, because switching it off is lowering it too.
fn numbers<'a>(
    lines: impl Iterator<Item = &'a Line<'a>>,
    form: &regex::Regex,
) -> BTreeMap<String, (f64, u32)> {
    let mut all = BTreeMap::new();
    for line in lines {
        for groups in form.captures_iter(line.text) {
            let value = match &groups[2] {
                "true" | "auto" => Some(1.0),
                "false" => Some(0.0),
                number => number.parse().ok(),
            };
            if let Some(value) = value {
                all.entry(groups[1].to_lowercase()).or_insert((value, line.number));
            }
        }
    }
    all
}
