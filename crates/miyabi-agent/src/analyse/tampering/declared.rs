//! Tests that a change removes, skips or replaces: what is declared on the old side of each hunk against what is
//! declared on the new side. What moves from one file to another is on both sides.

use std::collections::{BTreeMap, BTreeSet};

use super::language::{Language, is_comment};
use super::{seen, shown};
use crate::analyse::diff::{FileDiff, Hunk, Line, Side};
use crate::analyse::pattern::patterns;
use crate::analyse::place::is_test_path;
use crate::analyse::signal::{Signal, Weight};

/// A test or a group of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Declared {
    name: String,
    is_group: bool,
    /// The first line of the declaration itself.
    side: Side,
    line: u32,
    /// The line that skips it.
    skipped: Option<(Side, u32)>,
    /// Whether it is skipped by way of skipping all others.
    is_singled_out: bool,
}

patterns! {
    TABLE = r"parametri[sz]e|\.each\b|#\[(?:case|test_case|rstest|values)\b|@(?:CsvSource|ValueSource|MethodSource|EnumSource|ParameterizedTest)|\b(?:InlineData|DataRow|TestCase)\(|\bt\.Run\(|\bsubTest\(|^\s*for\s.*\b(?:in|of)\b|^\s*for\s.*:=\s*range\b|\.forEach\(";
    ONLY = r"^\s*(?:\w+(?:\.\w+)*\.only\b|f(?:it|describe|context)\b|F(?:It|Describe|Context|Specify)\()|\bonly:\s";
}

/// What happened to the tests of one file.
#[derive(Debug, Default)]
struct FileTests {
    removed: Vec<(String, u32)>,
    added: Vec<String>,
    newly_skipped: Vec<(String, u32)>,
    skipped_from_the_start: Vec<(String, u32)>,
    had_tests: bool,
    /// What they test is gone as well, so that they may go.
    is_excused: bool,
    /// Tests over a table of cases are new, which may be the old ones in another form.
    has_new_table: bool,
    /// Nothing on the old side was a test, and all of it was read.
    had_nothing: bool,
}

/// What happened to the tests of a change.
#[derive(Debug, Default)]
pub(super) struct Tests(BTreeMap<String, FileTests>);

impl Tests {
    /// Whether a file has fewer tests than before; then that it has fewer assertions is no news.
    pub(super) fn lost_some(&self, path: &str) -> bool {
        self.0.get(path).is_some_and(|tests| tests.is_excused || tests.removed.len() > tests.added.len())
    }

    /// Lets the tests of a file go together with what they test.
    pub(super) fn excuse(&mut self, path: &str) {
        self.0.entry(path.to_owned()).or_default().is_excused = true;
    }

    /// The same for a file of code with tests in it; whether there were any.
    pub(super) fn excuse_all(&mut self, path: &str) -> bool {
        let with_tests = self.0.get_mut(path).filter(|tests| !tests.removed.is_empty());
        with_tests.map(|tests| tests.is_excused = true).is_some()
    }

    /// Whether tests over a table of cases are new in a file.
    pub(super) fn has_new_table(&self, path: &str) -> bool {
        self.0.get(path).is_some_and(|tests| tests.has_new_table)
    }

