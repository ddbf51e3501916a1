//! Running other programs: shown to the person, in the checkout, with our build folder.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::place::Place;
use crate::say;

/// A program to run in the checkout with our build folder and no input.
pub(crate) fn program(place: &Place, name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(&place.root).env("CARGO_TARGET_DIR", &place.target).stdin(Stdio::null());
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// `cargo` with these arguments.
pub(crate) fn cargo<'a>(place: &Place, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = program(place, "cargo");
    command.args(arguments);
    // Set by the cargo that runs us; a nested cargo would take them for its own package's.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        command.env_remove(name);
    }
    command
}

/// Runs to the end, output going straight through.
///
/// # Errors
/// When it can't be started or does not end with code 0.
pub(crate) fn run(mut command: Command) -> Result<()> {
    show(&command);
    let status = command.status().with_context(|| cannot_start(&command))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(&command));
    }
    Ok(())
}

/// Runs to the end without showing anything; the standard output.
///
/// # Errors
/// When it can't be started or does not end with code 0; the message carries its standard error.
pub(crate) fn quiet(mut command: Command) -> Result<String> {
    let done = command.output().with_context(|| cannot_start(&command))?;
    if !done.status.success() {
        let complaint = String::from_utf8_lossy(&done.stderr);
        bail!("`{}` ended with {}: {}", line(&command), done.status, complaint.trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// Whether it runs and ends with code 0. Shows nothing.
pub(crate) fn works(mut command: Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What a program that was listened to said and how it ended.
pub(crate) struct Heard {
    /// Whether it ended with code 0.
    pub(crate) success: bool,
    /// The lines that the listener asked to keep.
    pub(crate) lines: Vec<String>,
}

/// Runs to the end, passing the output on and keeping the lines that `keep` wants.
///
/// # Errors
/// When it can't be started.
pub(crate) fn listen(mut command: Command, keep: fn(&str) -> bool) -> Result<Heard> {
    show(&command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| cannot_start(&command))?;
    let out = child.stdout.take().context("the output is a pipe")?;
    let err = child.stderr.take().context("the error output is a pipe")?;
    let lines = std::thread::scope(|scope| {
        let other = scope.spawn(|| pass_on(out, keep));
        let mut lines = pass_on(err, keep);
        lines.extend(other.join().unwrap_or_default());
        lines
    });
    let success = child.wait().with_context(|| cannot_start(&command))?.success();
    Ok(Heard { success, lines })
}

fn pass_on(from: impl Read, keep: fn(&str) -> bool) -> Vec<String> {
    let mut kept = Vec::new();
    let mut reader = BufReader::new(from);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\n');
        say(text);
        if keep(text) {
            kept.push(text.to_owned());
        }
        bytes.clear();
    }
    kept
}

fn show(command: &Command) {
    say(&format!("$ {}", line(command)));
}

fn cannot_start(command: &Command) -> String {
    format!("could not start `{}`", command.get_program().to_string_lossy())
}

/// The command as a person would type it; long paths of programs shortened to their names.
fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name).chain(command.get_args()).map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
