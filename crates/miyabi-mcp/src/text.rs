//! Text on its way to a model: no control characters, bounded, whole characters only. Nothing here decides what is
//! said.

mod ansi;

pub(crate) use ansi::strip_ansi;

/// Shows control characters and those that hide or reorder text as escapes. Line feeds and tabs stay.
pub(crate) fn escape(text: &str) -> String {
    if !text.chars().any(is_hidden) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if !is_hidden(c) {
            shown.push(c);
        } else if c == '\r' {
            shown.push_str("\\r");
        } else if u32::from(c) < 0x100 {
            shown.push_str(&format!("\\x{:02x}", u32::from(c)));
        } else {
            shown.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        }
    }
    shown
}

/// Output of a program: without colours and cursor movements, carriage returns as line ends, bytes that are no UTF-8
/// replaced, half characters at both ends dropped.
pub(crate) fn program_output(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(whole_characters(bytes));
    escape(&strip_ansi(&text).replace("\r\n", "\n").replace('\r', "\n"))
}

/// At most this many bytes of a text, cut between characters, with a mark that says so.
pub(crate) fn cut(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max_bytes);
    format!("{}… [{} more bytes]", &text[..end], text.len() - end)
}

/// The name that is most like a mistyped one, if any is alike.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Longer names are nobody's typing error, and the distance takes time in proportion to both lengths.
    if wrong.len() > 256 {
        return None;
    }
    let wrong = wrong.to_lowercase();
    let with_distance = names.map(|name| {
        let lower = name.to_lowercase();
        let is_part =
            wrong.len() > 2 && lower.len() > 2 && (wrong.contains(&lower) || lower.contains(&wrong));
        (if is_part { 1 } else { distance(&wrong, &lower) }, name)
    });
    let (best, name) = with_distance.min_by_key(|(distance, _)| *distance)?;
    (best <= 1.max(name.len() / 3)).then_some(name)
}

/// Levenshtein's edit distance, by characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(diagonal + usize::from(from != *to));
            diagonal = above;
        }
    }
    row[b.len()]
}

/// Control characters (ISO 6429), those that reorder text (Unicode's bidirectional controls) and those that are not
/// seen at all. The joiners stay: emoji and several scripts need them.
fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Soft hyphen, Arabic letter mark, Mongolian vowel separator, zero-width space, marks, byte order mark.
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        // Separators and embeddings; word joiner and isolates; tags.
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => c.is_control(),
    }
}

/// The bytes without a half character at the beginning or the end.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    let is_continuation = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    let start = bytes.iter().take(3).take_while(|byte| is_continuation(byte)).count();
    let bytes = &bytes[start..];
    let back = bytes.iter().rev().take(3).take_while(|byte| is_continuation(byte)).count();
    let Some(lead) = bytes.len().checked_sub(back + 1).map(|at| bytes[at]) else {
        return bytes;
    };
    let needed = match lead {
        0xc2..=0xdf => 1,
        0xe0..=0xef => 2,
        0xf0..=0xf4 => 3,
        _ => 0,
    };
    if back < needed { &bytes[..bytes.len() - back - 1] } else { bytes }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_and_hidden_characters_are_shown() {
        for (text, expected) in [
            ("plain\ttext\n日本語", "plain\ttext\n日本語"),
            ("a\0b\x07\x7f", "a\\x00b\\x07\\x7f"),
            ("a\rb", "a\\rb"),
            ("x\u{202e}y\u{200b}\u{e0041}", "x\\u{202e}y\\u{200b}\\u{e0041}"),
            ("\u{85}", "\\x85"),
            ("👨\u{200d}👩", "👨\u{200d}👩"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }

    #[test]
    fn half_characters_at_the_ends_are_dropped() {
        let bytes = "日本語".as_bytes();
        assert_eq!(program_output(&bytes[1..]), "本語");
        assert_eq!(program_output(&bytes[..bytes.len() - 1]), "日本");
        assert_eq!(program_output(b"abc"), "abc");
        assert_eq!(program_output(b"a\xff\xfeb"), "a\u{fffd}\u{fffd}b");
        assert_eq!(program_output("é".as_bytes()), "é");
        assert_eq!(program_output(b""), "");
    }

    #[test]
    fn output_of_programs_is_plain() {
        assert_eq!(program_output(b"\x1b[1;31merror\x1b[0m: x\r\n10%\r20%\r\n"), "error: x\n10%\n20%\n");
    }

    #[test]
    fn names_like_the_wrong_one_are_found() {
        let names = ["shell", "read", "apply_patch", "finish"];
        for (wrong, expected) in [
            ("bash", None),
            ("Shell", Some("shell")),
            ("reed", Some("read")),
            ("patch", Some("apply_patch")),
            ("read_file", Some("read")),
            ("finsh", Some("finish")),
            ("", None),
            ("zzzzzz", None),
        ] {
            assert_eq!(nearest(wrong, names.into_iter()), expected, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let shown = program_output(&bytes);
            prop_assert!(!shown.chars().any(is_hidden), "{shown:?}");
            prop_assert_eq!(escape(&shown), shown.clone());
        }

        #[test]
        fn cut_text_is_short_and_a_beginning(text in ".*", max in 0usize..50) {
            let short = cut(&text, max);
            prop_assert!(short.len() <= max + 40);
            prop_assert!(short == text || text.starts_with(short.split('…').next().unwrap_or_default()) || text.contains('…'));
        }

        #[test]
        fn whole_text_is_kept(text in "[a-zé日👨 \n]*") {
            prop_assert_eq!(program_output(text.as_bytes()), text);
        }
    }
}
