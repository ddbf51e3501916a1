//! The shell around a deployed command: starts it, notes how it ended, and ends with it.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus, Stdio};

/// How the last line of an ended command's log begins.
pub(crate) const ENDED: &str = "miyabi: the command ";

/// The exit code for a program that can't be started, as shells have it.
const NOT_STARTED: u8 = 127;

/// Runs the command to its end.
///
/// The request to end reaches the command by itself: the sandbox tells every process in it. This one only has to
/// stay until the command has followed, so that its end is on record.
pub(super) async fn run(argv: &[OsString]) -> ExitCode {
    let Some((program, args)) = argv.split_first() else {
        return ExitCode::from(NOT_STARTED);
    };
    let spawned = tokio::process::Command::new(program).args(args).stdin(Stdio::null()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            note(&format!("could not be started: `{}`: {error}", program.to_string_lossy()));
            return ExitCode::from(NOT_STARTED);
        }
    };
    match child.wait().await {
        Ok(status) => {
            note(&in_words(status));
            ExitCode::from(as_code(status))
        }
        Err(error) => {
            note(&format!("was lost: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

fn as_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Standard error is the service's log. One write, so that no other process's line cuts it.
fn note(what: &str) {
    let _written = io::stderr().write_all(format!("{ENDED}{what}\n").as_bytes());
}
