//! The process of a deployed release alone, for tests; the `miyabi` program carries the same entry itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The hidden word comes first, as it does for `miyabi`.
    miyabi_workspace::site::site_main(std::env::args_os().skip(2))
}
