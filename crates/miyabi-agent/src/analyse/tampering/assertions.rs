//! Assertions that a change takes away, loosens or makes always true.

use std::collections::BTreeMap;

use super::declared::Tests;
use super::language::is_comment;
use super::{seen, shown, squeezed};
use crate::analyse::diff::{FileDiff, Hunk, Line, Side};
use crate::analyse::pattern::patterns;
use crate::analyse::place::{extension, is_code, is_test_path};
use crate::analyse::signal::{Signal, Weight};

patterns! {
    ASSERTION = r"\b(?:debug_|prop_|insta::)?assert\w*(?:!|\.\w+|::\w+)*\s*(?:[\(\[{]|\s[^=\s])|\bassert\s+\S|\bexpect(?:\.soft)?\s*\(|\b(?:EXPECT|ASSERT|CHECK|REQUIRE)_?\w*\s*\(|\brequire\.\w+\(|\.should\b|\bshould\.|\bt\.(?:Error|Fatal)f?\(|\.raises\(|\bverify\(";
    /// Compares with a value.
    STRONG = r"(?i)assert_(?:debug_)?(?:eq|ne|matches|snapshot|json|yaml)|assert\w*_snapshot|assert(?:_?(?:not_?)?(?:strict_?|deep_?)*equals?|_?(?:is_?)?(?:in|instance|raises|throws|that))\w*|\.(?:toBe|toEqual|toStrictEqual|toMatch\w*|toContain\w*|toHaveLength|toThrow\w*|equals?|strictEqual|deepEqual|deepStrictEqual|isEqualTo)\(|(?:EXPECT|ASSERT)_(?:EQ|NE|STREQ|DOUBLE_EQ|THROW)|==|!=|\bmatches!|\bis not\b|\bin\b";
    /// Compares with nothing much.
    WEAK = r"(?i)assert_?(?:true|false|not_?(?:null|nil|none|empty)|is_?(?:not_?)?none)\b|\.(?:toBeTruthy|toBeDefined|toBeFalsy|not\.toBeNull|not\.toBeUndefined|not\.toThrow|isNotNull|isTrue|isOk|ok)\(|(?:EXPECT|ASSERT)_(?:TRUE|FALSE)|\bassert!\(|\bassert\s";
    /// A comparison with a truth value is as weak as one without.
    WITH_TRUTH = r"(?i)(?:,\s*(?:true|false)\s*[,)]|\(\s*(?:true|false)\s*,|(?:==|is)\s*(?:true|false)\b|toBe\(\s*(?:true|false)\s*\))";
    ALWAYS_TRUE = r#"(?i)\bassert(?:\w*true|\.ok)?!?\s*\(?\s*(?:true|1)\s*(?:[,);]|$)|\bassert!?\s*\(?\s*(?:1\s*==\s*1|true\s*==\s*true)|\bassert(?:_eq|\w*equals?|\.equal|\.strictEqual)!?\s*\(\s*(?:true\s*,\s*true|1\s*,\s*1|0\s*,\s*0|"",\s*"")\s*[,)]|\bexpect\(\s*(?:true|1)\s*\)\.(?:to\.be\.true|toBe\(\s*(?:true|1)\s*\)|toBeTruthy\(\)|toEqual\(\s*(?:true|1)\s*\))|\b(?:EXPECT|ASSERT)_TRUE\(\s*(?:true|1)\s*\)|\bassert!?\s*\(?.*\|\|\s*true\b|\bassert\s.*\bor True\b"#;
    LITERAL = r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\b\d[\w.]*\b"#;
}

/// Assertions of one file that are only on one side of the change.
#[derive(Default)]
struct Sides<'a> {
    removed: Vec<&'a Line<'a>>,
    added: Vec<&'a Line<'a>>,
}

