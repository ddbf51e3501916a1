//! Projects and what their repositories say about themselves.

use serde::{Deserialize, Serialize};

use crate::gate::Checks;
use crate::id::{ProjectId, TenantId};
use crate::time::Timestamp;

/// A repository connected to a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// The project.
    pub id: ProjectId,
    /// Who owns and pays.
    pub tenant: TenantId,
    /// A short name for people, unique for its tenant: `[a-z0-9._-]{1,64}`.
    pub name: String,
    /// The user's own checkout: absolute path. Read when a run begins, written only when asked.
    pub path: String,
    /// The branch that runs start from and merge into.
    pub branch: String,
    /// When it was connected.
    pub created_at: Timestamp,
}

/// `.miyabi/config.toml` in a repository. It is written by whoever can write to the repository, so it may name
/// commands, protect more and tighten limits, and nothing else: any other key is an error.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepositoryConfig {
    /// The project's commands, by gate; what is not named is detected.
    pub checks: PartialChecks,
    /// Globs of files whose change needs a person's approval.
    pub protected_paths: Vec<String>,
    /// Labels that the Issue agent may set, beside the kinds of issues.
    pub labels: Vec<String>,
    /// The largest change that passes the gate, in changed lines.
    pub max_changed_lines: Option<u32>,
    /// How the project is deployed.
    pub deploy: Option<DeployConfig>,
}

/// [`Checks`] in which a missing gate is "detect it" and an empty one is "there is none".
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PartialChecks {
    /// See [`Checks::setup`].
    pub setup: Option<Vec<Vec<String>>>,
    /// See [`Checks::format`].
    pub format: Option<Vec<Vec<String>>>,
    /// See [`Checks::lint`].
    pub lint: Option<Vec<Vec<String>>>,
    /// See [`Checks::build`].
    pub build: Option<Vec<Vec<String>>>,
    /// See [`Checks::test`].
    pub test: Option<Vec<Vec<String>>>,
}

impl PartialChecks {
    /// Fills what is not named with what was detected.
    pub fn or(self, detected: Checks) -> Checks {
        Checks {
            setup: self.setup.unwrap_or(detected.setup),
            format: self.format.unwrap_or(detected.format),
            lint: self.lint.unwrap_or(detected.lint),
            build: self.build.unwrap_or(detected.build),
            test: self.test.unwrap_or(detected.test),
        }
    }
}

/// How a project is built and deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployConfig {
    /// Commands that make the release, run in the sandbox in a clean clone of the merge commit.
    #[serde(default)]
    pub build: Vec<Vec<String>>,
    /// The folder that becomes the release, relative to the repository's root.
    #[serde(default = "root_folder")]
    pub folder: String,
    /// What answers: a static site if not given.
    #[serde(default)]
    pub run: Option<Vec<String>>,
    /// How to see that it is healthy.
    #[serde(default)]
    pub health: HealthCheck,
}

fn root_folder() -> String {
    ".".into()
}

/// How to see that a release is healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthCheck {
    /// The path that must answer with a status of 200 to 399.
    pub path: String,
    /// A text that the answer must contain.
    pub contains: Option<String>,
    /// A command that must end with exit code 0, run in the release's folder instead of the request.
    pub command: Option<Vec<String>>,
    /// Healthy samples in a row that count as healthy.
    pub samples: u32,
    /// Time between two samples, in milliseconds.
    pub interval_ms: u64,
    /// Time after which a release that never was healthy counts as failed, in milliseconds.
    pub start_timeout_ms: u64,
    /// Time for which a healthy release is watched, in milliseconds.
    pub watch_ms: u64,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            path: "/".into(),
            contains: None,
            command: None,
            samples: 3,
            interval_ms: 200,
            start_timeout_ms: 20_000,
            watch_ms: 2_000,
        }
    }
}
