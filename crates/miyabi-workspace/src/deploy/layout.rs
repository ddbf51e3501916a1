//! Names and places of everything the target keeps.

use std::fmt;
use std::path::{Path, PathBuf};

use miyabi_core::id::ProjectId;

use super::error::Error;

/// The longest name of a release, in bytes; the system allows 255, and prefixes of ours come before it.
const MAX_NAME_BYTES: usize = 200;

/// A name that is a plain file name and never hidden, so that names of ours can't be mistaken for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReleaseName(String);

impl ReleaseName {
    pub(super) fn parse(name: &str) -> Result<Self, Error> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let is_name = (1..=MAX_NAME_BYTES).contains(&name.len())
            && name.bytes().all(is_plain)
            && name.starts_with(|first: char| first.is_ascii_alphanumeric());
        if is_name {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::Name { name: name.chars().take(64).flat_map(char::escape_default).collect() })
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folder of all projects.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn project(&self, id: ProjectId) -> ProjectFolder {
        ProjectFolder { root: self.root.join(id.to_string()) }
    }
}

/// The folder of one project.
#[derive(Debug, Clone)]
pub(super) struct ProjectFolder {
    root: PathBuf,
}

impl ProjectFolder {
    pub(super) const STATE: &'static str = "state.json";
    pub(super) const CURRENT: &'static str = "current";
    pub(super) const MANIFEST: &'static str = "release.json";
    /// What the names of unfinished releases begin with.
    pub(super) const STAGING: &'static str = ".staging-";
    /// What the names of releases begin with that are being removed.
    pub(super) const REMOVED: &'static str = ".removed-";

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn releases(&self) -> PathBuf {
        self.root.join("releases")
    }

    pub(super) fn release(&self, name: &ReleaseName) -> PathBuf {
        self.releases().join(name.as_str())
    }

    pub(super) fn files(&self, name: &ReleaseName) -> PathBuf {
        self.release(name).join("files")
    }

    pub(super) fn staging(&self, name: &ReleaseName) -> PathBuf {
        self.releases().join(format!("{}{name}", Self::STAGING))
    }

    pub(super) fn removed(&self, name: &ReleaseName) -> PathBuf {
        self.releases().join(format!("{}{name}", Self::REMOVED))
    }

    pub(super) fn current(&self) -> PathBuf {
        self.root.join(Self::CURRENT)
    }

    pub(super) fn state(&self) -> PathBuf {
        self.root.join(Self::STATE)
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub(super) fn log(&self, name: &ReleaseName) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_never_hidden() {
        for name in ["run_01jd-0a1b2c", "a", "1.2.3"] {
            assert!(ReleaseName::parse(name).is_ok(), "{name}");
        }
        for name in ["", ".", "..", ".x", "-x", "_x", "a/b", "a b", "a\n", "ä", "a\0"] {
            assert!(ReleaseName::parse(name).is_err(), "{name:?}");
        }
        assert!(ReleaseName::parse(&"a".repeat(201)).is_err());
        let error = ReleaseName::parse("a\nb").unwrap_err();
        assert_eq!(error.to_string(), "`a\\nb` can't be the name of a release");
    }
}
