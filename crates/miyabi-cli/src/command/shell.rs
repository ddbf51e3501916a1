//! `completions`, `man` and `version`: the program about itself, for other programs.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap_mangen::Man as Page;

use crate::args::{self, Man};
use crate::context::Context;
use crate::outcome::{EXITS, Exit, usage};
use crate::print;

/// `miyabi completions`.
///
/// # Errors
/// When output can't be written.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "miyabi", &mut script);
    print::line(String::from_utf8(script)?.trim_end())?;
    Ok(Exit::OK)
}

/// `miyabi man`.
///
/// # Errors
/// When the command does not exist, or output can't be written.
pub(crate) fn man(context: &Context, wanted: &Man) -> Result<Exit> {
    let mut whole = args::command();
    whole.build();
    if let Some(folder) = &wanted.to {
        let count = write_all(&whole, folder)?;
        print::note(context, &context.lang().pages_written(count, folder.display()));
        return Ok(Exit::OK);
    }
    let page = match &wanted.command {
        None => page(&whole)?,
        Some(name) => {
            let command = whole.find_subcommand(name).ok_or_else(|| unknown(&whole, name))?;
            page(command)?
        }
    };
    print::line(page.trim_end())?;
    Ok(Exit::OK)
}

fn unknown(whole: &clap::Command, name: &str) -> anyhow::Error {
    let names = whole.get_subcommands().map(clap::Command::get_name);
    let fix = miyabi_core::config::nearest(name, names)
        .map_or_else(|| "miyabi help".to_owned(), |near| format!("did you mean `{near}`?"));
    usage(format!("there is no command `{name}`"), fix)
}

/// One page per command and per command of a command, named as `man` looks for them.
fn write_all(command: &clap::Command, folder: &Path) -> Result<usize> {
    std::fs::create_dir_all(folder).with_context(|| format!("could not make `{}`", folder.display()))?;
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let path = folder.join(format!("{name}.1"));
    std::fs::write(&path, page(command)?).with_context(|| format!("could not write `{}`", path.display()))?;
    let inner = command.get_subcommands().map(|command| write_all(command, folder));
    Ok(1 + inner.sum::<Result<usize>>()?)
}

fn page(command: &clap::Command) -> Result<String> {
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let man = Page::new(command.clone().after_help("")).manual("Miyabi").date("");
    let mut roff = Vec::new();
    man.render_title(&mut roff)?;
    man.render_name_section(&mut roff)?;
    man.render_synopsis_section(&mut roff)?;
    man.render_description_section(&mut roff)?;
    let mut text = String::from_utf8(roff)?;
    let lines: Vec<&str> = examples.lines().filter(|line| line.starts_with("  ")).collect();
    if !lines.is_empty() {
        let lines: Vec<String> = lines.iter().map(|line| escaped(line.trim_start())).collect();
        text.push_str(&format!(".SH EXAMPLES\n.nf\n{}\n.fi\n", lines.join("\n")));
    }
    let mut roff = Vec::new();
    man.render_options_section(&mut roff)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut roff)?;
    }
    text.push_str(&String::from_utf8(roff)?);
    text.push_str(".SH \"EXIT STATUS\"\n");
    for (code, meaning) in EXITS {
        text.push_str(&format!(".TP\n{code}\n{}\n", escaped(meaning)));
    }
    Ok(text)
}

/// A line that the formatter takes as it is.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

/// `miyabi version`.
///
/// # Errors
/// When output can't be written.
pub(crate) fn version(context: &Context) -> Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    if context.is_json() {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        print::json(context, &serde_json::json!({ "version": version, "os": os, "arch": arch }))?;
    } else {
        print::line(&format!("miyabi {version}"))?;
    }
    Ok(Exit::OK)
}
