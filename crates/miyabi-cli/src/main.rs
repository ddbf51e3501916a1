//! The program `miyabi`. Everything else is in the library; here is only the order of the first steps.

use std::process::ExitCode;

fn main() -> ExitCode {
    miyabi_cli::main()
}