    /// Whether all tests of a file that is gone are found in others, or it had none: helpers of tests.
    pub(super) fn are_elsewhere(&self, path: &str, files: &[FileDiff<'_>]) -> bool {
        let is_read = files.iter().any(|file| file.path == path && !file.hunks.is_empty());
        let are_safe = |tests: &FileTests| tests.had_nothing || tests.had_tests && tests.removed.is_empty();
        is_read && self.0.get(path).is_some_and(are_safe)
    }
}

/// Compares the tests on both sides of a change.
pub(super) fn compare(files: &[FileDiff<'_>]) -> Tests {
    let sides: Vec<_> =
        files.iter().map(|file| (file, declared(file, Side::Removed), declared(file, Side::Added))).collect();
    let names =
        |declared: &[Declared]| -> Vec<String> { declared.iter().map(|one| one.name.clone()).collect() };
    let mut old_names = counted(sides.iter().flat_map(|(_, old, _)| names(old)));
    let mut new_names = counted(sides.iter().flat_map(|(_, _, new)| names(new)));
    let skipped_before: BTreeSet<String> = sides
        .iter()
        .flat_map(|(_, old, _)| old.iter().filter(|one| one.skipped.is_some()).map(|one| one.name.clone()))
        .collect();
    let known_before: BTreeSet<String> = old_names.keys().cloned().collect();
    let mut tests = Tests::default();
    for (file, old, new) in sides {
        let entry = tests.0.entry(file.path.clone().into_owned()).or_default();
        entry.had_tests |= !old.is_empty();
        entry.had_nothing = old.is_empty() && Language::of(&file.path).is_known;
        entry.has_new_table = file.added().any(|line| TABLE.is_match(line.text));
        for one in old.into_iter().filter(|one| !take(&mut new_names, &one.name)) {
            if !one.is_group {
                entry.removed.push((one.name, one.line));
            }
        }
        for one in new {
            if let Some((Side::Added, line)) = one.skipped
                && !skipped_before.contains(&one.name)
            {
                let is_new =
                    one.side == Side::Added && !known_before.contains(&one.name) && !one.is_singled_out;
                let list = if is_new { &mut entry.skipped_from_the_start } else { &mut entry.newly_skipped };
                list.push((one.name.clone(), line));
            }
            if !take(&mut old_names, &one.name) && !one.is_group {
                entry.added.push(one.name);
            }
        }
    }
    tests
}

pub(super) fn signals(tests: &Tests) -> Vec<Signal> {
    tests.0.iter().flat_map(|(path, tests)| of_file(path, tests)).collect()
}

fn of_file(path: &str, tests: &FileTests) -> Vec<Signal> {
    let mut signals = Vec::new();
    for (name, line) in &tests.newly_skipped {
        let problem = format!("{} is skipped, singled out or expected to fail now", named(name));
        signals.push(seen(Weight::Wrong, path, Some(*line), problem, "make it pass instead"));
    }
    for (name, line) in &tests.skipped_from_the_start {
        let problem = format!("the new test {} is skipped from the start", shown(name));
        signals.push(seen(Weight::Minor, path, Some(*line), problem, "let it run, or say why it can't"));
    }
    // As many new tests as old ones are gone: renamed or rewritten. Which of the two, a reviewer sees.
    let is_replaced = tests.added.len() >= tests.removed.len();
    for (name, line) in tests.removed.iter().filter(|_| !tests.is_excused) {
        signals.push(if is_replaced {
            let problem = format!("test {} is renamed or replaced", shown(name));
            seen(Weight::Note, path, Some(*line), problem, "make sure that the new test shows as much")
        } else {
            let weight = if tests.has_new_table { Weight::Doubt } else { Weight::Wrong };
            seen(weight, path, Some(*line), format!("{} is removed", named(name)), "bring it back")
        });
    }
    signals
}

/// A test by its name, if that is in sight.
fn named(name: &str) -> String {
    if name.is_empty() { "a test".into() } else { format!("test {}", shown(name)) }
}

/// What is declared on one side of a file's hunks.
fn declared(file: &FileDiff<'_>, side: Side) -> Vec<Declared> {
    let path = if side == Side::Removed { file.old_path.as_deref().unwrap_or_default() } else { &*file.path };
    let language = Language::of(path);
    if path.is_empty()
        || side == Side::Added && file.is_deleted
        || !(language.is_anywhere || is_test_path(path))
    {
        return Vec::new();
    }
    file.hunks.iter().flat_map(|hunk| in_hunk(hunk, side, language)).collect()
}

fn in_hunk(hunk: &Hunk<'_>, side: Side, language: &Language) -> Vec<Declared> {
    let lines: Vec<&Line<'_>> =
        hunk.lines.iter().filter(|line| line.side == Side::Both || line.side == side).collect();
    let mut all = Vec::new();
    let mut above = Above::default();
    for (at, line) in lines.iter().enumerate() {
        let text = line.text;
        if is_comment(text) && !language.skips.is_match(text) {
            continue;
        }
        above.read(language, line);
        let Some(name) = language.declared(text).filter(|_| above.is_test(language)) else {
            let is_attribute = language.attribute.as_ref().is_some_and(|attribute| attribute.is_match(text));
            if !is_attribute
                && (text.trim().is_empty() || language.declares.is_match(text) || ends_statement(text))
            {
                all.extend(above.take_without_declaration(language));
            }
            continue;
        };
        let name = if name.is_empty() { name_on_next(lines.get(at + 1)) } else { name.to_owned() };
        // GoogleTest skips by name.
        let name = name.replace("DISABLED_", "");
        let is_group = language.groups.as_ref().is_some_and(|groups| groups.is_match(text));
        all.push(Declared {
            name,
            is_group,
            side: line.side,
            line: line.number,
            skipped: above.skipped,
            is_singled_out: ONLY.is_match(text),
        });
        above = Above::default();
    }
    all.extend(above.take_without_declaration(language));
    all
}

/// What was said above a declaration.
#[derive(Default)]
struct Above {
    is_marked: bool,
    skipped: Option<(Side, u32)>,
}

impl Above {
    fn read(&mut self, language: &Language, line: &Line<'_>) {
        self.is_marked |= language.marks_test.as_ref().is_some_and(|marks| marks.is_match(line.text));
        if self.skipped.is_none() && language.skips.is_match(line.text) {
            self.skipped = Some((line.side, line.number));
        }
    }

    fn is_test(&self, language: &Language) -> bool {
        self.is_marked || language.marks_test.is_none()
    }

    /// A mark whose declaration is not in sight, or that stands for a whole file. Code that is no test, such as a
    /// function behind `#[cfg(any())]`, does not matter.
    fn take_without_declaration(&mut self, language: &Language) -> Option<Declared> {
        let above = std::mem::take(self);
        let skipped = above.skipped?;
        let (side, line) = skipped;
        let counts = above.is_marked || language.marks_test.is_none();
        counts.then(|| Declared {
            name: String::new(),
            is_group: true,
            side: Side::Both,
            line,
            skipped: Some((side, line)),
            is_singled_out: false,
        })
    }
}

fn ends_statement(text: &str) -> bool {
    text.trim_end().ends_with([';', '{', '}'])
}

fn name_on_next(line: Option<&&Line<'_>>) -> String {
    let text = line.map_or("", |line| line.text.trim());
    text.trim_matches(|c| matches!(c, '"' | '\'' | '`' | ',')).to_owned()
}

fn counted(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// Takes one of a name away; whether there was one.
fn take(counts: &mut BTreeMap<String, usize>, name: &str) -> bool {
    match counts.get_mut(name) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}
