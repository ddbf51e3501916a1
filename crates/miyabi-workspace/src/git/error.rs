//! Why git did not do what it was asked.

use std::io;
use std::path::PathBuf;

use miyabi_core::error::{ErrorCode, Failure};

use super::name::NameError;

/// Git could not be run, failed, or said something unexpected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no git, or one that is too old.
    #[error("git at `{}` can't be used: {reason}", program.display())]
    Unusable {
        /// Where it was looked for.
        program: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Git could not be started.
    #[error("could not start git for `{command}`: {source}")]
    Start {
        /// The subcommand.
        command: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Git ended with an error.
    #[error("`git {command}` failed: {reason}")]
    Failed {
        /// The subcommand.
        command: String,
        /// The exit code; `None` when a signal ended it.
        exit_code: Option<i32>,
        /// The first line of what git said, without control characters.
        reason: String,
    },
    /// Git took too long and was ended.
    #[error("`git {command}` took longer than {seconds} s")]
    Timeout {
        /// The subcommand.
        command: String,
        /// The limit, in seconds.
        seconds: u64,
    },
    /// Git said more than it may.
    #[error("`git {command}` wrote more than {limit} bytes")]
    TooMuchOutput {
        /// The subcommand.
        command: String,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Git said something that can't be read.
    #[error("`git {command}` answered something that can't be read")]
    Unreadable {
        /// The subcommand.
        command: String,
    },
    /// A name is not of its grammar.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A file of the repository's own could not be read or written.
    #[error("could not {action} in a repository of the data folder: {source}")]
    File {
        /// A verb with its object, such as `make a folder`.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// Another process holds the repository's lock.
    #[error("the project's repository is still being written by another process after {seconds} s")]
    Locked {
        /// How long was waited, in seconds.
        seconds: u64,
    },
}

impl Error {
    /// The failure of a step that ran into this.
    pub(crate) fn into_failure(self) -> Failure {
        let message = self.to_string();
        match self {
            Self::Unusable { .. } => Failure::needs_person(ErrorCode::GitUnavailable, message),
            Self::Name(_) => Failure::permanent(ErrorCode::RevisionInvalid, message),
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Failure::retry(ErrorCode::StoreFull, message)
            }
            Self::Start { .. } | Self::Timeout { .. } | Self::File { .. } | Self::Locked { .. } => {
                Failure::retry(ErrorCode::GitFailed, message)
            }
            Self::Failed { .. } | Self::TooMuchOutput { .. } | Self::Unreadable { .. } => {
                Failure::permanent(ErrorCode::GitFailed, message)
            }
        }
    }
}

/// The first telling line of git's words, fit for a journal: no control characters, not too long.
pub(crate) fn first_line(words: &[u8]) -> String {
    const LONGEST: usize = 300;
    let text = String::from_utf8_lossy(words);
    let telling = |line: &&str| line.starts_with("fatal:") || line.starts_with("error:");
    let line = text.lines().find(telling).or_else(|| text.lines().find(|line| !line.trim().is_empty()));
    let line = line.unwrap_or("it gave no reason").trim();
    line.chars().filter(|character| !character.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_telling_line_is_found_and_cleaned() {
        assert_eq!(first_line(b"warning: x\nfatal: no\x1b[31m such ref\n"), "fatal: no[31m such ref");
        assert_eq!(first_line(b"\n  odd words \n"), "odd words");
        assert_eq!(first_line(b""), "it gave no reason");
        assert_eq!(first_line("語".repeat(1000).as_bytes()).chars().count(), 300);
    }
}
