//! The launcher: a fresh process between the program and the command.
//!
//! ```text
//! program --spawns--> launcher (supervisor) --forks--> init --forks--> command
//! ```
//!
//! The supervisor stays outside the new namespaces' root and watches limits; init is process 1
//! inside, whose end ends everything in its PID namespace. The supervisor ends init when the program
//! goes away (its end of the socket closes), the kernel ends init when the supervisor goes away.

mod cgroup;
mod command;
mod descendants;
mod detached_mounts;
mod disk;
mod failure;
mod file_rules;
mod identity;
mod init;
mod log;
mod overlay;
mod probe;
mod process_limits;
mod root_tree;
mod seccomp;
mod sources;
mod supervision;
mod supervisor;
mod system;
mod usage;
mod watch;

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

pub use self::probe::Check;
pub(in crate::sandbox) use self::probe::Task;

use self::failure::{Done, During as _, failure};
use super::plan::{MAX_PLAN_BYTES, Plan, Report, Step};

/// The name under which the program re-executes itself to become the launcher.
pub const LAUNCHER_NAME: &str = "miyabi-sandbox";

/// The first argument by which the self-test starts this program inside the sandbox.
pub(in crate::sandbox) const PROBE_WORD: &str = "miyabi-sandbox-probe";

/// The launcher's own exit code when it could not do its work. Details go to the program's socket.
const FAILED: u8 = 125;

/// Whether this process was started as the launcher, or as its self-test. Ask before anything else
/// in `main`.
pub fn is_launcher() -> bool {
    let mut arguments = std::env::args_os();
    arguments.next().is_some_and(|name| name == LAUNCHER_NAME)
        || arguments.next().is_some_and(|word| word == PROBE_WORD)
}

/// The launcher's whole life. `main` calls it first, while the process has one thread, when
/// [`is_launcher`] says so.
pub fn run_launcher() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == PROBE_WORD) {
        return probe::run();
    }
    let Ok(control) = Control::take_over() else {
        return ExitCode::from(FAILED);
    };
    match control.read_plan().and_then(|plan| supervisor::run(&plan, &control)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            control.report(&Report::Failed(failure));
            ExitCode::from(FAILED)
        }
    }
}

/// The socket to the program. Closed by `exec`, so the command never has it.
struct Control(UnixStream);

impl Control {
    /// Moves the socket away from standard input, where the command would find it.
    fn take_over() -> std::io::Result<Self> {
        system::close_inherited_descriptors()?;
        let socket = rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), 3)?;
        rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
        Ok(Self(UnixStream::from(socket)))
    }

    fn read_plan(&self) -> Done<Plan> {
        let mut length = [0; 4];
        (&self.0).read_exact(&mut length).during(Step::ReadPlan)?;
        let length = u32::from_le_bytes(length);
        if length > MAX_PLAN_BYTES {
            return Err(failure(Step::ReadPlan, libc::E2BIG));
        }
        let mut message = vec![0; length as usize];
        (&self.0).read_exact(&mut message).during(Step::ReadPlan)?;
        serde_json::from_slice(&message).map_err(|_reason| failure(Step::ReadPlan, libc::EINVAL))
    }

    /// Tells the program. A program that is gone does not need to know.
    fn report(&self, report: &Report) {
        if let Ok(mut line) = serde_json::to_vec(report) {
            line.push(b'\n');
            let _sent = (&self.0).write_all(&line);
        }
    }
}
