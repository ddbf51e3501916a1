//! `edit`: one text of a file replaced by another, byte for byte.

mod nearest;
mod replace;

use miyabi_core::run::step::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::replace::{Miss, Replaced};
use super::file::{TextFile, check_hash, get_text, is_hash};
use super::{Call, at_most, checked_path, file, refused};
use crate::registry::{Problem, Reply, Spec, Tool, Writes};

const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// Places that an ambiguous text is shown with.
const SHOWN_PLACES: usize = 10;

/// The tool.
pub(crate) struct Edit;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    path: String,
    /// From `read`; refuses the edit if the file changed since.
    base_hash: Option<String>,
    /// Exact text, without line numbers.
    old: String,
    new: String,
    /// Replace every occurrence.
    all: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The file's hash now.
    hash: String,
    replaced: usize,
    /// The lines at which `old` began.
    lines: Vec<usize>,
}

impl Tool<Call> for Edit {
    const SPEC: Spec = Spec {
        name: "edit",
        title: "Edit a file",
        description: "Replace exact text in a file. `old` must occur once unless `all`. Write line ends as \\n; the file \
            keeps its own (CRLF too). Prefer this for small changes.",
        writes: Writes::Files,
        effect: Effect::Probe,
    };
    type Arguments = Arguments;
    type Output = Output;

    async fn run(call: &Call, arguments: Arguments) -> Result<Reply<Output>, Problem> {
        let path = checked_path("path", &arguments.path)?;
        check(&arguments)?;
        let file = get_text(call, &path).await?;
        if call.is_repeat && is_done(&arguments, &file)? {
            let output = Output { hash: file.hash.clone(), replaced: 0, lines: Vec::new() };
            let text = format!("`{path}` was edited already, hash {}", file.hash);
            return Ok(Reply::new(text, output).changed());
        }
        check_hash(&path, arguments.base_hash.as_deref(), &file.hash)?;
        let Arguments { old, new, all, .. } = &arguments;
        let replaced = replace::replace(&file.text, old, new, all.unwrap_or(false));
        let replaced = replaced.map_err(|miss| told(&path, &miss))?;
        let bytes = replaced.text.as_bytes();
        call.checkouts.write(&call.scope.checkout, &path, bytes).await.map_err(refused)?;
        Ok(reply(&path, &replaced).changed())
    }
}

fn check(arguments: &Arguments) -> Result<(), Problem> {
    at_most("old", &arguments.old, MAX_TEXT_BYTES)?;
    at_most("new", &arguments.new, MAX_TEXT_BYTES)?;
    if arguments.old.is_empty() {
        return Err(Problem::told("`old` is empty; use `write` for a new file"));
    }
    if arguments.new.contains('\0') {
        return Err(Problem::told("`new` contains a NUL character"));
    }
    Ok(())
}

/// Whether a try before this one did it: the file is not the one it was made for, and has the result in it.
fn is_done(arguments: &Arguments, file: &TextFile) -> Result<bool, Problem> {
    if let Some(base) = &arguments.base_hash
        && is_hash(base, &file.hash)?
    {
        return Ok(false);
    }
    Ok(replace::is_done(&file.text, &arguments.old, &arguments.new))
}

fn reply(path: &str, replaced: &Replaced) -> Reply<Output> {
    let hash = file::hash_of_bytes(replaced.text.as_bytes());
    let places = match replaced.lines.as_slice() {
        [line] => format!("line {line}"),
        lines => format!("{} places", lines.len()),
    };
    let output = Output {
        hash: hash.clone(),
        replaced: replaced.lines.len(),
        lines: replaced.lines.iter().copied().take(1000).collect(),
    };
    Reply::new(format!("edited `{path}` ({places}), hash {hash}"), output)
}

fn told(path: &str, miss: &Miss) -> Problem {
    let (text, data) = match miss {
        Miss::NotFound(near) => (
            format!("not found: `old` is not in `{path}`. {near}"),
            json!({"error": "not_found", "lines": near.lines()}),
        ),
        Miss::Ambiguous(lines) => {
            let shown: Vec<_> = lines.iter().take(SHOWN_PLACES).map(ToString::to_string).collect();
            let more = if lines.len() > SHOWN_PLACES { ", …" } else { "" };
            let text = format!(
                "ambiguous: `old` is in `{path}` {} times, at lines {}{more}. Give more of the text around it, or set `all`.",
                lines.len(),
                shown.join(", ")
            );
            (text, json!({"error": "ambiguous", "count": lines.len(), "lines": lines}))
        }
        Miss::Same => ("`old` and `new` are the same".to_owned(), json!({"error": "same"})),
    };
    Problem::Told { text, data: Some(data) }
}

#[cfg(test)]
mod tests;
