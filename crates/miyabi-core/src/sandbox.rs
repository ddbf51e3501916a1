//! What a sandbox promises: its level, limits and what a limit's end looks like.
//!
//! The launcher that keeps the promise lives in `miyabi-workspace`; here are only the facts that are
//! stored with a run and shown to people.

use serde::{Deserialize, Serialize};

/// How strongly commands are caged. Chosen by the operator only; never lowered by a fallback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxLevel {
    /// Own namespaces, minimal root, Landlock, seccomp, no network, limits.
    #[default]
    Strict,
    /// Process limits and Landlock where the host has them, no namespaces.
    Reduced,
    /// The operator's own container or virtual machine is the cage.
    External,
}

impl SandboxLevel {
    /// The word used on the command line, in journals and in pull requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Reduced => "reduced",
            Self::External => "external",
        }
    }
}

/// Ceilings for one command. Every ceiling that ends a command is named in its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxLimits {
    /// Wall-clock time, in milliseconds.
    pub wall_ms: u64,
    /// Processor time over all processes, in milliseconds.
    pub cpu_ms: u64,
    /// Memory over all processes, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads alive at once.
    pub processes: u32,
    /// Size of any single file written, in bytes.
    pub file_size_bytes: u64,
    /// Open descriptors per process.
    pub open_files: u32,
    /// Growth of the writable folders, in bytes.
    pub disk_bytes: u64,
    /// Growth of the writable folders, in files and folders.
    pub inodes: u64,
    /// Size of the private temporary file system, in bytes.
    pub tmp_bytes: u64,
    /// Stored output; what follows is counted and dropped.
    pub output_bytes: u64,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            wall_ms: 120_000,
            cpu_ms: 600_000,
            memory_bytes: 4096 * MIB,
            processes: 512,
            file_size_bytes: 1024 * MIB,
            open_files: 4096,
            disk_bytes: 4096 * MIB,
            inodes: 200_000,
            tmp_bytes: 512 * MIB,
            output_bytes: 64 * MIB,
        }
    }
}

/// The ceiling that ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitHit {
    /// Ran longer than `wall_ms`.
    Timeout,
    /// Used more processor time than `cpu_ms`.
    Cpu,
    /// Used more memory than `memory_bytes`.
    Memory,
    /// Wrote more than `disk_bytes` or `inodes`.
    Disk,
    /// Wrote one file larger than `file_size_bytes`.
    FileSize,
}
