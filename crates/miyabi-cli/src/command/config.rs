//! `config`: the configuration with where each value comes from, and changes to the user's own file.

use anyhow::{Context as _, Result};
use miyabi_core::config::{Effective, Entry, Form, OptionDoc, nearest, options, parse_setting};
use miyabi_core::error::ErrorCode;
use miyabi_dashboard::api::{List, Problem};
use miyabi_workspace::attended;
use serde::Serialize;
use toml::Value;

use crate::args::ConfigCommand;
use crate::context::Context;
use crate::outcome::{Exit, usage};
use crate::print;
use crate::style::Role;
use crate::table::{Cell, cell, text, title};
use crate::userfile::{self, UserFile};

/// A value as `--json` prints it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    key: &'a str,
    value: &'a Value,
    origin: String,
}

/// `miyabi config`.
///
/// # Errors
/// As every command.
pub(crate) fn run(context: &Context, command: &ConfigCommand) -> Result<Exit> {
    match command {
        ConfigCommand::Get { key } => get(context, key)?,
        ConfigCommand::Set { key, value } => set(context, key, value)?,
        ConfigCommand::List { origin } => list(context, &read(context)?.entries, *origin)?,
        ConfigCommand::Path => path(context)?,
        ConfigCommand::Edit => return edit(context),
        ConfigCommand::Validate => {
            read(context)?;
            print::note(context, &context.lang().config_is_right());
        }
    }
    Ok(Exit::OK)
}

/// The effective configuration, with what the repository around the folder says.
fn read(context: &Context) -> Result<Effective> {
    Ok(context.settings.read(userfile::repository_root(&context.folder).as_deref())?)
}

fn get(context: &Context, key: &str) -> Result<()> {
    let effective = read(context)?;
    let within = format!("{key}.");
    let is_meant = |entry: &&Entry| entry.key == key || entry.key.starts_with(&within);
    let found: Vec<Entry> = effective.entries.iter().filter(is_meant).cloned().collect();
    match found.as_slice() {
        [one] if one.key == key && context.is_json() => print::json(context, &shown(one)),
        [one] if one.key == key => print::line(&plain(&one.value)),
        [] if is_option(key) && context.is_json() => {
            print::json(context, &serde_json::json!({ "key": key, "value": null, "origin": "default" }))
        }
        // It exists and nobody has set it.
        [] if is_option(key) => Ok(()),
        [] => Err(unknown_key(key, &effective)),
        many => list(context, many, false),
    }
}

fn unknown_key(key: &str, effective: &Effective) -> anyhow::Error {
    let options: Vec<String> = options().map(OptionDoc::key).collect();
    let set = effective.entries.iter().map(|entry| entry.key.as_str());
    let near = nearest(key, set.chain(options.iter().map(String::as_str))).map(str::to_owned);
    let last = || options.iter().find(|option| option.rsplit('.').next() == key.rsplit('.').next()).cloned();
    let fix = near
        .or_else(last)
        .map_or_else(|| "miyabi config list".to_owned(), |near| format!("did you mean `{near}`?"));
    Problem::new(ErrorCode::ConfigInvalid, format!("`{key}` is not an option")).with_hint(fix, None).into()
}

/// Whether an option of this key exists, whatever stands for the parts that users make up.
fn is_option(key: &str) -> bool {
    let parts: Vec<&str> = key.split('.').collect();
    options().any(|option| {
        let own: Vec<&str> = option.parts().collect();
        own.len() == parts.len() && own.iter().zip(&parts).all(|(own, part)| *own == "*" || own == part)
    })
}

fn shown(entry: &Entry) -> Shown<'_> {
    Shown { key: &entry.key, value: &entry.value, origin: entry.origin.to_string() }
}

/// A text without quotes, everything else as in TOML.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn list(context: &Context, entries: &[Entry], origin: bool) -> Result<()> {
    if context.is_json() {
        return print::json(context, &List { items: entries.iter().map(shown).collect() });
    }
    let row = |entry: &Entry| {
        let mut row: Vec<Cell> = vec![entry.key.clone().into(), plain(&entry.value).into()];
        if origin {
            row.push(cell(Role::Dim, entry.origin.to_string()));
        }
        row
    };
    let rows: Vec<Vec<Cell>> = entries.iter().map(row).collect();
    let columns = [text("KEY"), title("VALUE"), text("ORIGIN")];
    print::table(context, &columns[..if origin { 3 } else { 2 }], &rows)
}

