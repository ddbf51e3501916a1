//! Which files git would ignore, by `.gitignore` files that we read ourselves.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::files::Folder;

/// The file's name.
const NAME: &[u8] = b".gitignore";
/// Larger files are not read: git's own are never that large, a hostile one could be.
const MAX_BYTES: u64 = 1024 * 1024;

/// The rules of one folder.
#[derive(Debug)]
struct Level {
    /// Length of the folder's path with the slash after it.
    prefix: usize,
    rules: Gitignore,
}

/// The rules of a folder and of those above it.
#[derive(Debug, Default)]
pub(super) struct Ignore(Vec<Level>);

impl Ignore {
    /// Adds a folder's own rules, if it has any. What can't be read as a file has no rules: a link, a pipe.
    pub(super) fn enter(&mut self, folder: &Folder, path: &[u8]) -> bool {
        let Ok(Some(content)) = folder.read(NAME, MAX_BYTES) else {
            return false;
        };
        let rules = parse(&content);
        if rules.is_empty() {
            return false;
        }
        let prefix = if path.is_empty() { 0 } else { path.len() + 1 };
        self.0.push(Level { prefix, rules });
        true
    }

    /// Forgets the rules that were added last.
    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    /// Whether the rules ignore a path below the folder that was entered last. The deepest rule that says something
    /// about it decides.
    pub(super) fn ignores(&self, path: &[u8], is_folder: bool) -> bool {
        for level in self.0.iter().rev() {
            let inside = Path::new(OsStr::from_bytes(&path[level.prefix..]));
            match level.rules.matched(inside, is_folder) {
                Match::None => {}
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
            }
        }
        false
    }
}

/// Reads rules as git does: bad lines have no effect.
fn parse(content: &[u8]) -> Gitignore {
    let text = String::from_utf8_lossy(content);
    // The root `.` keeps the matcher from cutting prefixes off: it is only asked about paths relative to its folder.
    let mut builder = GitignoreBuilder::new(".");
    for line in text.trim_start_matches('\u{feff}').lines() {
        let _bad = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignores(levels: &[(&str, &str)], path: &str, is_folder: bool) -> bool {
        let level = |(folder, rules): &(&str, &str)| Level {
            prefix: if folder.is_empty() { 0 } else { folder.len() + 1 },
            rules: parse(rules.as_bytes()),
        };
        Ignore(levels.iter().map(level).collect()).ignores(path.as_bytes(), is_folder)
    }

    #[test]
    fn rules_mean_what_they_mean_to_git() {
        let check = |rules: &str, path: &str, is_folder: bool, expected: bool| {
            assert_eq!(ignores(&[("", rules)], path, is_folder), expected, "{rules:?} {path}");
        };
        check("*.log\n", "a.log", false, true);
        check("*.log\n", "a/b.log", false, true);
        check("*.log\r\n", "a/b.log", false, true);
        check("\u{feff}*.log\n", "b.log", false, true);
        check("/a\n", "a", false, true);
        check("/a\n", "b/a", false, false);
        check("target/\n", "target", true, true);
        check("target/\n", "target", false, false);
        check("target/\n", "a/target", true, true);
        check("a/*.o\n", "a/b.o", false, true);
        check("a/*.o\n", "x/a/b.o", false, false);
        check("**/x/y\n", "a/b/x/y", false, true);
        check("*\n!keep\n", "keep", false, false);
        check("*\n!keep\n", "other", false, true);
        check("# note\n\\#file\n", "#file", false, true);
        check("[bad\n*.log\n", "a.log", false, true);
        check("日本/\n", "a/日本", true, true);
        check("./a\n", "a", false, false);
    }

    #[test]
    fn deeper_rules_win() {
        let levels = [("", "*.txt\n"), ("a", "!b.txt\n")];
        assert!(!ignores(&levels, "a/b.txt", false));
        assert!(ignores(&levels, "a/c.txt", false));
        assert!(!ignores(&[("", "/b\n")], "a/b", false));
        assert!(ignores(&[("", ""), ("a", "/b\n")], "a/b", false));
    }
}
