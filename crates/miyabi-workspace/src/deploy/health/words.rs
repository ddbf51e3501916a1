//! What people read about an unhealthy release: one line, of bounded length, without tricks.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::site::ENDED;

/// The longest detail, in characters.
const MAX_CHARS: usize = 400;
/// How much of the end of a log is read, in bytes.
const TAIL_BYTES: u64 = 2048;

/// One line without control characters; the middle goes when it is too long, because the reason often comes last.
pub(super) fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let count = line.chars().count();
    if count <= MAX_CHARS {
        return line;
    }
    let half = MAX_CHARS / 2;
    let head: String = line.chars().take(half).collect();
    let tail: String = line.chars().skip(count - half + 3).collect();
    format!("{head} … {tail}")
}

/// How a process ended and what it said last. Blocking. What it says is its own word: nothing is decided by it.
pub(super) fn of_ended(log: &Path) -> String {
    match read_tail(log) {
        Ok(tail) => in_words(&tail),
        Err(_) => "it left no log".into(),
    }
}

fn in_words(tail: &str) -> String {
    let end = tail.lines().rev().find_map(|line| line.strip_prefix(ENDED));
    let said: Vec<&str> = tail.lines().filter(|line| !line.starts_with(ENDED)).collect();
    let said = said.join(" ");
    match (end, said.trim()) {
        (Some(end), "") => format!("its command {end}"),
        (Some(end), said) => format!("its command {end}, after saying: {said}"),
        (None, "") => "it ended without a word".into(),
        (None, said) => format!("it ended after saying: {said}"),
    }
}

fn read_tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_and_the_last_words_are_told_in_one_line() {
        let log = "listening\nthread 'main' panicked\n\tat \u{1b}[31msrc/x.rs\nmiyabi: the command ended with exit code 3\n";
        assert_eq!(
            one_line(&in_words(log)),
            "its command ended with exit code 3, after saying: listening thread 'main' panicked at [31msrc/x.rs"
        );
        assert_eq!(in_words(""), "it ended without a word");
        assert_eq!(
            in_words("miyabi: the command was ended by signal 9\n"),
            "its command was ended by signal 9"
        );
    }

    #[test]
    fn long_words_lose_their_middle() {
        let line = one_line(&format!("{}{}", "a".repeat(1000), "end"));
        assert!(line.chars().count() <= MAX_CHARS, "{}", line.chars().count());
        assert!(line.starts_with("aaa") && line.ends_with("end"));
    }
}
