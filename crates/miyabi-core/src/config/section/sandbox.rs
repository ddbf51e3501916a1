//! The cage for commands.

use crate::config::option::declare;
use crate::sandbox::{SandboxLevel, SandboxLimits};

const MIB: u64 = 1024 * 1024;

declare! {
    /// The cage for commands and its ceilings, for each single command.
    Sandbox at &["sandbox"] => {
        /// `strict`, `reduced` or `external`; never lowered by itself. Default: `strict`.
        level: SandboxLevel = SandboxLevel::Strict;
        /// Whether set-up commands may use the network, to fetch dependencies. Default: false.
        setup_network: bool = false;
        /// Seconds that one command of an agent may take. Default: 120.
        wall_s: u64 = 120;
        /// Seconds that one command of a gate or of the set-up may take. Default: 900.
        gate_wall_s: u64 = 900;
        /// Seconds of processor time over all processes of one command. Default: 600; four times `gate_wall_s` for
        /// gates.
        cpu_s: u64 = 600;
        /// Memory over all processes, in MiB. Default: 4096.
        memory_mib: u64 = 4_096;
        /// Processes and threads alive at once. Default: 512.
        processes: u32 = 512;
        /// Size of any single file written, in MiB. Default: 1024.
        file_size_mib: u64 = 1_024;
        /// Open descriptors per process. Default: 4096.
        open_files: u32 = 4_096;
        /// Growth of the writable folders, in MiB. Default: 4096.
        disk_mib: u64 = 4_096;
        /// Growth of the writable folders, in files and folders. Default: 200000.
        inodes: u64 = 200_000;
        /// Size of the private temporary file system, in MiB. Default: 512.
        tmp_mib: u64 = 512;
        /// Stored output of one command, in MiB; what follows is counted and dropped. Default: 64.
        output_mib: u64 = 64;
    }
}

impl Sandbox {
    /// The ceilings of an agent's command.
    pub fn limits(&self) -> SandboxLimits {
        SandboxLimits {
            wall_ms: self.wall_s.saturating_mul(1_000),
            cpu_ms: self.cpu_s.saturating_mul(1_000),
            memory_bytes: self.memory_mib.saturating_mul(MIB),
            processes: self.processes,
            file_size_bytes: self.file_size_mib.saturating_mul(MIB),
            open_files: self.open_files,
            disk_bytes: self.disk_mib.saturating_mul(MIB),
            inodes: self.inodes,
            tmp_bytes: self.tmp_mib.saturating_mul(MIB),
            output_bytes: self.output_mib.saturating_mul(MIB),
        }
    }

    /// The ceilings of a gate's or a set-up's command.
    pub fn gate_limits(&self) -> SandboxLimits {
        let wall_ms = self.gate_wall_s.saturating_mul(1_000);
        SandboxLimits { wall_ms, cpu_ms: wall_ms.saturating_mul(4), ..self.limits() }
    }
}
