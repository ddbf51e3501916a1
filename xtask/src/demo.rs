//! `cargo xtask demo`: builds the program and becomes it.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::command::{self, cargo};
use crate::place::Place;

/// Builds `miyabi` and replaces this process by `miyabi demo`, so that keys and signals reach it alone.
///
/// The development profile: it builds in 3.7 minutes of processor time, the optimised one in 9.3, and the demo itself
/// then takes some seconds with either.
///
/// # Errors
/// When it can't be built or started.
pub(crate) fn run(place: &Place, arguments: &[OsString]) -> Result<ExitCode> {
    command::run(cargo(place, ["build", "--locked", "--package", "miyabi-cli"]))?;
    let program = place.target.join("debug/miyabi");
    let error = Command::new(&program).arg("demo").args(arguments).exec();
    Err(error).with_context(|| format!("could not start `{}`", program.display()))
}
