//! The error reference in `docs/errors`: the same form on every page, no page without a code, and only
//! commands that exist. That each code has its pages is held by the compiler, which embeds them.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use miyabi_core::error::ErrorCode;

/// The commands of `miyabi` that a page may send its reader to.
const COMMANDS: &[&str] = &[
    "approve",
    "backup",
    "completions",
    "config",
    "demo",
    "deploy",
    "diff",
    "doctor",
    "exec",
    "gc",
    "help",
    "init",
    "issues",
    "logs",
    "man",
    "model",
    "prs",
    "reject",
    "restore",
    "retry",
    "run",
    "runs",
    "secret",
    "steer",
    "stop",
    "undo",
    "version",
    "watch",
];

const COLUMNS: usize = 80;

fn pages() -> impl Iterator<Item = (String, &'static str, [&'static str; 2])> {
    ErrorCode::ALL.iter().flat_map(|code| {
        [
            (format!("docs/errors/{code}.md"), code.as_str(), code.page(), ["Why it happens", "What to do"]),
            (format!("docs/errors/ja/{code}.md"), code.as_str(), code.page_in_japanese(), ["原因", "対処"]),
        ]
        .map(|(name, code, text, headings)| {
            assert_eq!(text.lines().next(), Some(format!("# {code}").as_str()), "{name}: its title");
            (name, text, headings)
        })
    })
}

#[test]
fn no_page_stands_without_a_code() {
    let expected: BTreeSet<String> = ErrorCode::ALL.iter().map(|code| format!("{code}.md")).collect();
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    for folder in [reference.clone(), reference.join("ja")] {
        let found: BTreeSet<String> = markdown_files(&folder);
        assert_eq!(found, expected, "{}", folder.display());
    }
}

fn markdown_files(folder: &PathBuf) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".md")).collect()
}

#[test]
fn a_page_is_a_title_a_summary_the_reasons_and_the_remedy() {
    for (name, text, headings) in pages() {
        let found: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(found, headings, "{name}");
        let summary = text.split("\n\n").nth(1).unwrap();
        assert_eq!(summary.lines().count(), 1, "{name}: the summary is one line");
        assert!(summary.ends_with(['.', '。']), "{name}: the summary is a sentence");
        assert!(text.ends_with('\n') && !text.contains('\t'), "{name}");
    }
}

#[test]
fn pages_fit_the_terminal() {
    for (name, text, _) in pages() {
        for line in text.lines() {
            assert!(columns(line) <= COLUMNS, "{name}: {line}");
        }
    }
}

/// Columns on a terminal: Japanese characters and punctuation take two.
fn columns(line: &str) -> usize {
    line.chars().map(|c| if c >= '\u{1100}' { 2 } else { 1 }).sum()
}

#[test]
fn remedies_name_commands_that_exist() {
    for (name, text, _) in pages() {
        let mut commands = text.lines().filter_map(|line| line.strip_prefix("    miyabi ")).peekable();
        assert!(commands.peek().is_some(), "{name}: no command to go on with");
        for line in commands {
            let command = line.split(' ').find(|word| !word.starts_with(['-', '<']));
            assert!(command.is_some_and(|command| COMMANDS.contains(&command)), "{name}: miyabi {line}");
        }
    }
}
