//! Real little git repositories.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A repository with a checkout, in a temporary folder that goes away with it.
///
/// Author, dates and settings are fixed, so equal contents give equal commits on every machine.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    /// An empty repository on branch `main`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let repository = Self { folder };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// A repository whose first commit has these files.
    pub fn with_files(files: &[(&str, &str)]) -> Self {
        let repository = Self::new();
        for (path, content) in files {
            repository.write(path, content);
        }
        repository.commit("first");
        repository
    }

    /// The checkout.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the checkout; missing folders are made.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, content).expect("a file");
    }

    /// Commits all files of the checkout; the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.head()
    }

    /// The commit that is checked out.
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the checkout; its output without the last line end. Panics with git's words when it fails.
    pub fn git(&self, args: &[&str]) -> String {
        run(self.path(), args)
    }

    /// A bare copy of all branches in a new folder.
    pub fn bare_copy(&self, into: &Path) -> PathBuf {
        let source = self.path().to_str().expect("a readable path");
        let target = into.to_str().expect("a readable path");
        run(self.path(), &["clone", "--quiet", "--bare", "--no-local", source, target]);
        into.to_path_buf()
    }
}

impl Default for Repository {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs git in a folder, away from the machine's and the user's settings.
pub fn run(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "Test")
        .env("GIT_AUTHOR_EMAIL", "test@example.invalid")
        .env("GIT_COMMITTER_NAME", "Test")
        .env("GIT_COMMITTER_EMAIL", "test@example.invalid")
        .env("GIT_AUTHOR_DATE", "2025-01-01T00:00:00Z")
        .env("GIT_COMMITTER_DATE", "2025-01-01T00:00:00Z")
        .output()
        .expect("git can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    assert!(output.status.success(), "git {args:?} failed: {}", text(&output.stderr));
    text(&output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_contents_give_equal_commits() {
        let files = [("README.md", "# hello\n"), ("src/日本.txt", "語\n")];
        let (one, two) = (Repository::with_files(&files), Repository::with_files(&files));
        assert_eq!(one.head(), two.head());
        one.write("README.md", "# other\n");
        assert_ne!(one.commit("second"), two.head());
        let bare = one.bare_copy(&two.path().join("bare.git"));
        assert_eq!(run(&bare, &["rev-parse", "main"]), one.head());
    }
}
