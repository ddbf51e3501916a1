//! What texts and names the local forge takes: bounds, and characters that would deceive their readers.

use std::collections::BTreeSet;

use miyabi_core::error::Failure;

use super::RUN_BRANCHES;
use super::failure::invalid;

/// The longest title, in characters.
const MAX_TITLE_CHARS: usize = 256;
/// The longest body, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// The longest name of an author, in characters.
const MAX_AUTHOR_CHARS: usize = 64;
/// The longest marker, in bytes.
const MAX_MARKER_BYTES: usize = 256;
/// The longest label, in characters.
const MAX_LABEL_CHARS: usize = 64;
/// The most labels in one request.
const MAX_LABELS: usize = 64;
/// The longest branch name, in bytes: git keeps each as a file.
const MAX_BRANCH_BYTES: usize = 200;

/// A title: one line, at most 256 characters; the rest is cut, visibly.
pub(super) fn title(text: &str) -> Result<String, Failure> {
    let line = one_line(text);
    if line.is_empty() {
        return Err(invalid("the title is empty".into()));
    }
    if line.chars().count() <= MAX_TITLE_CHARS {
        return Ok(line);
    }
    let mut cut: String = line.chars().take(MAX_TITLE_CHARS - 1).collect();
    cut.push('…');
    Ok(cut)
}

/// A body that must not lose anything: an issue may carry a patch, and half a patch is worse than none.
pub(super) fn whole_body(text: &str) -> Result<String, Failure> {
    if text.len() > MAX_BODY_BYTES {
        return Err(invalid(format!(
            "the text has {} bytes; at most {MAX_BODY_BYTES} are taken",
            text.len()
        )));
    }
    Ok(text.to_owned())
}

/// A body that tells people something: its end is cut if need be, and says so.
pub(super) fn cut_body(text: &str) -> String {
    if text.len() <= MAX_BODY_BYTES {
        return text.to_owned();
    }
    let note_bytes = cut_note(text.len()).len();
    let kept = &text[..text.floor_char_boundary(MAX_BODY_BYTES - note_bytes)];
    format!("{kept}{}", cut_note(text.len() - kept.len()))
}

fn cut_note(bytes: usize) -> String {
    format!("\n\n[… {bytes} bytes cut …]\n")
}

/// An author's name: one line.
pub(super) fn author(text: &str) -> Result<String, Failure> {
    let name: String = one_line(text).chars().take(MAX_AUTHOR_CHARS).collect();
    if name.is_empty() {
        return Err(invalid("the author's name is empty".into()));
    }
    Ok(name)
}

/// A marker, as the engine makes them.
pub(super) fn marker(text: &str) -> Result<String, Failure> {
    if text.is_empty() || text.len() > MAX_MARKER_BYTES || text.chars().any(char::is_control) {
        return Err(invalid(format!("a marker has 1 to {MAX_MARKER_BYTES} bytes and no control characters")));
    }
    Ok(text.to_owned())
}

/// Labels, sorted, each once.
pub(super) fn labels(labels: &[String]) -> Result<Vec<String>, Failure> {
    if labels.len() > MAX_LABELS {
        return Err(invalid(format!("{} labels; at most {MAX_LABELS} are taken at once", labels.len())));
    }
    let mut sorted = BTreeSet::new();
    for label in labels {
        let name = one_line(label);
        if name.is_empty() || name.chars().count() > MAX_LABEL_CHARS {
            return Err(invalid(format!("a label has 1 to {MAX_LABEL_CHARS} characters in one line")));
        }
        sorted.insert(name);
    }
    Ok(sorted.into_iter().collect())
}

/// Checks that a branch is one that a run may write.
pub(super) fn run_branch(name: &str) -> Result<(), Failure> {
    let is_allowed = name.len() <= MAX_BRANCH_BYTES
        && name.strip_prefix(RUN_BRANCHES).is_some_and(|rest| rest.split('/').all(is_branch_part));
    if is_allowed {
        return Ok(());
    }
    let shown: String = one_line(name).chars().take(MAX_AUTHOR_CHARS).collect();
    Err(invalid(format!(
        "a run may only write branches under `{RUN_BRANCHES}` with plain names, not `{shown}`"
    )))
}

