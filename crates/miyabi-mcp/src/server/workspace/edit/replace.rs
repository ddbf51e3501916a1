//! The replacing itself. Pure.
//!
//! In files with CRLF line ends texts are compared as if all line ends were `\n`; what is written gets the line end of
//! the line it stands in, and what `old` and `new` have in common is not written at all, so it keeps every byte.

use super::nearest::{self, Nearest};

/// Places that are looked for before a text counts as ambiguous enough.
const MAX_PLACES: usize = 1000;

/// A file's text after an edit.
#[derive(Debug, PartialEq)]
pub(super) struct Replaced {
    pub(super) text: String,
    /// The lines at which the replaced texts began, from 1.
    pub(super) lines: Vec<usize>,
}

/// Why nothing was replaced.
#[derive(Debug, PartialEq)]
pub(super) enum Miss {
    NotFound(Nearest),
    /// The lines at which it is found.
    Ambiguous(Vec<usize>),
    Same,
}

pub(super) fn replace(text: &str, old: &str, new: &str, all: bool) -> Result<Replaced, Miss> {
    let view = View::of(text);
    let (old, new) = (view.seen(old), view.seen(new));
    if old == new {
        return Err(Miss::Same);
    }
    let places = if all { apart(&view.text, &old) } else { overlapping(&view.text, &old) };
    let lines = line_numbers(&view.text, &places);
    if places.is_empty() {
        return Err(Miss::NotFound(nearest::find(&view.text, &old)));
    }
    if !all && places.len() > 1 {
        return Err(Miss::Ambiguous(lines));
    }
    let (prefix, suffix) = common(&old, &new);
    let middle = &new[prefix..new.len() - suffix];
    let mut result = String::with_capacity(text.len() + middle.len() * places.len());
    let mut written = 0;
    for place in &places {
        let from = view.original(place + prefix);
        let to = view.original(place + old.len() - suffix);
        result.push_str(&text[written..from]);
        result.push_str(&view.with_line_ends(middle, place + prefix));
        written = to;
    }
    result.push_str(&text[written..]);
    Ok(Replaced { text: result, lines })
}

/// Whether a file looks as if the edit was made: `new` is there, and no `old` outside of it.
pub(super) fn is_done(text: &str, old: &str, new: &str) -> bool {
    let view = View::of(text);
    let (old, new) = (view.seen(old), view.seen(new));
    if new.is_empty() {
        return !view.text.contains(&old);
    }
    let done = overlapping(&view.text, &new);
    let is_inside = |place: usize| {
        let candidates = done.iter().filter(|start| **start <= place);
        candidates.rev().any(|start| place + old.len() <= start + new.len())
    };
    !done.is_empty() && overlapping(&view.text, &old).into_iter().all(is_inside)
}

/// A text with all line ends as `\n`, and the way back.
struct View {
    text: String,
    /// Where in `text` stand the line feeds that were CRLF, in order. `None`: `text` is the original.
    crlf: Option<Vec<usize>>,
}

impl View {
    fn of(text: &str) -> Self {
        if !text.contains("\r\n") {
            return Self { text: text.to_owned(), crlf: None };
        }
        let places = text.match_indices("\r\n").enumerate().map(|(before, (at, _))| at - before);
        Self { crlf: Some(places.collect()), text: text.replace("\r\n", "\n") }
    }

    /// A text as it would be seen in this view.
    fn seen(&self, text: &str) -> String {
        if self.crlf.is_some() { text.replace("\r\n", "\n") } else { text.to_owned() }
    }

    /// The place in the original.
    fn original(&self, place: usize) -> usize {
        let before = |crlf: &Vec<usize>| crlf.partition_point(|at| *at < place);
        place + self.crlf.as_ref().map_or(0, before)
    }

    /// A text with the line ends that fit the place: those of the line it stands in, or of the one before.
    fn with_line_ends(&self, text: &str, place: usize) -> String {
        let Some(crlf) = &self.crlf else { return text.to_owned() };
        let next = self.text[place..].find('\n').map(|at| at + place);
        let line_end = next.or_else(|| self.text[..place].rfind('\n'));
        match line_end {
            Some(at) if crlf.binary_search(&at).is_ok() => text.replace('\n', "\r\n"),
            _ => text.to_owned(),
        }
    }
}

/// Every place, also those that overlap; at most [`MAX_PLACES`].
fn overlapping(text: &str, wanted: &str) -> Vec<usize> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(wanted) {
        places.push(from + at);
        let first = text[from + at..].chars().next().map_or(1, char::len_utf8);
        from += at + first;
        if places.len() == MAX_PLACES || from > text.len() {
            break;
        }
    }
    places
}

fn apart(text: &str, wanted: &str) -> Vec<usize> {
    text.match_indices(wanted).map(|(at, _)| at).collect()
}

fn line_numbers(text: &str, places: &[usize]) -> Vec<usize> {
    let (mut line, mut from) = (1, 0);
    let number = |place: &usize| {
        line += text[from..*place].matches('\n').count();
        from = *place;
        line
    };
    places.iter().map(number).collect()
}