pub(super) fn signals(files: &[FileDiff<'_>], tests: &Tests) -> Vec<Signal> {
    let mut signals = Vec::new();
    for (path, sides) in sides(files) {
        signals.extend(always_true(path, &sides));
        if tests.lost_some(path) {
            continue;
        }
        let lost = count(&sides.removed, |_| true).saturating_sub(count(&sides.added, |_| true));
        let first = sides.removed.first().map(|line| line.number);
        if lost > 0 {
            let problem = format!("{lost} assertions fewer than before");
            signals.push(seen(Weight::Wrong, path, first, problem, "bring back what the tests checked"));
        } else if is_loosened(&sides) {
            let problem = "an assertion that compared values only asks for truth now".into();
            signals.push(seen(Weight::Wrong, path, first, problem, "compare with the expected value again"));
        } else {
            signals.extend(other_values(path, &sides));
        }
    }
    signals
}

/// Assertions by file, without those that moved.
fn sides<'a>(files: &'a [FileDiff<'a>]) -> BTreeMap<&'a str, Sides<'a>> {
    let mut all: BTreeMap<&str, Sides<'_>> = BTreeMap::new();
    for file in files {
        for line in test_lines(file).filter(|line| is_assertion(line.text)) {
            let sides = all.entry(&file.path).or_default();
            match line.side {
                Side::Removed => sides.removed.push(line),
                Side::Added => sides.added.push(line),
                Side::Both => {}
            }
        }
    }
    let mut added: BTreeMap<String, usize> = BTreeMap::new();
    for line in all.values().flat_map(|sides| &sides.added) {
        *added.entry(squeezed(line.text)).or_default() += 1;
    }
    let mut moved: BTreeMap<String, usize> = BTreeMap::new();
    for sides in all.values_mut() {
        sides.removed.retain(|line| {
            let text = squeezed(line.text);
            let is_moved =
                added.get_mut(&text).filter(|count| **count > 0).map(|count| *count -= 1).is_some();
            if is_moved {
                *moved.entry(text).or_default() += 1;
            }
            !is_moved
        });
    }
    for sides in all.values_mut() {
        sides.added.retain(|line| {
            let count = moved.get_mut(&squeezed(line.text)).filter(|count| **count > 0);
            count.map(|count| *count -= 1).is_none()
        });
    }
    all
}

/// Lines of test code: of test files, and of test modules within Rust's sources.
fn test_lines<'a>(file: &'a FileDiff<'a>) -> impl Iterator<Item = &'a Line<'a>> {
    let is_test_file = is_code(&file.path) && is_test_path(&file.path);
    let is_rust = extension(&file.path).as_deref() == Some("rs");
    file.hunks
        .iter()
        .filter(move |hunk| is_test_file || is_rust && is_test_module(hunk))
        .flat_map(|hunk| &hunk.lines)
}

fn is_test_module(hunk: &Hunk<'_>) -> bool {
    let is_mark =
        |text: &str| text.contains("mod tests") || text.contains("#[cfg(test)]") || text.contains("#[test]");
    is_mark(hunk.section) || hunk.lines.iter().any(|line| is_mark(line.text))
}

fn is_assertion(text: &str) -> bool {
    let is_import = ["use ", "import ", "from ", "const ", "#include", "pub use "]
        .iter()
        .any(|start| text.trim_start().starts_with(start));
    let is_code = !is_comment(text) && (!is_import || text.contains('('));
    is_code && ASSERTION.is_match(text)
}

fn count(lines: &[&Line<'_>], which: impl Fn(&str) -> bool) -> usize {
    lines.iter().filter(|line| which(line.text)).map(|line| ASSERTION.find_iter(line.text).count()).sum()
}

fn is_loosened(sides: &Sides<'_>) -> bool {
    let is_strong = |text: &str| STRONG.is_match(text) && !WITH_TRUTH.is_match(text);
    let is_weak = |text: &str| WEAK.is_match(text) && !is_strong(text);
    count(&sides.removed, is_strong) > count(&sides.added, is_strong)
        && count(&sides.added, is_weak) > count(&sides.removed, is_weak)
}

fn always_true(path: &str, sides: &Sides<'_>) -> Vec<Signal> {
    let vain = sides.added.iter().filter(|line| ALWAYS_TRUE.is_match(line.text));
    let signal = |line: &&Line<'_>| {
        let problem = format!("{} holds whatever the code does", shown(line.text));
        seen(Weight::Wrong, path, Some(line.number), problem, "assert something that the code decides")
    };
    vain.map(signal).collect()
}

/// Assertions that are the same but for the values they compare with. Right when the behaviour was to change.
fn other_values(path: &str, sides: &Sides<'_>) -> Option<Signal> {
    let skeleton = |line: &&Line<'_>| squeezed(&LITERAL.replace_all(line.text, "_"));
    let before: Vec<_> = sides.removed.iter().map(skeleton).collect();
    let changed = sides.added.iter().find(|line| before.contains(&skeleton(line)))?;
    let problem = "expected values of tests are changed".into();
    Some(seen(
        Weight::Note,
        path,
        Some(changed.number),
        problem,
        "make sure that the task asks for the new values",
    ))
}
