//! Which suites a task consists of, and their time budgets.
//!
//! Budgets are for two current cores and nothing built yet, so that they hold in a fresh clone; they
//! are there to notice a suite that became several times slower, not a few seconds.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::architecture as rules;
use crate::command::{cargo, listen, program, run, works};
use crate::counts::{self, Counts};
use crate::deny::Tell;
use crate::ledger::Ledger;
use crate::place::Place;
use crate::{deny, documents, peers};

/// Everything that must hold.
///
/// # Errors
/// Never: what fails is in the account.
pub(crate) fn test(place: &Place) -> Result<ExitCode> {
    let mut ledger = Ledger::new(place.patience);
    quick_checks(place, &mut ledger);
    ledger.check("documents", 300, || {
        documents::check_links(place)?;
        let mut rustdoc = cargo(
            place,
            ["doc", "--workspace", "--locked", "--no-deps", "--document-private-items", "--quiet"],
        );
        rustdoc.env(
            "RUSTDOCFLAGS",
            "--deny rustdoc::broken_intra_doc_links --allow rustdoc::private_intra_doc_links",
        );
        run(rustdoc)
    });
    ledger.check("licences", 300, || deny::check(place, Tell::Errors));
    ledger.check("peers", 300, || peers::install(place).map(drop));
    ledger.check("build", 900, || run(tests(place, &["--tests", "--no-run"])?));
    ledger.suite("tests", 600, || count(tests(place, &["--tests"])?));
    ledger.suite("doc tests", 180, || {
        count(cargo(place, ["test", "--workspace", "--locked", "--doc", "--quiet"]))
    });
    Ok(ledger.close())
}

/// The quick part: what a developer runs before every commit.
///
/// # Errors
/// Never: what fails is in the account.
pub(crate) fn check(place: &Place) -> Result<ExitCode> {
    let mut ledger = Ledger::new(place.patience);
    quick_checks(place, &mut ledger);
    ledger.suite("unit tests", 900, || count(tests(place, &["--lib", "--bins"])?));
    Ok(ledger.close())
}

/// Repairs by machine what a machine can repair.
///
/// # Errors
/// When a tool is missing or fails.
pub(crate) fn fix(place: &Place) -> Result<ExitCode> {
    component(place, "fmt", "rustfmt")?;
    component(place, "clippy", "clippy")?;
    run(cargo(
        place,
        ["clippy", "--workspace", "--all-targets", "--locked", "--fix", "--allow-dirty", "--allow-staged"],
    ))?;
    run(cargo(place, ["fmt", "--all"]))?;
    Ok(ExitCode::SUCCESS)
}

/// Only the architecture test.
///
/// # Errors
/// Never: what fails is in the account.
pub(crate) fn architecture(place: &Place) -> Result<ExitCode> {
    let mut ledger = Ledger::new(place.patience);
    ledger.check("architecture", 30, || rules::check(place));
    Ok(ledger.close())
}

/// Only the licences.
///
/// # Errors
/// Never: what fails is in the account.
pub(crate) fn licences(place: &Place) -> Result<ExitCode> {
    let mut ledger = Ledger::new(place.patience);
    ledger.check("licences", 300, || deny::check(place, Tell::Everything));
    Ok(ledger.close())
}

fn quick_checks(place: &Place, ledger: &mut Ledger) {
    ledger.check("format", 60, || {
        component(place, "fmt", "rustfmt")?;
        run(cargo(place, ["fmt", "--all", "--check", "--", "-l"])).context("`make fix` formats these files")
    });
    ledger.check("architecture", 30, || rules::check(place));
    ledger.check("lints", 900, || {
        component(place, "clippy", "clippy")?;
        run(cargo(
            place,
            ["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"],
        ))
    });
}

/// All tests but those in documentation, by nextest where it is installed: one process per test, with
/// limits of time (`.config/nextest.toml`).
fn tests(place: &Place, arguments: &[&str]) -> Result<std::process::Command> {
    let runner: &[&str] = if works(cargo(place, ["nextest", "--version"])) {
        &["nextest", "run", "--workspace", "--locked"]
    } else {
        &["test", "--workspace", "--locked", "--no-fail-fast"]
    };
    let mut command = cargo(place, runner.iter().chain(arguments).copied());
    command.env("MIYABI_PEERS", peers::folder(place)?);
    Ok(command)
}

/// Runs a test runner and adds up what it counted.
fn count(command: std::process::Command) -> Result<Counts> {
    let heard = listen(command, counts::is_closing)?;
    let counts = counts::total(&heard.lines);
    match counts {
        Some(counts) if heard.success || counts.failed > 0 => Ok(counts),
        _ => bail!("the test runner did not come to its end"),
    }
}

/// Makes sure that a component of the Rust toolchain is there.
fn component(place: &Place, command: &str, name: &str) -> Result<()> {
    if works(cargo(place, [command, "--version"])) {
        return Ok(());
    }
    let mut rustup = program(place, "rustup");
    rustup.args(["component", "add", name]);
    run(rustup).with_context(|| {
        format!("`cargo {command}` is missing; install it with your Rust toolchain's `{name}`")
    })
}
