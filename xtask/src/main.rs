//! Development tasks: `cargo xtask <task>`. The Makefile and CI call these and nothing else.
//!
//! This file parses the command line. Which suites a task consists of is in `suites`, how a suite is
//! timed and reported in `ledger`.

mod architecture;
mod command;
mod counts;
mod demo;
mod deny;
mod documents;
mod ledger;
mod peers;
mod place;
mod suites;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::place::Place;

const USAGE: &str = "\
usage: cargo xtask <task>

  demo [ARGS]    build miyabi and run `miyabi demo ARGS`
  test           everything that must hold; what CI runs
  check          the quick part: format, architecture, lints, unit tests
  fix            format all code, take what clippy can repair by itself
  architecture   which crate may import what, and where risky code may stand
  licences       licences, bans and sources of all dependencies (cargo-deny)
  advisories     known vulnerabilities of dependencies; needs the network
  peers          install the programs that tests run against, print their folder";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<OsString> = arguments.collect();
    let task = task.to_string_lossy().into_owned();
    if task.is_empty() || task == "help" || task == "--help" {
        say(USAGE);
        return Ok(ExitCode::SUCCESS);
    }
    if task != "demo" && !rest.is_empty() {
        bail!("`cargo xtask {task}` takes no arguments\n\n{USAGE}");
    }
    let place = Place::find()?;
    match task.as_str() {
        "demo" => demo::run(&place, &rest),
        "test" => suites::test(&place),
        "check" => suites::check(&place),
        "fix" => suites::fix(&place),
        "architecture" => suites::architecture(&place),
        "licences" => suites::licences(&place),
        "advisories" => deny::advisories(&place).map(|()| ExitCode::SUCCESS),
        "peers" => peers::install(&place).map(|folder| {
            print_fact(&folder.display().to_string());
            ExitCode::SUCCESS
        }),
        _ => bail!("there is no task `{task}`\n\n{USAGE}"),
    }
}

/// Tells the person at the terminal something.
#[expect(clippy::print_stderr, reason = "a tool for the terminal: its output is what it is for")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// Prints what was asked for, for a person or a script.
#[expect(clippy::print_stdout, reason = "a tool for the terminal: its output is what it is for")]
fn print_fact(text: &str) {
    println!("{text}");
}
