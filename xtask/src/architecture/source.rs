//! Sources: where risky code may stand, and the form that all files have.
//!
//! A search in text, not in syntax: `rustfmt` has put every item where it is looked for. Code of tests
//! is left out, as are tests, examples and benchmarks.

mod modules;

use anyhow::Result;

use super::Member;

/// A word that may stand only below these places, and why.
struct Home {
    words: &'static [&'static str],
    places: &'static [&'static str],
    reason: &'static str,
}

const HOMES: &[Home] = &[
    Home {
        words: &["unsafe_code"],
        places: &["miyabi-workspace/src/sandbox/launcher", "miyabi-workspace/src/sandbox.rs", "xtask/"],
        reason: "unsafe code stands in the sandbox launcher alone",
    },
    Home {
        words: &["process::Command", "process::{", "posix_spawn", "CommandExt"],
        places: &["miyabi-workspace/", "miyabi-testkit/", "xtask/"],
        reason: "only miyabi-workspace starts processes, so that none escapes limits and sandbox",
    },
    Home {
        words: &[
            "env::var",
            "env::var_os",
            "env::vars",
            "env::vars_os",
            "env::args",
            "env::args_os",
            "env::temp_dir",
            "env::home_dir",
        ],
        // The launcher and programs beside it are processes of their own: arguments are all they are given.
        places: &[
            "miyabi-cli/",
            "xtask/",
            "miyabi-workspace/src/sandbox/launcher",
            "miyabi-workspace/src/bin/",
        ],
        reason: "the environment is read once, in miyabi-cli, and passed on as values",
    },
];

/// What in the sources of a crate stands in a wrong place or has a wrong form.
///
/// # Errors
/// When a source file can't be read.
pub(super) fn problems(member: &Member) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (file, text) in modules::product_files(&member.folder.join("src"))? {
        let name = file.strip_prefix(&member.folder).unwrap_or(&file);
        problems.extend(in_file(&format!("{}/{}", member.name, name.display()), &text));
    }
    Ok(problems)
}

/// What is wrong in one file; `name` is the crate's name and the path in it.
fn in_file(name: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if name.ends_with("/mod.rs") {
        problems.push(format!("{name}: write `folder.rs` beside `folder/`, not `folder/mod.rs`"));
    }
    if !text.starts_with("//!") {
        problems.push(format!("{name}: open with `//!`: what lives here and what does not"));
    }
    for (number, line) in product_lines(text) {
        for home in HOMES.iter().filter(|home| !home.places.iter().any(|place| name.starts_with(place))) {
            if let Some(word) = home.words.iter().find(|word| has_word(line, word)) {
                problems.push(format!("{name}:{number}: `{word}`: {}", home.reason));
            }
        }
    }
    problems
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let after = line[at + word.len()..].chars().next();
        let before = line[..at].chars().next_back();
        let joins = |next: Option<char>| next.is_some_and(|next| next.is_alphanumeric() || next == '_');
        !(joins(before) || joins(after) && word.ends_with(char::is_alphanumeric))
    })
}

/// Numbered lines without comments and without `#[cfg(test)] mod … { … }`.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_test_next = false;
    let mut in_test = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if in_test {
            in_test = line != "}";
            return None;
        }
        if line == "#[cfg(test)]" {
            is_test_next = true;
            return None;
        }
        if is_test_next && !line.starts_with("#[") {
            is_test_next = false;
            in_test = line.ends_with('{');
            return None;
        }
        (!line.trim_start().starts_with("//")).then_some((index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, body: &str, expected: usize) {
        let found = in_file(name, &format!("//! Doc.\n{body}"));
        assert_eq!(found.len(), expected, "{found:?}");
    }

    #[test]
    fn risky_words_have_a_home() {
        check("miyabi-agent/src/a.rs", "use std::process::Command;", 1);
        check("miyabi-agent/src/a.rs", "use std::process::ExitCode;", 0);
        check("miyabi-workspace/src/a.rs", "use tokio::process::Command;", 0);
        check("miyabi-model/src/a.rs", "    let key = std::env::var_os(\"KEY\");", 1);
        check("miyabi-cli/src/a.rs", "    let key = std::env::var_os(\"KEY\");", 0);
        check("miyabi-store/src/a.rs", "#![expect(unsafe_code, reason = \"fast\")]", 1);
        check("miyabi-workspace/src/sandbox/launcher/a.rs", "#![expect(unsafe_code, reason = \"fork\")]", 0);
        check("miyabi-workspace/src/checkout.rs", "#![expect(unsafe_code, reason = \"fast\")]", 1);
    }

    #[test]
    fn tests_and_comments_are_left_out() {
        check("miyabi-agent/src/a.rs", "// not std::process::Command", 0);
        check("miyabi-agent/src/a.rs", "#[cfg(test)]\nmod tests {\n    use std::process::Command;\n}\n", 0);
        check("miyabi-agent/src/a.rs", "#[cfg(test)]\nmod tests;\nuse std::process::Command;", 1);
        check("miyabi-agent/src/a.rs", "#[cfg(test)]\nmod tests {\n}\nuse std::process::Command;", 1);
    }

    #[test]
    fn files_have_one_form() {
        assert_eq!(in_file("miyabi-core/src/run/mod.rs", "//! Doc.").len(), 1);
        assert_eq!(in_file("miyabi-core/src/run.rs", "use x;").len(), 1);
    }
}