fn set(context: &Context, key: &str, value: &str) -> Result<()> {
    let (path, value) = parse_setting(key, value)?;
    let mut file = UserFile::read(&context.paths.config)?;
    file.set(&path.0, &value)?;
    if file.is_changed() {
        file.check()?;
        file.write()?;
    }
    if context.is_json() {
        let origin = miyabi_core::config::Origin::User;
        return print::json(context, &shown(&Entry { key: path.to_string(), value, origin }));
    }
    print::note(context, &context.lang().config_was_set(&path, plain(&value)));
    let effective = context.settings.read(None)?;
    let winner = effective.entries.iter().find(|entry| entry.key == path.to_string());
    if let Some(entry) = winner.filter(|entry| entry.origin != miyabi_core::config::Origin::User) {
        print::note(context, &context.lang().config_is_hidden(&entry.origin));
    }
    Ok(())
}

fn path(context: &Context) -> Result<()> {
    let path = context.paths.config.display().to_string();
    if context.is_json() {
        return print::json(context, &serde_json::json!({ "path": path }));
    }
    print::line(&path)
}

/// Opens a copy in the editor, and puts it in the file's place when it is right.
fn edit(context: &Context) -> Result<Exit> {
    if !context.terminal.may_ask {
        return Err(usage("an editor needs a terminal", "miyabi config set <key> <value>"));
    }
    let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| context.variables.get(*name));
    let words: Vec<String> =
        editor.map_or("vi", String::as_str).split_whitespace().map(str::to_owned).collect();
    let file = UserFile::read(&context.paths.config)?;
    let draft = file.draft(&starter(file.text()))?;
    let ended_well = attended::edit(&words, &draft)
        .with_context(|| format!("could not start the editor `{}`; set EDITOR", words.join(" ")))?;
    let text = std::fs::read_to_string(&draft).context("could not read what was edited")?;
    if !ended_well || text == starter(file.text()) {
        std::fs::remove_file(&draft).context("could not remove the editor's file")?;
        print::note(context, &context.lang().config_is_unchanged());
        return Ok(if ended_well { Exit::OK } else { Exit::FAILED });
    }
    if let Err(error) = userfile::check(&text) {
        print::note(context, &context.lang().config_draft_kept(draft.display()));
        return Err(error.into());
    }
    UserFile::read(&context.paths.config)?.replace(&text)?;
    std::fs::remove_file(&draft).context("could not remove the editor's file")?;
    print::note(context, &context.lang().config_is_right());
    Ok(Exit::OK)
}

/// What an empty file begins with in the editor: all options, each as a remark.
fn starter(text: &str) -> String {
    if !text.is_empty() {
        return text.to_owned();
    }
    let mut lines =
        vec!["# All options with their meaning. Remove the `#` before those that you set.".to_owned()];
    let mut section: &[&str] = &[];
    for option in options() {
        if option.section != section {
            section = option.section;
            let parts: Vec<&str> =
                section.iter().map(|part| if *part == "*" { "NAME" } else { part }).collect();
            lines.push(format!("\n# [{}]", parts.join(".")));
        }
        lines.extend(option.doc.iter().map(|line| format!("#{line}")));
        lines.push(format!("# {} = {}", option.name, example(option.form)));
    }
    lines.join("\n") + "\n"
}

fn example(form: Form) -> String {
    match form {
        Form::Text => "\"...\"".to_owned(),
        Form::Choice(words) => format!("\"{}\"", words.first().copied().unwrap_or_default()),
        Form::Integer => "1".to_owned(),
        Form::Boolean => "true".to_owned(),
        Form::Amount => "\"2.00\"".to_owned(),
        Form::List | Form::Tables => "[]".to_owned(),
        Form::Commands => "[[\"make\", \"test\"]]".to_owned(),
    }
}
