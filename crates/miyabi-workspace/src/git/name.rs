//! The grammar of names that come from outside: branches, commits, paths. What is not allowed is refused, never mended.

use std::fmt;
use std::str::FromStr;

/// The longest branch name, in bytes. A branch is a file; its name, a prefix and `.lock` must fit.
const LONGEST_BRANCH: usize = 200;
/// The longest path in a repository, in bytes: room is left for the folder that it is checked out in.
const LONGEST_PATH: usize = 2048;
/// The longest name that file systems take, in bytes.
const LONGEST_NAME: usize = 255;

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind}: {rule}")]
pub struct NameError {
    /// The name, shortened and without control characters.
    pub text: String,
    /// What it should have been.
    pub kind: &'static str,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl NameError {
    fn new(text: &str, kind: &'static str, rule: &'static str) -> Self {
        let text = text.chars().filter(|character| !is_hidden(*character)).take(80).collect();
        Self { text, kind, rule }
    }
}

/// A branch's short name, such as `main` or `miyabi/run_…`. A stricter grammar than git's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BranchName(String);

impl BranchName {
    /// The short name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full name of its ref.
    pub fn full(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl FromStr for BranchName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match branch_rule(text) {
            None => Ok(Self(text.to_owned())),
            Some(rule) => Err(NameError::new(text, "branch name", rule)),
        }
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A full commit hash: 40 or 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitHash(String);

impl CommitHash {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommitHash {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if !matches!(text.len(), 40 | 64) || !text.bytes().all(is_hex) {
            return Err(NameError::new(text, "commit hash", "40 or 64 lower-case hex digits"));
        }
        if text.bytes().all(|byte| byte == b'0') {
            return Err(NameError::new(text, "commit hash", "it names no commit"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for CommitHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path of a file in a repository: relative, in normal form, nowhere near `.git`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoPath(String);

impl RepoPath {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepoPath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match path_rule(text) {
            None => Ok(Self(text.to_owned())),
            Some(rule) => Err(NameError::new(text, "path in a repository", rule)),
        }
    }
}

fn branch_rule(text: &str) -> Option<&'static str> {
    let forbidden = |character: char| matches!(character, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    if text.is_empty() || text.len() > LONGEST_BRANCH {
        Some("1 to 200 bytes")
    } else if text.starts_with(['-', '+']) {
        Some("no dash or plus at the beginning")
    } else if text.chars().any(is_hidden) {
        Some("no control or invisible characters")
    } else if text.chars().any(forbidden) {
        Some("no spaces and none of ~ ^ : ? * [ \\")
    } else if text.contains("..") || text.contains("@{") || text == "@" || text == "HEAD" {
        Some("no revision syntax")
    } else if text.ends_with('.') || text.split('/').any(is_bad_branch_part) {
        Some("no empty part, none that begins with a dot or a dash, none that ends with `.lock`")
    } else {
        None
    }
}

fn is_bad_branch_part(part: &str) -> bool {
    let lower = part.to_ascii_lowercase();
    part.is_empty() || part.starts_with(['.', '-']) || lower.ends_with(".lock")
}

/// The rule that a path in a repository breaks.
pub(crate) fn path_rule(text: &str) -> Option<&'static str> {
    if text.is_empty() || text.len() > LONGEST_PATH {
        Some("1 to 2048 bytes")
    } else if text.chars().any(char::is_control) {
        Some("no control characters")
    } else if text.starts_with('/') {
        Some("relative to the repository's root")
    } else if text.split('/').any(|name| matches!(name, "" | "." | "..")) {
        Some("no empty, `.` or `..` part")
    } else if text.split('/').any(|name| name.len() > LONGEST_NAME) {
        Some("no name over 255 bytes")
    } else if text.split(['/', '\\']).any(is_git_folder) {
        Some("`.git` belongs to git, in any spelling")
    } else {
        None
    }
}

/// Whether some file system would take this name for `.git`: case, ignored characters (HFS+), trailing dots and
/// spaces, streams and short names (NTFS).
pub(crate) fn is_git_folder(name: &str) -> bool {
    let visible: String = name.chars().filter(|character| !is_ignorable(*character)).collect();
    let lower = visible.to_lowercase();
    let stem = lower.split(':').next().unwrap_or_default();
    let stem = stem.trim_end_matches(['.', ' ']);
    let short = stem.strip_prefix("git~");
    stem == ".git"
        || short.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Characters that a reader does not see.
fn is_hidden(character: char) -> bool {
    character.is_control() || is_ignorable(character)
}

/// Characters that some file systems leave out when they compare names, or that turn text around.
fn is_ignorable(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests;
