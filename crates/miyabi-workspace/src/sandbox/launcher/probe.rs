//! The self-test's part inside the sandbox: tries what must fail and what must work.
//!
//! Nothing tried here could harm the machine if the cage were open: files have names of our own,
//! connections go to our own listener, processes are few.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use miyabi_core::sandbox::SandboxLevel;
use rustix::mount::MountFlags;
use rustix::net::{AddressFamily, SocketType};
use rustix::process::Pid;
use rustix::thread::UnshareFlags;
use serde::{Deserialize, Serialize};

use super::system::{self, Fork};

/// What the self-test prepares outside for the probe to try.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::sandbox) struct Task {
    pub(in crate::sandbox) level: SandboxLevel,
    /// A folder that is mounted writable.
    pub(in crate::sandbox) checkout: PathBuf,
    /// A readable file outside every mount.
    pub(in crate::sandbox) secret: PathBuf,
    /// A listener on the machine's loopback address.
    pub(in crate::sandbox) port: u16,
    /// The program's own process.
    pub(in crate::sandbox) program: u32,
    /// The limit of processes.
    pub(in crate::sandbox) processes: u32,
}

/// What came of one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was tried.
    pub name: String,
    /// Whether the sandbox behaved as it must.
    pub ok: bool,
    /// What happened.
    pub detail: String,
}

/// Tries everything and prints one JSON line of checks.
pub(super) fn run() -> ExitCode {
    let task =
        std::env::args_os().nth(2).and_then(|task| serde_json::from_slice(task.as_encoded_bytes()).ok());
    let Some(task) = task else {
        return ExitCode::from(2);
    };
    let Ok(line) = serde_json::to_vec(&checks(&task)) else {
        return ExitCode::from(2);
    };
    match std::io::stdout().write_all(&line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}

fn checks(task: &Task) -> Vec<Check> {
    let mut checks = vec![
        works("write in the checkout", fs::write(task.checkout.join("probe"), "written")),
        works("write in the temporary folder", write_temporary()),
        works("run a shell", run_shell()),
        identity(),
    ];
    let reduced = task.level == SandboxLevel::Reduced;
    if task.level == SandboxLevel::External {
        return checks;
    }
    checks.extend([
        privileges(),
        fails("write to /usr", fs::write("/usr/.miyabi-probe", "")),
        fails("write to /etc", fs::write("/etc/.miyabi-probe", "")),
        fails("connect to the machine", connect(task.port)),
        fails("open a packet socket", rustix::net::socket(AddressFamily::PACKET, SocketType::RAW, None)),
        fails("be traced", system::ask_to_be_traced()),
        fails("use kernel keys", system::join_keyring()),
        fails("create a user namespace", system::unshare(UnshareFlags::NEWUSER)),
        fails("mount", rustix::mount::mount("none", "/tmp", "tmpfs", MountFlags::empty(), None)),
        fails("change the root", rustix::process::chroot("/tmp")),
    ]);
    if reduced && system::landlock_version() == 0 {
        let detail = "this kernel has no Landlock; level `reduced` runs without file rules".to_owned();
        checks.push(Check { name: "read outside the mounts".to_owned(), ok: true, detail });
    } else {
        checks.push(fails("read outside the mounts", fs::read(&task.secret)));
    }
    if !reduced {
        checks.extend([
            works("talk over loopback", talk_over_loopback()),
            fails("look into /root and /home", look_into_homes()),
            sees_only_itself(task.program),
            process_limit(task.processes),
            descriptors(),
        ]);
    }
    checks
}

fn works<T, E: std::fmt::Display>(name: &str, result: Result<T, E>) -> Check {
    let (ok, detail) = match result {
        Ok(_) => (true, "works".to_owned()),
        Err(error) => (false, format!("must work, but: {error}")),
    };
    Check { name: name.to_owned(), ok, detail }
}

fn fails<T, E: std::fmt::Display>(name: &str, result: Result<T, E>) -> Check {
    let (ok, detail) = match result {
        Ok(_) => (false, "must fail, but works".to_owned()),
        Err(error) => (true, format!("refused: {error}")),
    };
    Check { name: name.to_owned(), ok, detail }
}

fn holds(name: &str, ok: bool, detail: String) -> Check {
    Check { name: name.to_owned(), ok, detail }
}

fn write_temporary() -> std::io::Result<()> {
    let folder = std::env::temp_dir();
    fs::write(folder.join("probe"), "written")
}

fn run_shell() -> Result<(), String> {
    let output =
        Command::new("sh").args(["-c", "echo from shell"]).output().map_err(|error| error.to_string())?;
    if output.stdout == b"from shell\n" { Ok(()) } else { Err(format!("{output:?}")) }
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), Duration::from_secs(1))
}

