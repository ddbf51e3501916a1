//! What a text that was not found may have meant: the lines of the file that are most like it. Pure.

use std::fmt;

use crate::text;

/// Longer files are searched up to here, so that a mistake costs little.
const SEARCHED_LINES: usize = 5000;
/// Only the beginning of a line is compared, in characters.
const COMPARED_CHARS: usize = 120;
const SHOWN_LINES: usize = 3;
const SHOWN_BYTES: usize = 160;
/// From 0 to 1; two random lines of code have about 0.3 in common.
const ALIKE: f64 = 0.6;

/// The lines of a file that are most like a text that is not there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Nearest {
    /// These lines differ in white space only.
    Space(Vec<(usize, String)>),
    /// These are like the first line.
    Alike(Vec<(usize, String)>),
}

impl Nearest {
    pub(super) fn lines(&self) -> Vec<usize> {
        let (Self::Space(lines) | Self::Alike(lines)) = self;
        lines.iter().map(|(number, _)| *number).collect()
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = match self {
            Self::Alike(lines) if lines.is_empty() => {
                return f.write_str("No line is like its first one; read the file.");
            }
            Self::Alike(lines) => {
                f.write_str("The lines most like its first one:")?;
                lines
            }
            Self::Space(lines) => {
                f.write_str("These lines differ from it in white space only:")?;
                lines
            }
        };
        for (number, line) in lines {
            write!(f, "\n{number}\t{}", text::cut(line, SHOWN_BYTES))?;
        }
        Ok(())
    }
}

pub(super) fn find(text: &str, old: &str) -> Nearest {
    let lines: Vec<&str> = text.lines().take(SEARCHED_LINES).collect();
    if let Some(found) = same_but_for_space(&lines, old) {
        return Nearest::Space(found);
    }
    let Some(first) = old.lines().map(str::trim).find(|line| !line.is_empty()) else {
        return Nearest::Alike(Vec::new());
    };
    let wanted = pairs(first);
    let mut scored: Vec<_> =
        lines.iter().enumerate().map(|(at, line)| (alike(&wanted, &pairs(line.trim())), at)).collect();
    scored.retain(|(score, _)| *score >= ALIKE);
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let best = scored.iter().take(SHOWN_LINES).map(|(_, at)| (at + 1, lines[*at].to_owned()));
    Nearest::Alike(best.collect())
}

fn same_but_for_space(lines: &[&str], old: &str) -> Option<Vec<(usize, String)>> {
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted: Vec<String> = old.lines().map(squeezed).collect();
    if wanted.iter().all(String::is_empty) || wanted.len() > lines.len() {
        return None;
    }
    let lines_squeezed: Vec<String> = lines.iter().map(|line| squeezed(line)).collect();
    let at = lines_squeezed.windows(wanted.len()).position(|window| window == wanted)?;
    let found = lines[at..at + wanted.len()].iter().enumerate().take(8);
    Some(found.map(|(index, line)| (at + index + 1, (*line).to_owned())).collect())
}

/// The pairs of neighbouring characters, sorted.
fn pairs(line: &str) -> Vec<(char, char)> {
    let chars: Vec<char> = line.chars().take(COMPARED_CHARS).collect();
    let mut pairs: Vec<_> = chars.windows(2).map(|pair| (pair[0], pair[1])).collect();
    pairs.sort_unstable();
    pairs
}

/// Dice's coefficient of two sorted lists.
fn alike(a: &[(char, char)], b: &[(char, char)]) -> f64 {
    let (mut i, mut j, mut shared) = (0, 0, 0usize);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        shared += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    // Counts of at most 120 characters are exact in a float.
    #[expect(clippy::cast_precision_loss, reason = "at most 120")]
    let score = 2.0 * shared as f64 / (a.len() + b.len()).max(1) as f64;
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "fn main() {\n    let total = sum(1, 2);\n    print(total);\n}\n\nfn sum(a: u32, b: u32) {}\n";

    #[test]
    fn white_space_is_told_first() {
        let near = find(TEXT, "let total = sum(1,  2);\n\tprint(total);");
        assert_eq!(near.lines(), [2, 3]);
        assert_eq!(
            near.to_string(),
            "These lines differ from it in white space only:\n2\t    let total = sum(1, 2);\n3\t    print(total);"
        );
    }

    #[test]
    fn else_the_most_similar_lines() {
        assert_eq!(find(TEXT, "let total = sum(1, 3);").lines(), [2]);
        assert_eq!(find(TEXT, "\n\nfn sum(a: u64, b: u64) {}\n").lines(), [6]);
        let none = find(TEXT, "something else entirely");
        assert_eq!(none.to_string(), "No line is like its first one; read the file.");
        assert_eq!(find("", "x").lines(), [0usize; 0]);
        assert_eq!(find("a\n", "  \n").lines(), [0usize; 0]);
    }
}
