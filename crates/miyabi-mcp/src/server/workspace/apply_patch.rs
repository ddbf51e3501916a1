//! `apply_patch`: several changes at once, all or nothing.

mod mode;
mod write;

use std::collections::BTreeMap;

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::run::step::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::file::{find, hash_of_bytes};
use super::{Call, at_most};
use crate::patch::{self, FilePatch, FileWrite, Patch, PatchError};
use crate::registry::{Problem, Reply, Spec, Tool, Writes};

/// Files that are named in the result.
const NAMED: usize = 100;

/// The tool.
pub(crate) struct ApplyPatch;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    patch: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    files: Vec<FileOutput>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FileOutput {
    path: String,
    /// The file's hash now; `null` if it was removed.
    hash: Option<String>,
}

/// The files as they are, by path.
type Files = BTreeMap<String, Option<Vec<u8>>>;

impl Tool<Call> for ApplyPatch {
    const SPEC: Spec = Spec {
        name: "apply_patch",
        title: "Apply a patch",
        description: "Apply a unified diff (as of `git diff`; several files; create, delete, rename), all or nothing. \
            Context must match exactly; hunks may have moved. No binary patches.",
        writes: Writes::Files,
        effect: Effect::Probe,
    };
    type Arguments = Arguments;
    type Output = Output;

    async fn run(call: &Call, Arguments { patch: text }: Arguments) -> Result<Reply<Output>, Problem> {
        at_most("patch", &text, patch::MAX_BYTES)?;
        let (patch, mut files) = read(call, text).await?;
        let is_repeat = call.is_repeat;
        // Looking for the places of hunks in large files takes time.
        let computed = tokio::task::spawn_blocking(move || {
            let patch = if is_repeat { still_to_do(patch, &files)? } else { patch };
            let writes = patch::apply(&patch, |path| files.get(path).cloned().flatten())?;
            files.retain(|path, _| writes.iter().any(|write| write.path == *path));
            Ok((writes, files))
        });
        let (writes, before) = finished(computed).await?.map_err(|error| told(&error))?;
        write::all(call, &writes, &before).await?;
        Ok(reply(&writes, &before).changed())
    }
}

/// The patch, and the files that it is about.
async fn read(call: &Call, text: String) -> Result<(Patch, Files), Problem> {
    let parsed = tokio::task::spawn_blocking(move || patch::parse(text.as_bytes()));
    let patch = finished(parsed).await?.map_err(|error| told(&error))?;
    let mut files = Files::new();
    for path in patch.paths() {
        let content = find(call, path).await?;
        files.insert(path.to_owned(), content.map(|content| content.bytes));
    }
    Ok((patch, files))
}

async fn finished<T>(work: tokio::task::JoinHandle<T>) -> Result<T, Problem> {
    work.await.map_err(|error| {
        Failure::permanent(ErrorCode::Internal, format!("a patch broke its worker: {error}")).into()
    })
}

/// What is left of a patch after a try that nobody saw the end of: each file is either as before or as after it.
fn still_to_do(patch: Patch, files: &Files) -> Result<Patch, PatchError> {
    let read = |path: &str| files.get(path).cloned().flatten();
    if patch.files.iter().any(|file| is_named_again(file, &patch)) {
        let is_done = patch::is_applied(&patch, read);
        return Ok(if is_done { Patch { files: Vec::new() } } else { patch });
    }
    let mut left = Vec::new();
    for file in patch.files {
        let one = Patch { files: vec![file] };
        let (is_done, is_possible) = (patch::is_applied(&one, read), patch::apply(&one, read).is_ok());
        let file = one.files.into_iter().next();
        match (is_done, is_possible, file) {
            (true, true, Some(file)) if !file.hunks.is_empty() => {
                return Err(PatchError::Undecidable { path: file.name().to_owned() });
            }
            (true, false, _) => {}
            // A copy can't be taken back, so it looks undone; if its result is there, it was made.
            (_, _, Some(file)) if file.is_copy && file.new_path.as_deref().and_then(read).is_some() => {}
            (_, _, file) => left.extend(file),
        }
    }
    Ok(Patch { files: left })
}

/// Whether another part of the patch is about the same file.
fn is_named_again(file: &FilePatch, patch: &Patch) -> bool {
    let names = |file: &FilePatch| [file.old_path.clone(), file.new_path.clone()];
    let of_others = patch.files.iter().filter(|other| !std::ptr::eq(*other, file)).flat_map(names).flatten();
    of_others.into_iter().any(|name| names(file).contains(&Some(name)))
}

fn told(error: &PatchError) -> Problem {
    Problem::told(format!("nothing was changed: {error}"))
}

fn reply(writes: &[FileWrite], before: &Files) -> Reply<Output> {
    let output = |write: &FileWrite| FileOutput {
        path: write.path.clone(),
        hash: write.bytes.as_deref().map(hash_of_bytes),
    };
    let line = |write: &FileWrite| {
        let was_there = before.get(&write.path).is_some_and(Option::is_some);
        match (&write.bytes, was_there) {
            (None, _) => format!("D {}", write.path),
            (Some(bytes), false) => format!("A {} {}", write.path, hash_of_bytes(bytes)),
            (Some(bytes), true) => format!("M {} {}", write.path, hash_of_bytes(bytes)),
        }
    };
    let mut lines: Vec<String> = writes.iter().take(NAMED).map(line).collect();
    if writes.len() > NAMED {
        lines.push(format!("and {} more", writes.len() - NAMED));
    }
    if writes.is_empty() {
        lines.push("all of it is there already".into());
    }
    Reply::new(lines.join("\n"), Output { files: writes.iter().map(output).collect() })
}

#[cfg(test)]
mod tests;
