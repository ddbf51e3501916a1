//! One cgroup per command, where the operator delegated a cgroup v2 folder with the `memory` and
//! `pids` controllers. The kernel then counts exactly what the samplers can only estimate.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use miyabi_core::sandbox::SandboxLimits;
use rustix::process::Pid;

use super::failure::{Done, During as _};
use crate::sandbox::plan::Step;

/// How long the kernel may take to empty a killed cgroup.
const PATIENCE: Duration = Duration::from_secs(2);

/// The command's cgroup. Removed when dropped.
pub(super) struct Cgroup {
    path: PathBuf,
}

/// What the kernel counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) cpu_ms: u64,
    pub(super) peak_bytes: u64,
    pub(super) out_of_memory: bool,
}

impl Cgroup {
    /// Creates a cgroup with the command's limits.
    pub(super) fn create(parent: &Path, limits: &SandboxLimits) -> Done<Self> {
        let path = parent.join(format!("miyabi-{}", std::process::id()));
        let make = || -> io::Result<Self> {
            fs::create_dir(&path)?;
            let cgroup = Self { path: path.clone() };
            cgroup.write("memory.max", limits.memory_bytes)?;
            // One more for the sandbox's own process 1.
            cgroup.write("pids.max", u64::from(limits.processes) + 1)?;
            // The whole command ends, not whichever process is the largest.
            cgroup.write("memory.oom.group", 1)?;
            match cgroup.write("memory.swap.max", 0) {
                // A kernel without swap accounting has no such file.
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(cgroup),
            }
        };
        make().during_at(Step::Cgroup, &path)
    }

    /// Moves a process, and thereby its future children, into the cgroup.
    pub(super) fn add(&self, process: Pid) -> Done {
        let pid = u64::from(process.as_raw_nonzero().get().unsigned_abs());
        self.write("cgroup.procs", pid).during_at(Step::Cgroup, &self.path)
    }

    /// Ends every process in it.
    pub(super) fn kill(&self) {
        // Before Linux 5.14 there is no such file; ending process 1 does the same.
        let _killed = self.write("cgroup.kill", 1);
    }

    pub(super) fn counted(&self) -> Counted {
        Counted {
            cpu_ms: self.field("cpu.stat", "usage_usec").unwrap_or(0) / 1000,
            peak_bytes: self.read("memory.peak").and_then(|text| text.trim().parse().ok()).unwrap_or(0),
            out_of_memory: self.field("memory.events", "oom_kill").unwrap_or(0) > 0,
        }
    }

    fn write(&self, name: &str, value: u64) -> io::Result<()> {
        fs::write(self.path.join(name), value.to_string())
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path.join(name)).ok()
    }

    fn field(&self, file: &str, name: &str) -> Option<u64> {
        let text = self.read(file)?;
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.kill();
        let deadline = Instant::now() + PATIENCE;
        // The kernel refuses while a process is still on its way out.
        while fs::remove_dir(&self.path).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
            && Instant::now() < deadline
        {
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_and_counts_are_read() {
        // An ordinary folder: only names and formats are checked here.
        let parent = tempfile::tempdir().unwrap();
        let limits = SandboxLimits { memory_bytes: 4096, processes: 7, ..SandboxLimits::default() };
        let cgroup = Cgroup::create(parent.path(), &limits).unwrap();
        assert_eq!(cgroup.read("memory.max").unwrap(), "4096");
        assert_eq!(cgroup.read("pids.max").unwrap(), "8");
        assert_eq!(cgroup.counted(), Counted::default());
        fs::write(cgroup.path.join("cpu.stat"), "usage_usec 2500\nuser_usec 1\n").unwrap();
        fs::write(cgroup.path.join("memory.events"), "low 0\noom 1\noom_kill 2\n").unwrap();
        fs::write(cgroup.path.join("memory.peak"), "123\n").unwrap();
        assert_eq!(cgroup.counted(), Counted { cpu_ms: 2, peak_bytes: 123, out_of_memory: true });
    }
}
