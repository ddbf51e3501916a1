//! Assertions as whole statements, on one side of a change: how they are laid out does not matter.

use crate::analyse::diff::{FileDiff, Hunk, Line, Side};
use crate::analyse::pattern::patterns;
use crate::analyse::place::{extension, is_code, is_test_path};
use crate::analyse::tampering::language::is_comment;

/// A statement of more lines is cut: the beginning says what it asserts.
const MAX_LINES: usize = 20;

patterns! {
    ASSERTION = r"\b(?:debug_|prop_|insta::)?assert\w*(?:!|\.\w+|::\w+)*\s*(?:[\(\[{]|\s[^=\s])|\bassert\s+\S|\bexpect(?:\.soft)?\s*\(|\b(?:EXPECT|ASSERT|CHECK|REQUIRE)_?\w*\s*\(|\brequire\.\w+\(|\.should\b|\bshould\.|\bt\.(?:Error|Fatal)f?\(|\.raises\(|\bverify\(";
}

/// An assertion.
#[derive(Debug, PartialEq)]
pub(super) struct Statement {
    /// All its lines, joined by blanks.
    pub(super) text: String,
    pub(super) line: u32,
    /// Assertions on its first line.
    pub(super) assertions: usize,
}

/// The assertions on one side that the change touches.
pub(super) fn statements(file: &FileDiff<'_>, side: Side) -> Vec<Statement> {
    let is_test_file = is_code(&file.path) && is_test_path(&file.path);
    let is_rust = extension(&file.path).as_deref() == Some("rs");
    let hunks = file.hunks.iter().filter(|hunk| is_test_file || is_rust && is_test_module(hunk));
    hunks.flat_map(|hunk| in_hunk(hunk, side)).collect()
}

/// A text as it is compared: without white space, with one kind of quotes, without commas before a closing bracket.
pub(super) fn normal(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        if matches!(c, ')' | ']' | '}') && plain.ends_with(',') {
            plain.pop();
        }
        plain.push(if matches!(c, '\'' | '`') { '"' } else { c });
    }
    plain.trim_end_matches([';', ',']).to_owned()
}

fn in_hunk(hunk: &Hunk<'_>, side: Side) -> Vec<Statement> {
    let is_here = |line: &&Line<'_>| line.side == Side::Both || line.side == side;
    let lines: Vec<&Line<'_>> = hunk.lines.iter().filter(is_here).collect();
    let starts = (0..lines.len()).filter(|at| is_assertion(lines[*at].text));
    starts.filter_map(|at| statement(&lines[at..], side)).collect()
}

/// The statement that begins on the first of some lines, if the change touches it.
fn statement(lines: &[&Line<'_>], side: Side) -> Option<Statement> {
    let first = lines.first()?;
    let begin = ASSERTION.find(first.text)?.start();
    let mut depth = depth(&first.text[begin..]);
    let mut text = first.text.trim().to_owned();
    let mut is_touched = first.side == side;
    for line in lines.iter().skip(1).take(MAX_LINES) {
        if depth <= 0 || is_assertion(line.text) {
            break;
        }
        depth += self::depth(line.text);
        text.push(' ');
        text.push_str(line.text.trim());
        is_touched |= line.side == side;
    }
    let assertions = ASSERTION.find_iter(first.text).count();
    is_touched.then_some(Statement { text, line: first.number, assertions })
}

/// Brackets that are opened, less those that are closed. Brackets within texts are counted too; the statement is cut a
/// little early or late then, on both sides alike.
fn depth(text: &str) -> i64 {
    let count = |c| match c {
        '(' | '[' | '{' => 1,
        ')' | ']' | '}' => -1,
        _ => 0,
    };
    text.chars().map(count).sum()
}

fn is_test_module(hunk: &Hunk<'_>) -> bool {
    let is_mark =
        |text: &str| text.contains("mod tests") || text.contains("#[cfg(test)]") || text.contains("#[test]");
    is_mark(hunk.section) || hunk.lines.iter().any(|line| is_mark(line.text))
}

fn is_assertion(text: &str) -> bool {
    let starts = ["use ", "import ", "from ", "const ", "#include", "pub use "];
    let is_import = starts.iter().any(|start| text.trim_start().starts_with(start));
    let is_code = !is_comment(text) && (!is_import || text.contains('('));
    is_code && ASSERTION.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_does_not_matter() {
        for (one, other) in [
            ("assert_eq!(a, b);", "assert_eq!(\n    a,\n    b,\n);"),
            ("expect(x).toBe('a')", "expect(x).toBe(\"a\");"),
            ("assert x == [1, 2]", "assert x == [\n1,\n2,\n]"),
        ] {
            assert_eq!(normal(one), normal(other));
        }
        assert_ne!(normal("assert_eq!(a, 1);"), normal("assert_eq!(a, 2);"));
    }
}
