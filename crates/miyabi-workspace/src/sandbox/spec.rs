//! What a caller asks for: the sandbox's options and one command with its mounts and limits.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use miyabi_core::sandbox::{SandboxLevel, SandboxLimits};

/// The home folder that commands see. A private temporary folder unless a mount covers it.
pub const HOME: &str = "/home/miyabi";

/// The unprivileged id that commands get when the program itself runs as root.
///
/// The number lies outside the ranges that `adduser`, systemd's dynamic users and common
/// subordinate-id settings hand out, so no other process of the machine shares it.
pub const DEFAULT_UNPRIVILEGED_ID: u32 = 60_600;

/// How commands are caged; the same for every command of one [`Sandbox`](super::Sandbox).
#[derive(Debug, Clone)]
pub struct Options {
    /// The level the operator chose.
    pub level: SandboxLevel,
    /// The program that answers to [`LAUNCHER_NAME`](super::LAUNCHER_NAME): normally this very
    /// program, `/proc/self/exe`.
    pub launcher: PathBuf,
    /// A folder of ours: private homes of level `reduced` and the remembered self-test live here.
    pub state_dir: PathBuf,
    /// User and group id for commands when the program runs as root; unused otherwise.
    pub unprivileged_id: u32,
    /// A cgroup v2 folder in which the launcher may create children with the `memory` and `pids`
    /// controllers. `None`: looked for in the program's own cgroup.
    pub cgroup: Option<PathBuf>,
}

impl Options {
    /// Options with the running program as launcher.
    pub fn new(level: SandboxLevel, state_dir: impl Into<PathBuf>) -> Self {
        Self {
            level,
            launcher: PathBuf::from("/proc/self/exe"),
            state_dir: state_dir.into(),
            unprivileged_id: DEFAULT_UNPRIVILEGED_ID,
            cgroup: None,
        }
    }
}

/// Which network a command sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// Its own network with nothing but a loopback interface.
    #[default]
    None,
    /// The machine's network. Only where the operator allows it: set-up commands and deployed services.
    Host,
}

/// What a command may do with a mounted folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Read and execute; mounts below it are read-only as well.
    ReadOnly,
    /// Everything. The folder belongs to the sandbox's id; see [`Sandbox::own`](super::Sandbox::own).
    ReadWrite,
    /// The source is read-only below, the command's own writes land in `upper`.
    ///
    /// For package caches that several tasks share. `work` is the empty folder beside `upper`, on
    /// the same file system, that overlayfs needs for itself. Both belong to the sandbox's id.
    Overlay {
        /// Folder that receives the writes.
        upper: PathBuf,
        /// Scratch folder of overlayfs.
        work: PathBuf,
    },
}

/// A file or folder of the machine that a command sees.
///
/// Levels without namespaces cannot move a path, so a mount whose `source` and `target` are equal
/// behaves alike at every level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path on the machine.
    pub source: PathBuf,
    /// Absolute path in the sandbox, without `..` or links.
    pub target: PathBuf,
    /// What the command may do with it.
    pub access: Access,
}

impl Mount {
    /// The same path, read-only.
    pub fn read_only(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { source: path.clone(), target: path, access: Access::ReadOnly }
    }

    /// The same path, writable.
    pub fn read_write(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { source: path.clone(), target: path, access: Access::ReadWrite }
    }
}

/// What ties a command's life to the program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifetime {
    /// Ends with the program, however the program ends.
    #[default]
    Tied,
    /// Lives on: a deployed service. Has no wall clock or total processor time limit.
    Detached,
}

/// Where the output goes beyond the head and tail that stay in memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OutputTarget {
    /// Nowhere.
    #[default]
    Memory,
    /// This file, created or emptied, up to `limits.output_bytes`.
    File(PathBuf),
}

/// One command.
#[derive(Debug, Clone)]
pub struct CommandSpec {
    /// A path, or a name looked up in the command's own `PATH`.
    pub program: OsString,
    /// Arguments after the program's name.
    pub args: Vec<OsString>,
    /// Working folder inside the sandbox.
    pub cwd: PathBuf,
    /// The whole environment. `HOME`, `PATH`, `TMPDIR`, `USER` and `LANG` are added where missing.
    pub env: BTreeMap<String, String>,
    /// What the command sees beyond the system's own folders, in the order of mounting.
    pub mounts: Vec<Mount>,
    /// Which network it sees.
    pub network: Network,
    /// Its ceilings.
    pub limits: SandboxLimits,
    /// What its life is tied to.
    pub lifetime: Lifetime,
    /// Where its output goes.
    pub output: OutputTarget,
}

impl CommandSpec {
    /// A command with default limits, no network, no mounts and no environment of its own.
    pub fn new<A: Into<OsString>>(
        program: impl Into<OsString>,
        args: impl IntoIterator<Item = A>,
        cwd: impl AsRef<Path>,
    ) -> Self {
        Self {
            program: program.into(),
            args: args.into_iter().map(Into::into).collect(),
            cwd: cwd.as_ref().to_path_buf(),
            env: BTreeMap::new(),
            mounts: Vec::new(),
            network: Network::default(),
            limits: SandboxLimits::default(),
            lifetime: Lifetime::default(),
            output: OutputTarget::default(),
        }
    }
}
