//! Escape sequences of terminals (ECMA-48): found and left out. Only the sequences; lone control characters are not
//! this module's business.

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';
/// A string sequence that does not end within so many characters is no sequence.
const MAX_STRING: usize = 4096;

/// The text without escape sequences: colours, cursor movements, titles, links. A broken sequence loses only its
/// introducer.
pub(crate) fn strip_ansi(text: &str) -> String {
    if !text.contains([ESCAPE, '\u{9b}']) {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find([ESCAPE, '\u{9b}']) {
        plain.push_str(&rest[..at]);
        rest = after_sequence(&rest[at..]);
    }
    plain.push_str(rest);
    plain
}

/// What follows the sequence at the beginning of the text.
fn after_sequence(text: &str) -> &str {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some('\u{9b}'), _) => after_parameters(chars.as_str()),
        (_, Some('[')) => after_parameters(&chars.as_str()[1..]),
        (_, Some(']' | 'P' | 'X' | '^' | '_')) => after_string(&chars.as_str()[1..]),
        (_, Some(' '..='/')) => {
            let rest = chars.as_str().trim_start_matches(|c| (' '..='/').contains(&c));
            rest.strip_prefix(|c| ('0'..='~').contains(&c)).unwrap_or(rest)
        }
        (_, Some('0'..='~')) => &chars.as_str()[1..],
        _ => chars.as_str(),
    }
}

/// A control sequence: parameters, intermediates, one final byte.
fn after_parameters(text: &str) -> &str {
    let rest = text.trim_start_matches(|c| ('0'..='?').contains(&c));
    let rest = rest.trim_start_matches(|c| (' '..='/').contains(&c));
    rest.strip_prefix(|c| ('@'..='~').contains(&c)).unwrap_or(rest)
}

/// A control string: ends with a bell or `ESC \`.
fn after_string(text: &str) -> &str {
    let limit = text.char_indices().nth(MAX_STRING).map_or(text.len(), |(at, _)| at);
    match text[..limit].find([BELL, ESCAPE, '\n']) {
        Some(at) if text[at..].starts_with(BELL) => &text[at + 1..],
        Some(at) if text[at..].starts_with("\u{1b}\\") => &text[at + 2..],
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sequences_are_left_out() {
        for (text, expected) in [
            ("plain", "plain"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[38;5;200mx\u{1b}[K\u{1b}[2Jy", "xy"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://e.x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}(Btext\u{1b}7\u{1b}8", "text"),
            ("\u{9b}1mx", "x"),
            ("end\u{1b}", "end"),
            ("a\u{1b}[", "a"),
            ("a\u{1b}]never ends\nb", "anever ends\nb"),
            ("日\u{1b}[1m本", "日本"),
        ] {
            assert_eq!(strip_ansi(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_introducer_is_left(text in "[\u{1b}\u{9b}\\[\\];0-9m\u{7}a日 \n]*") {
            let plain = strip_ansi(&text);
            prop_assert!(!plain.contains([ESCAPE, '\u{9b}']), "{plain:?}");
        }
    }
}
