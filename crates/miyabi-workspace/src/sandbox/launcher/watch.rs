//! A view of the sandbox's processes through `/proc`, for the supervisor's samplers.
//!
//! Everything read here was influenced by the command: names contain any byte, processes vanish
//! between two reads. A process that cannot be read counts as gone.

use std::collections::HashMap;
use std::io::Read as _;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{Dir, Mode, OFlags};

/// A line of `/proc/<pid>/stat`, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// Processor time of the process and its reaped children, in clock ticks.
    pub(super) ticks: u64,
    pub(super) zombie: bool,
}

/// The processes of a sandbox.
pub(super) struct Watch {
    folder: OwnedFd,
    /// `None`: the folder shows exactly the sandbox. Else: the descendants of this process.
    ancestor: Option<u32>,
}

impl Watch {
    /// Watches everything that this `/proc` shows.
    pub(super) fn namespace(folder: OwnedFd) -> Self {
        Self { folder, ancestor: None }
    }

    /// Watches the descendants of this process.
    pub(super) fn descendants() -> std::io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open("/proc", flags, Mode::empty())?;
        Ok(Self { folder, ancestor: Some(std::process::id()) })
    }

    /// The processes of this moment. While the sandbox lives there is at least its process 1.
    pub(super) fn processes(&self) -> Vec<Process> {
        let everyone = self.everyone();
        match self.ancestor {
            None => everyone,
            Some(ancestor) => descendants_of(ancestor, &everyone),
        }
    }

    /// A small file of a process.
    pub(super) fn read(&self, pid: u32, name: &str) -> Option<String> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, format!("{pid}/{name}"), flags, Mode::empty()).ok()?;
        let mut bytes = Vec::with_capacity(512);
        std::fs::File::from(file).take(64 * 1024).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn folder(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    fn everyone(&self) -> Vec<Process> {
        // A mount's own descriptor only names it; listing needs one of its own.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.folder, ".", flags, Mode::empty());
        let Ok(entries) = opened.and_then(Dir::new) else {
            return Vec::new();
        };
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str().ok()?.parse().ok());
        pids.filter_map(|pid| parse_stat(pid, &self.read(pid, "stat")?)).collect()
    }
}

fn parse_stat(pid: u32, line: &str) -> Option<Process> {
    // The second field is the command's name in brackets, and may itself contain brackets.
    let fields: Vec<&str> = line[line.rfind(')')? + 1..].split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    // Field 3 of the manual page is index 0 here: state 0, parent 1, times 11 to 14.
    let ticks = (11..=14).map(number).sum::<Option<u64>>()?;
    Some(Process {
        pid,
        parent: u32::try_from(number(1)?).ok()?,
        ticks,
        zombie: fields.first() == Some(&"Z"),
    })
}

fn descendants_of(ancestor: u32, everyone: &[Process]) -> Vec<Process> {
    let mut children: HashMap<u32, Vec<Process>> = HashMap::new();
    for process in everyone {
        children.entry(process.parent).or_default().push(*process);
    }
    let mut found = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            parents.push(child.pid);
            found.push(child);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, parent: u32) -> Process {
        Process { pid, parent, ticks: 0, zombie: false }
    }

    #[test]
    fn a_hostile_process_name_does_not_shift_fields() {
        let line = "7 (a) S 1 99) Z 3 7 7 0 -1 0 0 0 0 0 11 22 33 44 20 0 1 0";
        assert_eq!(parse_stat(7, line), Some(Process { pid: 7, parent: 3, ticks: 110, zombie: true }));
        for broken in ["", "7 (sh", "7 (sh) S", "7 (sh) S x 0 0"] {
            assert_eq!(parse_stat(7, broken), None, "{broken}");
        }
    }

    #[test]
    fn only_descendants_are_found() {
        let everyone = [process(2, 1), process(3, 2), process(4, 3), process(5, 1), process(6, 5)];
        let mut pids: Vec<u32> = descendants_of(2, &everyone).iter().map(|process| process.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [3, 4]);
    }
}
