//! Paths as a caller names them: relative to the checkout's root, never inside a `.git` folder. Only the words are
//! judged here; that nothing leads out through a link is the checkout's business.

/// Longer paths are refused, in bytes.
const MAX_BYTES: usize = 1024;

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It names nothing.
    #[error("a path can't be empty")]
    Empty,
    /// It is too long for any file system.
    #[error("a path has at most 1024 bytes")]
    TooLong,
    /// It begins at the root of the machine.
    #[error("paths are relative to the root of the project")]
    Absolute,
    /// It contains `..`.
    #[error("paths can't contain `..`")]
    Parent,
    /// It has control characters.
    #[error("paths can't contain control characters")]
    Control,
    /// It lies inside git's own folder, in some spelling.
    #[error("`.git` belongs to the host")]
    Git,
}

/// The path in its plain form: `/` between parts, no `.` parts.
///
/// # Errors
/// For every path that could mean something outside of the project's files.
pub fn checked(path: &str) -> Result<String, Error> {
    let plain = folder(path)?;
    if plain.is_empty() { Err(Error::Empty) } else { Ok(plain) }
}

/// Like [`checked`], and the root itself is allowed: an empty text or `.`.
///
/// # Errors
/// See [`checked`].
pub fn folder(path: &str) -> Result<String, Error> {
    if path.len() > MAX_BYTES {
        return Err(Error::TooLong);
    }
    if path.chars().any(char::is_control) {
        return Err(Error::Control);
    }
    let has_drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic();
    if path.starts_with(['/', '\\']) || has_drive {
        return Err(Error::Absolute);
    }
    // A backslash separates on file systems where git fears it too (`core.protectNTFS`).
    for part in path.split(['/', '\\']) {
        if part == ".." {
            return Err(Error::Parent);
        }
        if is_git_folder(part) {
            return Err(Error::Git);
        }
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    Ok(parts.join("/"))
}

/// Whether a part of a path is `.git` on any file system: case, HFS+'s ignored characters, NTFS's short name,
/// trailing dots and streams.
fn is_git_folder(part: &str) -> bool {
    let is_ignored = |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let seen: String = part.chars().filter(|c| !is_ignored(*c)).collect();
    let name = seen.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']).to_lowercase();
    let short = name
        .strip_prefix("git~")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    name == ".git" || short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_paths_pass_in_their_plain_form() {
        for (path, expected) in [
            ("src/main.rs", "src/main.rs"),
            ("./src//a/./b", "src/a/b"),
            ("日本語/ファイル.txt", "日本語/ファイル.txt"),
            ("-rf", "-rf"),
            (".gitignore", ".gitignore"),
            (".github/workflows/a.yml", ".github/workflows/a.yml"),
            ("a..b/...", "a..b/..."),
            ("git", "git"),
        ] {
            assert_eq!(checked(path).as_deref(), Ok(expected));
        }
        assert_eq!(folder("."), Ok(String::new()));
        assert_eq!(folder(""), Ok(String::new()));
    }

    #[test]
    fn paths_out_of_the_project_are_refused() {
        for (path, expected) in [
            ("", Error::Empty),
            ("./", Error::Empty),
            ("/etc/passwd", Error::Absolute),
            ("\\\\host\\share", Error::Absolute),
            ("C:/x", Error::Absolute),
            ("../x", Error::Parent),
            ("a/../../x", Error::Parent),
            ("a\\..\\x", Error::Parent),
            ("a\0b", Error::Control),
            ("a\nb", Error::Control),
            (".git/config", Error::Git),
            ("a/.GIT/hooks/x", Error::Git),
            (".git", Error::Git),
            (".Git./x", Error::Git),
            (".git /x", Error::Git),
            (".git::$INDEX_ALLOCATION/x", Error::Git),
            ("GIT~1/x", Error::Git),
            (".g\u{200c}it/x", Error::Git),
            ("a\\.git\\x", Error::Git),
        ] {
            assert_eq!(checked(path), Err(expected), "{path:?}");
        }
        assert_eq!(checked(&"a/".repeat(600)), Err(Error::TooLong));
    }

    proptest! {
        #[test]
        fn what_passes_is_plain(path in "[./\\\\a:.git~1 \u{200c}-]{0,20}") {
            if let Ok(plain) = checked(&path) {
                prop_assert!(!plain.starts_with('/') && !plain.is_empty());
                prop_assert!(plain.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
                prop_assert_eq!(checked(&plain), Ok(plain.clone()));
            }
        }
    }
}
