//! Git's version.

use std::fmt;

/// What git must be at least: `merge-tree --write-tree` and `safe.bareRepository` came with it.
pub const MINIMUM: Version = Version { major: 2, minor: 38 };

/// A version of git, as far as we care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl Version {
    /// Reads `git version 2.47.3` and what vendors make of it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let numbers = text.trim().strip_prefix("git version ")?;
        let mut numbers = numbers.split(['.', ' ', '-']).map(str::parse::<u32>);
        Some(Self { major: numbers.next()?.ok()?, minor: numbers.next()?.ok()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_vendors_write_them() {
        let check =
            |text, major, minor| assert_eq!(Version::parse(text), Some(Version { major, minor }), "{text}");
        check("git version 2.47.3\n", 2, 47);
        check("git version 2.39.3 (Apple Git-146)", 2, 39);
        check("git version 2.50.0-rc1", 2, 50);
        check("git version 2.38.1.windows.1", 2, 38);
        check("git version 3.0", 3, 0);
        for text in ["", "git version", "git version x.y", "2.47.3", "git version 2"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_larger_second_number_is_newer() {
        let version = |major, minor| Version { major, minor };
        assert!(version(2, 9) < MINIMUM);
        assert!(version(2, 100) > MINIMUM);
        assert!(version(3, 0) > MINIMUM);
    }
}