fn talk_over_loopback() -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut client = connect(listener.local_addr()?.port())?;
    let (mut server, _) = listener.accept()?;
    client.write_all(b"x")?;
    server.read_exact(&mut [0])
}

/// Succeeds if any home but the sandbox's own has something in it.
fn look_into_homes() -> Result<Vec<PathBuf>, String> {
    let own = Path::new(crate::sandbox::spec::HOME);
    let list = |folder: &str| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let found: Vec<PathBuf> = list("/root").chain(list("/home")).filter(|path| path != own).collect();
    if found.is_empty() { Err("nothing there".to_owned()) } else { Ok(found) }
}

fn identity() -> Check {
    let uid = rustix::process::geteuid();
    // Root inside would be root outside where no user namespace stands between.
    holds("not root", !uid.is_root(), format!("user {}", uid.as_raw()))
}

fn privileges() -> Check {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::trim).unwrap_or_default().to_owned()
    };
    let capabilities = ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"].map(field);
    let none = capabilities.iter().all(|set| !set.is_empty() && set.bytes().all(|digit| digit == b'0'));
    let (locked, filtered) = (field("NoNewPrivs:"), field("Seccomp:"));
    let detail = format!("capabilities {capabilities:?}, no_new_privs {locked}, seccomp {filtered}");
    holds("no capabilities and no way to get any", none && locked == "1" && filtered == "2", detail)
}

fn sees_only_itself(program: u32) -> Check {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids =
        entries.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()));
    let count = pids.count();
    let reached = i32::try_from(program)
        .ok()
        .and_then(Pid::from_raw)
        // Small numbers are the sandbox's own.
        .filter(|pid| pid.as_raw_nonzero().get() > 100)
        .is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH));
    holds("see only its own processes", (1..=2).contains(&count) && !reached, format!("{count} processes"))
}

fn process_limit(limit: u32) -> Check {
    let mut children = Vec::new();
    // Bounded: were there no limit, this many processes would wait for a moment and end.
    while children.len() < limit as usize + 4 {
        match system::fork() {
            Ok(Fork::Child) => {
                std::thread::sleep(Duration::from_secs(30));
                system::leave(0)
            }
            Ok(Fork::Parent(child)) => children.push(child),
            Err(_) => break,
        }
    }
    let count = u32::try_from(children.len()).unwrap_or(u32::MAX);
    for child in children {
        let _ended = rustix::process::kill_process(child, rustix::process::Signal::KILL);
        let _reaped = rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty());
    }
    holds(
        "limit of processes",
        count > 0 && count <= limit,
        format!("{count} children with a limit of {limit}"),
    )
}

fn descriptors() -> Check {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers: Vec<i32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // One more than the standard three: the folder being listed.
    let input = fs::read_link("/proc/self/fd/0").unwrap_or_default();
    let ok = numbers.iter().all(|number| *number <= 3) && input == Path::new("/dev/null");
    holds("no inherited descriptors", ok, format!("{numbers:?}, input from {}", input.display()))
}
