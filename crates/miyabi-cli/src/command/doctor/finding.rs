//! What a check found.

use std::path::PathBuf;

use serde::Serialize;

use crate::style::{Painter, Role};

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Group {
    /// This machine.
    Machine,
    /// The data folder and the configuration.
    Data,
    /// The repository around the folder.
    Repository,
    /// Models and their providers.
    Models,
}

impl Group {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Data => "data",
            Self::Repository => "repository",
            Self::Models => "models",
        }
    }
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Works, but not as well as it could.
    Warn,
    /// Something will not work.
    Fail,
    /// Not looked at.
    Skipped,
}

impl Verdict {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }

    pub(super) fn mark(self, painter: Painter) -> String {
        let (mark, ascii, role) = match self {
            Self::Ok => ("✓", "ok", Role::Ok),
            Self::Warn => ("!", "!", Role::Warn),
            Self::Fail => ("✕", "x", Role::Bad),
            Self::Skipped => ("–", "-", Role::Dim),
        };
        painter.paint(role, if painter.unicode { mark } else { ascii })
    }
}

/// What `--fix` can do: small things that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fix {
    /// Take rights away from others.
    MakePrivate {
        /// The file or folder.
        path: PathBuf,
        /// The rights it gets.
        mode: u32,
    },
    /// Point the remote at the project's repository.
    SetRemote {
        /// The user's checkout.
        root: PathBuf,
        /// The repository.
        address: String,
    },
}

impl Fix {
    /// The same as a command of the shell, which says exactly what happens.
    pub(super) fn words(&self) -> String {
        match self {
            Self::MakePrivate { path, mode } => format!("chmod {mode:o} {}", path.display()),
            Self::SetRemote { address, .. } => format!("git remote add {} {address}", super::REMOTE),
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What it is about.
    pub(super) group: Group,
    /// The check.
    pub(super) name: String,
    /// How it is.
    pub(super) verdict: Verdict,
    /// What was seen, or why nothing was looked at.
    pub(super) detail: String,
    /// What to do.
    pub(super) cure: Option<String>,
    /// What `--fix` would do.
    #[serde(skip)]
    pub(super) fix: Option<Fix>,
}

impl Finding {
    fn new(group: Group, name: &str, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { group, name: name.to_owned(), verdict, detail: detail.into(), cure: None, fix: None }
    }

    pub(super) fn ok(group: Group, name: &str, detail: impl Into<String>) -> Self {
        Self::new(group, name, Verdict::Ok, detail)
    }

    pub(super) fn warn(group: Group, name: &str, detail: impl Into<String>) -> Self {
        Self::new(group, name, Verdict::Warn, detail)
    }

    pub(super) fn fail(group: Group, name: &str, detail: impl Into<String>) -> Self {
        Self::new(group, name, Verdict::Fail, detail)
    }

    pub(super) fn skipped(group: Group, name: &str, detail: impl Into<String>) -> Self {
        Self::new(group, name, Verdict::Skipped, detail)
    }

    pub(super) fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }

    /// A cure that `--fix` can do.
    pub(super) fn fix(mut self, fix: Fix) -> Self {
        self.cure = Some(format!("{}    (miyabi doctor --fix)", fix.words()));
        self.fix = Some(fix);
        self
    }
}