/// The lengths of the common beginning and the common end, which don't overlap.
fn common(a: &str, b: &str) -> (usize, usize) {
    let same = |(x, y): &(char, char)| x == y;
    let prefix: usize = a.chars().zip(b.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (a, b) = (&a[prefix..], &b[prefix..]);
    let suffix = a.chars().rev().zip(b.chars().rev()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    (prefix, suffix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, old: &str, new: &str, expected: &str) {
        let replaced = replace(text, old, new, false).unwrap();
        assert_eq!(replaced.text, expected, "{text:?} {old:?} {new:?}");
    }

    #[test]
    fn line_ends_stay_as_they_are() {
        check("a\nb\nc\n", "b", "x\ny", "a\nx\ny\nc\n");
        check("a\r\nb\r\nc\r\n", "b\nc", "x\ny\nc", "a\r\nx\r\ny\r\nc\r\n");
        check("a\r\nb\r\n", "a\r\nb", "a\r\nc", "a\r\nc\r\n");
        check("a\r\nb", "b", "b\nc", "a\r\nb\r\nc");
        check("a\r\nb\r\n", "a\nb\n", "", "");
        check("a\r\nb\r\nc", "\nb", "", "a\r\nc");
    }

    #[test]
    fn files_with_mixed_line_ends_keep_those_that_are_not_touched() {
        check("a\r\nb\nc\r\nd\n", "a\nb\nc\nd", "a\nb\nX\nd", "a\r\nb\nX\r\nd\n");
        check("a\r\nb\nc\r\n", "b", "b1\nb2", "a\r\nb1\nb2\nc\r\n");
        check("a\r\nb\nc\r\n", "a", "a1\na2", "a1\r\na2\r\nb\nc\r\n");
    }

    #[test]
    fn other_bytes_survive() {
        check("\u{feff}a\tb\u{a0}\n日本語\rx", "日本", "にほん", "\u{feff}a\tb\u{a0}\nにほん語\rx");
        check("no end", "end", "newline", "no newline");
        check("aXb", "X", "\r\n", "a\r\nb");
    }

    #[test]
    fn places_that_overlap_are_ambiguous() {
        assert_eq!(replace("aaa", "aa", "b", false), Err(Miss::Ambiguous(vec![1, 1])));
        assert_eq!(replace("x\ny\nx\n", "x", "b", false), Err(Miss::Ambiguous(vec![1, 3])));
        let all = replace("x\r\ny\r\nx", "x", "b\nc", true).unwrap();
        assert_eq!((all.text.as_str(), all.lines), ("b\r\nc\r\ny\r\nb\r\nc", vec![1, 3]));
        assert_eq!(replace("a", "a", "a", false), Err(Miss::Same));
    }

    #[test]
    fn a_finished_edit_is_seen() {
        assert!(is_done("x b y", "a", "b"));
        assert!(!is_done("x a y", "a", "b"));
        assert!(!is_done("x b a", "a", "b"));
        assert!(is_done("f(a, b)", "a", "a, b"), "old is part of new");
        assert!(!is_done("a, b a", "a", "a, b"));
        assert!(is_done("x y", "gone", ""));
        assert!(!is_done("x gone", "gone", ""));
        assert!(is_done("a\r\nb\r\n", "x", "a\nb"));
    }

    proptest! {
        #[test]
        fn a_unique_text_is_replaced_and_nothing_else(
            before in "[a-c\n\r\t日 ]{0,40}", after in "[a-c\n\r\t日 ]{0,40}", new in "[a-z\n日]{0,10}"
        ) {
            // No `\r\n` is torn at the borders of the unique text, because it does not begin or end with either.
            let text = format!("{before}<unique>{after}");
            let replaced = replace(&text, "<unique>", &new, false).unwrap();
            prop_assert!(replaced.text.starts_with(&before));
            prop_assert!(replaced.text.ends_with(&after));
            let middle = &replaced.text[before.len()..replaced.text.len() - after.len()];
            prop_assert_eq!(middle.replace("\r\n", "\n"), new.clone());
            if !text.contains("\r\n") {
                prop_assert_eq!(middle, new.as_str());
            }
            prop_assert!(is_done(&replaced.text, "<unique>", &new));
        }

        #[test]
        fn any_substring_can_be_named_with_plain_line_ends(
            lines in prop::collection::vec("[a-z日]{0,6}", 2..12), from in 0usize..40, length in 1usize..20
        ) {
            let text = lines.join("\r\n");
            let plain = lines.join("\n");
            let chars: Vec<char> = plain.chars().collect();
            let from = from.min(chars.len());
            let old: String = chars[from..(from + length).min(chars.len())].iter().collect();
            prop_assume!(!old.is_empty());
            match replace(&text, &old, "<\n>", false) {
                Ok(replaced) => {
                    prop_assert_eq!(replaced.text.replace("\r\n", "\n"), plain.replacen(&old, "<\n>", 1));
                    prop_assert_eq!(replaced.text.matches('\n').count(), replaced.text.matches("\r\n").count());
                }
                Err(Miss::Ambiguous(lines)) => prop_assert!(lines.len() > 1),
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }

        #[test]
        fn nothing_makes_it_panic(text in ".*", old in ".+", new in ".*", all: bool) {
            let _ = replace(&text, &old, &new, all);
            is_done(&text, &old, &new);
        }
    }
}
