//! Characters that hide or reorder text: what a reviewer sees would not be what a compiler reads.

use super::diff::{FileDiff, Line};
use super::place::is_code;
use super::signal::{Signal, Weight};

/// Signals of one file; a whole file of such characters is one problem, not a thousand.
const PER_FILE: usize = 5;

pub(super) fn signals(files: &[FileDiff<'_>]) -> Vec<Signal> {
    files.iter().flat_map(|file| file.added().filter_map(|line| signal(file, line)).take(PER_FILE)).collect()
}

fn signal(file: &FileDiff<'_>, line: &Line<'_>) -> Option<Signal> {
    let is_code = is_code(&file.path);
    let found =
        line.text.char_indices().filter_map(|(at, c)| Some((at, c, kind(c, line.text, at, is_code)?)));
    let (_, c, (weight, what)) = found.max_by_key(|(_, _, (weight, _))| *weight)?;
    Some(Signal {
        source: "invisible",
        weight,
        path: file.path.clone().into_owned(),
        line: Some(line.number),
        problem: format!("contains U+{:04X}, {what}", u32::from(c)),
        remedy: "remove the character, or write it as an escape of the language",
    })
}

fn kind(c: char, line: &str, at: usize, is_code: bool) -> Option<(Weight, &'static str)> {
    let in_code = |code, text| if is_code { code } else { text };
    match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some((in_code(Weight::Wrong, Weight::Minor), "which reorders the text around it"))
        }
        '\u{e0000}'..='\u{e007f}' if !is_flag(line, at) => Some((Weight::Wrong, "a tag that nobody sees")),
        '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            Some((in_code(Weight::Minor, Weight::Note), "a direction mark"))
        }
        '\u{200b}'
        | '\u{2060}'..='\u{2064}'
        | '\u{180e}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{3164}'
        | '\u{ffa0}' => Some((in_code(Weight::Minor, Weight::Note), "which nobody sees")),
        // A byte order mark is one only at the beginning of a file; the joiners are spelling in several scripts.
        '\u{feff}' if at > 0 => Some((in_code(Weight::Minor, Weight::Note), "which nobody sees")),
        '\u{200c}' | '\u{200d}' if is_code && is_between_ascii(line, at, c) => {
            Some((Weight::Minor, "which nobody sees, within a word"))
        }
        _ => None,
    }
}

/// Flags of regions (England, Scotland, Wales) are a black flag followed by tags.
fn is_flag(line: &str, at: usize) -> bool {
    let before = line[..at].trim_end_matches(|c| ('\u{e0000}'..='\u{e007f}').contains(&c));
    before.ends_with('\u{1f3f4}')
}

fn is_between_ascii(line: &str, at: usize, c: char) -> bool {
    let before = line[..at].chars().next_back();
    let after = line[at + c.len_utf8()..].chars().next();
    before.is_some_and(|c| c.is_ascii_alphanumeric()) && after.is_some_and(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::super::tests::added;
    use super::*;

    fn weight(path: &str, text: &str) -> Option<Weight> {
        let patch = added(path, text);
        let signals = signals(&super::super::diff::parse(&patch));
        signals.first().map(|signal| signal.weight)
    }

    #[test]
    fn hidden_characters_are_found() {
        for (path, text, expected) in [
            ("a.rs", "if admin /*\u{202e} } { \u{2066}begin*/", Some(Weight::Wrong)),
            ("a.md", "text \u{202e}txet", Some(Weight::Minor)),
            ("AGENTS.md", "be nice\u{e0064}\u{e0065}", Some(Weight::Wrong)),
            ("a.py", "pass\u{200b}word = 1", Some(Weight::Minor)),
            ("a.py", "ad\u{200d}min = 1", Some(Weight::Minor)),
            ("a.js", "const \u{3164} = 1", Some(Weight::Minor)),
            ("a.json", "\"שלום\u{200f}\"", Some(Weight::Note)),
            ("a.rs", "let s = \"日本語 👨\u{200d}👩 می\u{200c}خواهم\";", None),
            ("a.rs", "\u{feff}use std;", None),
            ("a.txt", "\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}", None),
        ] {
            assert_eq!(weight(path, text), expected, "{path} {text:?}");
        }
    }

    #[test]
    fn the_place_is_named_and_the_character_is_not_shown() {
        let patch = added("a.rs", "fine\nlet a\u{202e} = 1;");
        let signals = signals(&super::super::diff::parse(&patch));
        assert_eq!((signals.len(), signals[0].line), (1, Some(2)));
        assert_eq!(signals[0].problem, "contains U+202E, which reorders the text around it");
    }
}
