//! The messages between the program and its launcher.
//!
//! The program sends one [`Plan`] as length and JSON; the launcher and its children answer with one
//! [`Report`] per line. The socket that carries both never reaches the command.

use std::fmt;

use miyabi_core::sandbox::{LimitHit, SandboxLevel, SandboxLimits};
use serde::{Deserialize, Serialize};

use super::text::Text;

/// A plan that is larger than this is refused; argument lists end far below it.
pub(crate) const MAX_PLAN_BYTES: u32 = 16 * 1024 * 1024;

/// The byte by which the program asks for an orderly end.
pub(crate) const CANCEL: u8 = b'c';

/// Time between the request to end and the kill, in milliseconds.
pub(crate) const GRACE_MS: u64 = 200;

/// Everything the launcher needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) level: SandboxLevel,
    pub(crate) identity: Identity,
    pub(crate) image: Vec<Entry>,
    pub(crate) mounts: Vec<PlannedMount>,
    pub(crate) own_network: bool,
    pub(crate) detached: bool,
    pub(crate) limits: SandboxLimits,
    pub(crate) cgroup: Option<Text>,
    pub(crate) program: Text,
    pub(crate) args: Vec<Text>,
    pub(crate) env: Vec<(Text, Text)>,
    pub(crate) cwd: Text,
}

/// Whose rights the command gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The program runs as root; commands are dropped to this user and group.
    DropsRoot {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
    /// The program runs as this ordinary user, and so do commands.
    OrdinaryUser {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

impl Identity {
    pub(crate) fn ids(self) -> (u32, u32) {
        match self {
            Self::DropsRoot { uid, gid } | Self::OrdinaryUser { uid, gid } => (uid, gid),
        }
    }

    pub(crate) fn drops_root(self) -> bool {
        matches!(self, Self::DropsRoot { .. })
    }
}

/// A piece of the minimal root that is the same for every command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// Read-only view of a file or folder of the machine, at the same path.
    Bind(Text),
    /// A link.
    Link { path: Text, to: Text },
    /// A small file of our own.
    File { path: Text, content: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlannedMount {
    pub(crate) source: Text,
    pub(crate) target: Text,
    pub(crate) access: PlannedAccess,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlannedAccess {
    ReadOnly,
    ReadWrite,
    Overlay { upper: Text, work: Text },
}

/// What the launcher and its children tell the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// The process that watches over the command, with its id on the machine.
    Supervised { pid: u32 },
    /// The command's program runs.
    Started,
    /// A step failed; the command did not start.
    Failed(Failure),
    /// Nothing of the command is left.
    Ended {
        /// `None`: init was killed before it could know.
        exit: Option<WireExit>,
        limit: Option<LimitHit>,
        cpu_ms: u64,
        max_rss_bytes: u64,
    },
}

/// How the command's first process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WireExit {
    Code(i32),
    Signal(i32),
}

impl WireExit {
    pub(crate) fn from_status(status: i32) -> Self {
        if libc::WIFSIGNALED(status) {
            Self::Signal(libc::WTERMSIG(status))
        } else {
            Self::Code(libc::WEXITSTATUS(status))
        }
    }
}

/// A step that failed, and the system's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) path: Option<Text>,
    pub(crate) errno: i32,
}

/// The steps of the launcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Reading the plan.
    ReadPlan,
    /// Creating pipes, signal descriptors and processes.
    Processes,
    /// Entering the cgroup.
    Cgroup,
    /// Creating the user namespace.
    UserNamespace,
    /// Writing the id maps of the user namespace.
    IdMap,
    /// Creating the other namespaces.
    Namespaces,
    /// Bringing up the loopback interface.
    Loopback,
    /// Building the minimal root.
    Mount,
    /// Mounting an overlay.
    Overlay,
    /// Mounting `/proc`.
    Proc,
    /// Entering the minimal root.
    PivotRoot,
    /// Giving up root.
    DropIdentity,
    /// Giving up capabilities.
    Capabilities,
    /// Setting process limits.
    Limits,
    /// Applying Landlock.
    Landlock,
    /// Applying seccomp.
    Seccomp,
    /// Entering the working folder.
    WorkingDirectory,
    /// Starting the program.
    Start,
    /// Watching the command's use of resources.
    Watch,
}

impl Step {
    fn as_str(self) -> &'static str {
        match self {
            Self::ReadPlan => "read plan",
            Self::Processes => "create processes",
            Self::Cgroup => "enter cgroup",
            Self::UserNamespace => "create user namespace",
            Self::IdMap => "map ids",
            Self::Namespaces => "create namespaces",
            Self::Loopback => "bring up loopback",
            Self::Mount => "mount",
            Self::Overlay => "mount overlay",
            Self::Proc => "mount /proc",
            Self::PivotRoot => "enter root",
            Self::DropIdentity => "drop root",
            Self::Capabilities => "drop capabilities",
            Self::Limits => "set limits",
            Self::Landlock => "apply landlock",
            Self::Seccomp => "apply seccomp",
            Self::WorkingDirectory => "enter working folder",
            Self::Start => "start program",
            Self::Watch => "watch processes",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
