//! Assertions that a change takes away, loosens or makes always true.

mod statement;

use std::collections::BTreeMap;

use self::statement::{Statement, normal, statements};
use super::declared::Tests;
use super::{is_in_string, seen, shown};
use crate::analyse::diff::{FileDiff, Side};
use crate::analyse::pattern::patterns;
use crate::analyse::signal::{Signal, Weight};

patterns! {
    /// Compares with a value.
    STRONG = r"(?i)assert_(?:debug_)?(?:eq|ne|matches|snapshot|json|yaml)|assert\w*_snapshot|assert(?:_?(?:not_?)?(?:strict_?|deep_?)*equals?|_?(?:is_?)?(?:in|instance|raises|throws|that|none|null))\w*|\.(?:toBe|toEqual|toStrictEqual|toMatch\w*|toContain\w*|toHaveLength|toThrow\w*|toBeNull|toBeUndefined|equals?|strictEqual|deepEqual|deepStrictEqual|isEqualTo)\(|(?:EXPECT|ASSERT)_(?:EQ|NE|STREQ|DOUBLE_EQ|THROW)|==|!=|\bmatches!|\bis None\b|is_none\(\)|is_err\(\)|\bin\b";
    /// Compares with nothing much.
    WEAK = r"(?i)assert_?(?:true|false|not_?(?:null|nil|none|empty)|is_?not_?(?:none|null|nil))\b|\.(?:toBeTruthy|toBeDefined|toBeFalsy|not\.toBeNull|not\.toBeUndefined|not\.toThrow|isNotNull|isTrue|isOk|ok)\(|(?:EXPECT|ASSERT)_(?:TRUE|FALSE)|\bassert!\(|\bassert\s";
    /// A comparison with a truth value is as weak as one without.
    WITH_TRUTH = r"(?i)(?:,\s*(?:true|false)\s*[,)]|\(\s*(?:true|false)\s*,|(?:==|is)\s*(?:true|false)\b|toBe\(\s*(?:true|false)\s*\))";
    ALWAYS_TRUE = r#"(?i)\bassert(?:\w*true|\.ok)?!?\s*\(?\s*(?:true|1)\s*(?:[,);]|$)|\bassert!?\s*\(?\s*(?:1\s*==\s*1|true\s*==\s*true)|\bassert(?:_eq|\w*equals?|\.equal|\.strictEqual)!?\s*\(\s*(?:true\s*,\s*true|1\s*,\s*1|0\s*,\s*0|"",\s*"")\s*[,)]|\bexpect\(\s*(?:true|1)\s*\)\.(?:to\.be\.true|toBe\(\s*(?:true|1)\s*\)|toBeTruthy\(\)|toEqual\(\s*(?:true|1)\s*\))|\b(?:EXPECT|ASSERT)_TRUE\(\s*(?:true|1)\s*\)|\bassert!?\s*\(?.*\|\|\s*true\b|\bassert\s.*\bor True\b"#;
    LITERAL = r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\b\d[\w.]*\b"#;
}

/// Assertions of one file that are only on one side of the change.
#[derive(Default)]
struct Sides {
    removed: Vec<Statement>,
    added: Vec<Statement>,
}

pub(super) fn signals(files: &[FileDiff<'_>], tests: &Tests) -> Vec<Signal> {
    let mut signals = Vec::new();
    for (path, sides) in sides(files) {
        signals.extend(always_true(path, &sides));
        if tests.lost_some(path) {
            continue;
        }
        let lost = count(&sides.removed, |_| true).saturating_sub(count(&sides.added, |_| true));
        let first = sides.removed.first().map(|statement| statement.line);
        if lost > 0 {
            let is_table = tests.has_new_table(path);
            let weight = if is_table { Weight::Doubt } else { Weight::Wrong };
            let problem = format!("{lost} assertions fewer than before");
            signals.push(seen(weight, path, first, problem, "bring back what the tests checked"));
        } else if is_loosened(&sides) {
            let problem = "an assertion that compared values only asks for truth now".into();
            signals.push(seen(Weight::Wrong, path, first, problem, "compare with the expected value again"));
        } else {
            signals.extend(other_values(path, &sides));
        }
    }
    signals
}

/// Assertions by file, without those that moved or were only laid out in another way.
fn sides<'a>(files: &'a [FileDiff<'_>]) -> BTreeMap<&'a str, Sides> {
    let mut all: BTreeMap<&str, Sides> = BTreeMap::new();
    for file in files {
        let sides = Sides { removed: statements(file, Side::Removed), added: statements(file, Side::Added) };
        all.insert(&file.path, sides);
    }
    let mut added: BTreeMap<String, usize> = BTreeMap::new();
    for statement in all.values().flat_map(|sides| &sides.added) {
        *added.entry(normal(&statement.text)).or_default() += 1;
    }
    let mut moved: BTreeMap<String, usize> = BTreeMap::new();
    for sides in all.values_mut() {
        sides.removed.retain(|statement| {
            let text = normal(&statement.text);
            let is_moved = take(&mut added, &text);
            if is_moved {
                *moved.entry(text).or_default() += 1;
            }
            !is_moved
        });
    }
    for sides in all.values_mut() {
        sides.added.retain(|statement| !take(&mut moved, &normal(&statement.text)));
    }
    all
}

/// Takes one of a text away; whether there was one.
fn take(counts: &mut BTreeMap<String, usize>, text: &str) -> bool {
    counts.get_mut(text).filter(|count| **count > 0).map(|count| *count -= 1).is_some()
}

fn count(statements: &[Statement], which: impl Fn(&str) -> bool) -> usize {
    statements.iter().filter(|one| which(&one.text)).map(|one| one.assertions).sum()
}

fn is_loosened(sides: &Sides) -> bool {
    let is_strong = |text: &str| STRONG.is_match(text) && !WITH_TRUTH.is_match(text);
    let is_weak = |text: &str| WEAK.is_match(text) && !is_strong(text);
    count(&sides.removed, is_strong) > count(&sides.added, is_strong)
        && count(&sides.added, is_weak) > count(&sides.removed, is_weak)
}

fn always_true(path: &str, sides: &Sides) -> Vec<Signal> {
    let is_vain = |text: &str| ALWAYS_TRUE.find(text).is_some_and(|found| !is_in_string(text, found.start()));
    let vain = sides.added.iter().filter(|statement| is_vain(&statement.text));
    let signal = |statement: &Statement| {
        let problem = format!("{} holds whatever the code does", shown(&statement.text));
        seen(Weight::Wrong, path, Some(statement.line), problem, "assert something that the code decides")
    };
    vain.map(signal).collect()
}

/// Assertions that are the same but for the values they compare with. Right when the behaviour was to change.
fn other_values(path: &str, sides: &Sides) -> Option<Signal> {
    let skeleton = |statement: &Statement| normal(&LITERAL.replace_all(&statement.text, "_"));
    let before: Vec<_> = sides.removed.iter().map(skeleton).collect();
    let changed = sides.added.iter().find(|statement| before.contains(&skeleton(statement)))?;
    let problem = "expected values of tests are changed".into();
    Some(seen(
        Weight::Note,
        path,
        Some(changed.line),
        problem,
        "make sure that the task asks for the new values",
    ))
}
