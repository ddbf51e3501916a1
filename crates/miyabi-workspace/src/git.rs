//! Git on the host: one hardened way to start it, and the grammar of the names it is given.
//!
//! Everything here runs git in repositories that only the host writes, or reads a user's own repository. Git that
//! touches files a task could have written runs in the sandbox instead; [`settings`] gives it the same hardening.
//! There is deliberately no shell, no inherited environment and no configuration file that is read.

mod bare;
mod command;
mod error;
mod lock;
mod name;
mod object;
pub(crate) mod settings;
mod version;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use self::bare::{Bare, Scratch, alternates};
pub(crate) use self::command::{Command, Protocols, Stdin};
pub use self::error::Error;
pub(crate) use self::error::first_line;
pub(crate) use self::lock::WriteLock;
pub use self::name::{BranchName, CommitHash, NameError, RepoPath};
pub(crate) use self::name::{is_git_folder, path_rule};
pub(crate) use self::object::Format;
pub use self::version::{MINIMUM, Version};

/// The git program of this machine, checked once.
#[derive(Debug, Clone)]
pub struct Git {
    program: Arc<Path>,
    version: Version,
}

impl Git {
    /// Looks at the program and its version.
    ///
    /// `program` is an absolute path: what `PATH` says is decided once, where the program is wired together.
    ///
    /// # Errors
    /// [`Error::Unusable`] when there is no such program, or it is older than [`MINIMUM`].
    pub async fn open(program: impl Into<PathBuf>) -> Result<Self, Error> {
        let program = program.into();
        let unusable = |reason: String| Error::Unusable { program: program.clone(), reason };
        if !program.is_absolute() {
            return Err(unusable("its path is not absolute".into()));
        }
        let found = Self { program: program.as_path().into(), version: MINIMUM };
        let output = found.command(["version"]).run().await;
        let output = output.map_err(|error| unusable(error.to_string()))?;
        let text = output.text();
        let version = Version::parse(&text).ok_or_else(|| unusable(format!("it answers `{text}`")))?;
        if version < MINIMUM {
            return Err(unusable(format!("it is version {version}, at least {MINIMUM} is needed")));
        }
        Ok(Self { version, ..found })
    }

    /// The program's path.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The program's version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// A command without a repository.
    pub(crate) fn command<A: Into<std::ffi::OsString>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        Command::new(&self.program, args)
    }
}
