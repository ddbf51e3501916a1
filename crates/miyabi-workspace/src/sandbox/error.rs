//! Why a command could not be run at all. A command that ran and failed is an [`Outcome`](super::Outcome).

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::plan::{Failure, Step};

/// The sandbox could not run the command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine refused a step of the set-up. [`Error::advice`] may know why.
    #[error("could not set up the sandbox: step `{step}` failed{}", at(path.as_ref()))]
    Setup {
        /// What the launcher was doing.
        step: Step,
        /// The file it was doing it to.
        path: Option<PathBuf>,
        /// The system's answer.
        source: io::Error,
        /// What to tell the operator, where the cause is known.
        advice: Option<Advice>,
    },
    /// The set-up worked and the program could not be started: not found, not executable.
    #[error("could not start `{}`", program.display())]
    Start {
        /// The program asked for.
        program: OsString,
        /// The system's answer.
        source: io::Error,
    },
    /// The working folder does not exist in the sandbox.
    #[error("working folder `{}` cannot be entered in the sandbox", path.display())]
    WorkingDirectory {
        /// The folder asked for.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The command asks for something that no level can give.
    #[error("sandbox request is invalid: {reason}")]
    InvalidSpec {
        /// What is wrong with it.
        reason: String,
    },
    /// The launcher itself could not be started.
    #[error("could not start the sandbox launcher `{}`", launcher.display())]
    Launcher {
        /// The program that was to be the launcher.
        launcher: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The launcher ended without a report: it was killed from outside. Nothing of the command runs on.
    #[error("sandbox launcher ended without a report")]
    LauncherLost,
    /// A detached command ended before its start could be reported.
    #[error("the service ended at once ({exit:?})")]
    EndedAtOnce {
        /// How it ended.
        exit: super::outcome::Exit,
    },
    /// The launcher said something that this program does not understand.
    #[error("sandbox launcher sent a report that cannot be read: {reason}")]
    Protocol {
        /// What was wrong with it.
        reason: String,
    },
    /// The output file could not be written; the command was ended.
    #[error("could not store the command's output in `{}`", path.display())]
    Output {
        /// The output file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file operation of the sandbox's own housekeeping failed.
    #[error("could not {action} `{}`", path.display())]
    File {
        /// A verb, such as `take ownership of`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl Error {
    /// Cause and cure for the operator, where the sandbox knows them.
    pub fn advice(&self) -> Option<&Advice> {
        match self {
            Self::Setup { advice, .. } => advice.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn from_failure(failure: Failure, program: &OsString) -> Self {
        let source = io::Error::from_raw_os_error(failure.errno);
        let path = failure.path.map(PathBuf::from);
        match (failure.step, path) {
            (Step::Start, _) => Self::Start { program: program.clone(), source },
            (Step::WorkingDirectory, Some(path)) => Self::WorkingDirectory { path, source },
            (step, path) => {
                Self::Setup { advice: super::advice::for_step(step, failure.errno), step, path, source }
            }
        }
    }
}

/// What keeps the sandbox from working and what to do about it: one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Why it does not work here.
    pub cause: String,
    /// What the operator can do.
    pub cure: String,
}

fn at(path: Option<&PathBuf>) -> String {
    path.map(|path| format!(" at `{}`", path.display())).unwrap_or_default()
}
