//! Whether files are executable. The port to checkouts knows contents only, so this is asked and said with the ordinary
//! programs, in the sandbox like every other command.

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::checkouts::{Exec, Program};

use super::Call;
use crate::patch::{FileWrite, Mode};
use crate::registry::Problem;
use crate::server::workspace::refused;

/// What a file's executable bits are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits {
    path: String,
    executable: bool,
}

impl Bits {
    pub(super) fn opposite(&self) -> Self {
        Self { path: self.path.clone(), executable: !self.executable }
    }
}

/// The files whose bits must be set, as things are before anything is written.
pub(super) async fn wanted(call: &Call, writes: &[FileWrite]) -> Result<Vec<Bits>, Problem> {
    let mut all = Vec::new();
    for write in writes.iter().filter(|write| write.bytes.is_some()) {
        let executable = match &write.mode {
            Mode::Keep => continue,
            Mode::Executable(executable) => *executable,
            Mode::Like(other) => is_executable(call, other).await?,
        };
        if executable != is_executable(call, &write.path).await? {
            all.push(Bits { path: write.path.clone(), executable });
        }
    }
    Ok(all)
}

/// Sets bits; those that were set are added to `done`.
pub(super) async fn set(call: &Call, all: &[Bits], done: &mut Vec<Bits>) -> Result<(), Problem> {
    for bits in all {
        let mode = if bits.executable { "+x" } else { "-x" };
        if run(call, &["chmod", mode, "--", &operand(&bits.path)]).await? != Some(0) {
            let message = format!("the mode of `{}` can't be changed", bits.path);
            return Err(Failure::permanent(ErrorCode::SandboxSetup, message).into());
        }
        done.push(bits.clone());
    }
    Ok(())
}

async fn is_executable(call: &Call, path: &str) -> Result<bool, Problem> {
    Ok(run(call, &["test", "-x", &operand(path)]).await? == Some(0))
}

/// A path that no program takes for an option.
fn operand(path: &str) -> String {
    format!("./{path}")
}

async fn run(call: &Call, argv: &[&str]) -> Result<Option<i32>, Problem> {
    let exec = Exec {
        program: Program::Argv(argv.iter().map(|&argument| argument.to_owned()).collect()),
        folder: String::new(),
        limits: call.scope.limits.clone(),
        network: false,
    };
    let outcome = call.checkouts.exec(&call.scope.checkout, &exec, &call.cancel).await.map_err(refused)?;
    if outcome.is_cancelled {
        return Err(Failure::cancelled().into());
    }
    Ok(outcome.exit_code)
}
