//! Object ids and what tells two object formats apart.

use super::name::CommitHash;

/// How a repository names its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// 40 digits.
    Sha1,
    /// 64 digits.
    Sha256,
}

impl Format {
    /// From git's own word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            _ => None,
        }
    }

    /// The format that a commit's hash has.
    pub(crate) fn of(commit: &CommitHash) -> Self {
        if commit.as_str().len() == 64 { Self::Sha256 } else { Self::Sha1 }
    }
}