/// Narrower than git's own rule, so that no part can be an option, a path that leaves its folder or a lock file.
fn is_branch_part(part: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !part.is_empty()
        && part.bytes().all(is_plain)
        && !part.starts_with(['-', '.'])
        && !part.ends_with('.')
        && !part.contains("..")
        && !part.to_ascii_lowercase().ends_with(".lock")
}

/// The text as one line: white space becomes single spaces; control characters and those that change the direction
/// or hide go away.
fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|char| if char.is_whitespace() { ' ' } else { char })
        .filter(|char| !char.is_control() && !is_deceiving(*char))
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_deceiving(char: char) -> bool {
    matches!(
        char,
        '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_title_is_one_honest_line() {
        assert_eq!(title(" fix\r\n the\tempty\u{0} cursor \u{1b}[31m").unwrap(), "fix the empty cursor [31m");
        assert_eq!(title("日本語の題名").unwrap(), "日本語の題名");
        assert_eq!(title("safe\u{202e}gnp.exe").unwrap(), "safegnp.exe");
        assert!(title("\u{200b}\n\t").is_err());
        let cut = title(&"あ".repeat(300)).unwrap();
        assert_eq!((cut.chars().count(), cut.chars().last()), (256, Some('…')));
    }

    #[test]
    fn an_issue_is_refused_rather_than_cut() {
        let body = "x".repeat(MAX_BODY_BYTES);
        assert_eq!(whole_body(&body).unwrap(), body);
        let refused = whole_body(&format!("{body}y")).unwrap_err();
        assert_eq!(refused.message, "the text has 65537 bytes; at most 65536 are taken");
    }

    #[test]
    fn names_of_run_branches_are_plain() {
        for name in ["miyabi/run_01jd", "miyabi/run_01jd/a-b.c", "miyabi/revert-1"] {
            assert!(run_branch(name).is_ok(), "{name}");
        }
        let refused = [
            "main",
            "miyabi",
            "miyabi/",
            "miyabi//a",
            "miyabi/a/",
            "/miyabi/a",
            "miyabi/../main",
            "miyabi/-f",
            "miyabi/.git",
            "miyabi/a.lock",
            "miyabi/a.LOCK/b",
            "miyabi/a..b",
            "miyabi/a b",
            "miyabi/a\nb",
            "miyabi/a~1",
            "miyabi/a^",
            "miyabi/a:b",
            "miyabi/é",
            "miyabi/a.",
            "MIYABI/a",
            "miyabi/@{0}",
        ];
        for name in refused {
            assert!(run_branch(name).is_err(), "{name}");
        }
        assert!(run_branch(&format!("miyabi/{}", "a".repeat(300))).is_err());
    }

    proptest! {
        #[test]
        fn a_cut_body_fits_and_begins_like_the_text(text in ".{0,40}", times in 1_usize..8_000) {
            let text = text.repeat(times);
            let cut = cut_body(&text);
            prop_assert!(cut.len() <= MAX_BODY_BYTES);
            if text.len() <= MAX_BODY_BYTES {
                prop_assert_eq!(cut, text);
            } else {
                let (kept, note) = cut.rsplit_once("\n\n[… ").unwrap();
                prop_assert!(text.starts_with(kept));
                let missing = text.len() - kept.len();
                prop_assert_eq!(note, format!("{missing} bytes cut …]\n"));
            }
        }

        #[test]
        fn a_title_never_has_more_than_one_line(text in any::<String>()) {
            if let Ok(title) = title(&text) {
                prop_assert!(!title.chars().any(|char| char.is_control() || is_deceiving(char)));
                prop_assert!(title.chars().count() <= MAX_TITLE_CHARS);
            }
        }
    }
}
