//! The last steps of the process that becomes the command.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use miyabi_core::sandbox::SandboxLevel;
use rustix::fs::Mode;

use super::failure::{Done, During as _};
use super::seccomp::Sockets;
use super::{file_rules, process_limits, seccomp, system};
use crate::sandbox::plan::{Failure, Plan, Step};

/// Becomes the command; returns only if that fails.
pub(super) fn become_command(plan: &Plan, own_processes: u64) -> Failure {
    match prepare(plan, own_processes) {
        Err(failure) => failure,
        Ok(()) => {
            let variables = plan.env.iter().map(|(name, value)| (&name.0, &value.0));
            let arguments = plan.args.iter().map(|argument| &argument.0);
            let error = Command::new(&plan.program.0).args(arguments).env_clear().envs(variables).exec();
            Failure { step: Step::Start, path: None, errno: error.raw_os_error().unwrap_or(libc::EINVAL) }
        }
    }
}

fn prepare(plan: &Plan, own_processes: u64) -> Done {
    rustix::process::setsid().during(Step::Processes)?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let nothing = std::fs::File::open("/dev/null").during(Step::Processes)?;
    rustix::stdio::dup2_stdin(&nothing).during(Step::Processes)?;
    drop(nothing);
    system::mark_descriptors_close_on_exec().during(Step::Processes)?;
    rustix::process::chdir(plan.cwd.as_path()).during_at(Step::WorkingDirectory, plan.cwd.as_path())?;
    process_limits::apply(plan, own_processes)?;
    if plan.level != SandboxLevel::External {
        file_rules::apply(plan)?;
        // Without a network namespace the only way to have no network is to have no such sockets.
        let exposed = !plan.own_network || plan.level == SandboxLevel::Strict;
        seccomp::apply(if exposed { Sockets::Internet } else { Sockets::UnixOnly })?;
    }
    system::reset_signals();
    Ok(())
}
