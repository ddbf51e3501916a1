//! Writes data to standard output: tables for people, lines for programs, JSON for both.

use std::io::Write as _;

use anyhow::Result;
use miyabi_workspace::attended;
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::style::Role;
use crate::table::{Cell, Column, render, render_plain};

/// A line of data.
///
/// # Errors
/// When standard output is closed; the caller's caller knows that a closed pipe is no error.
pub(crate) fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// One JSON document, all of it or the fields that were asked for.
///
/// # Errors
/// As [`line()`].
pub(crate) fn json(context: &Context, value: &impl Serialize) -> Result<()> {
    let value = serde_json::to_value(value)?;
    let fields: Vec<&str> =
        context.global.json.as_deref().unwrap_or_default().split(',').filter(|f| !f.is_empty()).collect();
    line(&serde_json::to_string(&pick(value, &fields))?)
}

/// Keeps some fields of an object, or of the objects of a list or page.
fn pick(value: Value, fields: &[&str]) -> Value {
    if fields.is_empty() {
        return value;
    }
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(|item| pick(item, fields)).collect()),
        Value::Object(mut object) => match object.remove("items") {
            Some(items @ Value::Array(_)) => pick(items, fields),
            Some(items) => {
                object.insert("items".into(), items);
                Value::Object(object)
            }
            None => {
                Value::Object(object.into_iter().filter(|(key, _)| fields.contains(&key.as_str())).collect())
            }
        },
        other => other,
    }
}

/// A table, in the form that was asked for.
///
/// # Errors
/// As [`line()`].
pub(crate) fn table(context: &Context, columns: &[Column], rows: &[Vec<Cell>]) -> Result<()> {
    let lines = if context.global.plain {
        render_plain(rows)
    } else {
        render(columns, rows, context.painter(), context.table_width())
    };
    paged(context, &lines)
}

/// Many lines: through the pager when they are more than the terminal is high.
///
/// # Errors
/// As [`line()`].
pub(crate) fn paged(context: &Context, lines: &[String]) -> Result<()> {
    let terminal = &context.terminal;
    if terminal.stdout_is_tty && !context.global.no_pager && lines.len() >= terminal.height {
        let mut text = lines.join("\n");
        text.push('\n');
        let pager = ["MIYABI_PAGER", "PAGER"].iter().find_map(|name| context.variables.get(*name));
        let words: Vec<String> =
            pager.map_or("less", String::as_str).split_whitespace().map(str::to_owned).collect();
        // Without a pager there still is the terminal.
        if attended::show(&words, &text, context.variables.contains_key("LESS")).is_ok() {
            return Ok(());
        }
    }
    let mut out = std::io::stdout().lock();
    for text in lines {
        writeln!(out, "{text}")?;
    }
    out.flush()?;
    Ok(())
}

/// A text from outside as it may reach a terminal: without control characters, but for tabs.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

/// A line of a unified diff in its colour. A diff is bytes of a repository: nothing in it may steer the terminal.
pub(crate) fn diff_line(context: &Context, text: &str) -> String {
    let text = clean(text);
    let role = match text.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'd', b'i', b'f', b'f', ..] => Some(Role::Bold),
        [b'+', ..] => Some(Role::Ok),
        [b'-', ..] => Some(Role::Bad),
        [b'@', ..] => Some(Role::Run),
        _ => None,
    };
    role.map_or_else(|| text.clone(), |role| context.painter().paint(role, &text))
}

/// A line for people, on standard error; not with `--quiet`.
pub(crate) fn note(context: &Context, text: &str) {
    if !context.global.quiet {
        // Nobody is there to be told that standard error is closed.
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_picked_from_objects_lists_and_pages() {
        let run = json!({"id": "a", "state": "running", "title": "t"});
        assert_eq!(pick(run.clone(), &["id", "state"]), json!({"id": "a", "state": "running"}));
        assert_eq!(pick(json!([run]), &["id"]), json!([{"id": "a"}]));
        assert_eq!(pick(json!({"items": [run], "next": null}), &["title"]), json!([{"title": "t"}]));
        assert_eq!(pick(run.clone(), &[]), run);
    }
}
