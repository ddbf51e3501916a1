//! Who listens on a port: a process of the service, or somebody else who would answer in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// What could be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// Only processes of the service listen there.
    Service,
    /// Another process listens there.
    Stranger,
    /// Nobody listens there.
    Nobody,
    /// The system does not let us see.
    Unknown,
}

/// The state "listening" in the system's table.
const LISTENING: &str = "0A";

/// How far the service's own processes are from the one that watches over it: that one and process 1 of the sandbox
/// come before.
const LAUNCHER_DEPTH: usize = 2;

/// Looks who listens on a port of this machine. `service` is the process that watches over it.
/// Blocking.
pub(super) fn owner(port: u16, service: u32) -> Owner {
    let Some(sockets) = listening(port) else {
        return Owner::Unknown;
    };
    if sockets.is_empty() {
        return Owner::Nobody;
    }
    let mut ours = BTreeSet::new();
    let mut is_hidden = false;
    for (process, depth) in descendants(service) {
        match sockets_of(process) {
            Some(sockets) => ours.extend(sockets),
            // The sandbox's own two processes hide from everyone, and listen to nobody.
            None => is_hidden |= depth >= LAUNCHER_DEPTH,
        }
    }
    if sockets.is_subset(&ours) {
        Owner::Service
    } else if is_hidden {
        Owner::Unknown
    } else {
        Owner::Stranger
    }
}

/// Numbers of the sockets that listen on a port.
fn listening(port: u16) -> Option<BTreeSet<u64>> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    if tables.iter().all(Result::is_err) {
        return None;
    }
    let lines = tables.iter().flatten().flat_map(|table| table.lines().skip(1));
    Some(lines.filter_map(|line| listening_in(line, port)).collect())
}

/// One line: number, local address, remote address, state, five more, socket.
fn listening_in(line: &str, port: u16) -> Option<u64> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
    let is_wanted = u16::from_str_radix(local_port, 16) == Ok(port) && *fields.get(3)? == LISTENING;
    fields.get(9)?.parse().ok().filter(|_| is_wanted)
}

/// The process and all that come from it, with their distance from it.
fn descendants(root: u32) -> BTreeMap<u32, usize> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        if let Some(parent) = parent_of(process) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = BTreeMap::new();
    let mut pending = vec![(root, 0)];
    while let Some((process, depth)) = pending.pop() {
        // The table is no snapshot: an id may have been given again while it was read.
        if found.insert(process, depth).is_none() {
            let next = children.get(&process).into_iter().flatten();
            pending.extend(next.map(|child| (*child, depth + 1)));
        }
    }
    found
}

/// The process's name comes before and may contain anything, so the line is read from its end.
fn parent_of(process: u32) -> Option<u32> {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    line[line.rfind(')')? + 1..].split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Numbers of the sockets that a process holds; `None` if we may not see. A process that has ended holds none.
fn sockets_of(process: u32) -> Option<Vec<u64>> {
    let entries = match fs::read_dir(format!("/proc/{process}/fd")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(Vec::new()),
        Err(_) => return None,
    };
    let targets = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    let number = |target: std::path::PathBuf| {
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    Some(targets.filter_map(number).collect())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listener_is_known_by_its_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(owner(port, std::process::id()), Owner::Service);
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert_eq!(owner(port, other.id()), Owner::Stranger);
        other.kill().unwrap();
        other.wait().unwrap();
        drop(listener);
        assert_eq!(owner(port, std::process::id()), Owner::Nobody);
    }

    #[test]
    fn only_listening_sockets_count() {
        let line =
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 4711 1 0";
        assert_eq!(listening_in(line, 8080), Some(4711));
        assert_eq!(listening_in(line, 8081), None);
        assert_eq!(listening_in(&line.replace(" 0A ", " 01 "), 8080), None);
    }
}
