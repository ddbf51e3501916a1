//! The launcher alone, for tests of the sandbox; the `miyabi` program carries the same entry itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    miyabi_workspace::sandbox::run_launcher()
}
