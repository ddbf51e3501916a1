//! `grep`: lines by a regular expression. The engine is linear in the length of the text, and the size of a compiled
//! pattern is bounded, so no pattern takes long.

mod lines;

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::run::step::Effect;
use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use self::lines::{Found, search};
use super::glob::{list, matcher};
use super::{Call, at_most};
use crate::registry::{Problem, Reply, Spec, Tool, Writes};
use crate::text;

const MAX_PATTERN_BYTES: usize = 1024;
/// Of a compiled pattern.
const MAX_COMPILED_BYTES: usize = 1024 * 1024;
const MAX_CONTEXT: usize = 10;
/// Larger files are data.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
const SHOWN_LINES: usize = 100;
const SHOWN_BYTES: usize = 16 * 1024;
/// Files that are read at once.
const AT_ONCE: usize = 8;
const MAX_TIME: Duration = Duration::from_secs(20);

/// The tool.
pub(crate) struct Grep;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// Regular expression (Rust syntax, per line).
    pattern: String,
    /// Only in files that fit, such as `*.rs` or `src/**`.
    path_glob: Option<String>,
    ignore_case: Option<bool>,
    /// Lines around each, at most 10.
    context: Option<usize>,
}

#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Lines that fit, as far as the search went.
    lines: usize,
    files: usize,
    /// Whether there is more than is shown.
    truncated: bool,
}

impl Tool<Call> for Grep {
    const SPEC: Spec = Spec {
        name: "grep",
        title: "Search in files",
        description: "Search lines by a regular expression, at most 100. Files that git ignores and binary files are left \
            out.",
        writes: Writes::Nothing,
        effect: Effect::Pure,
    };
    type Arguments = Arguments;
    type Output = Output;

    async fn run(call: &Call, arguments: Arguments) -> Result<Reply<Output>, Problem> {
        let regex = Arc::new(compile(&arguments)?);
        let context = arguments.context.unwrap_or(0).min(MAX_CONTEXT);
        let glob = arguments.path_glob.as_deref().map(|glob| matcher("path_glob", glob)).transpose()?;
        let mut paths = list(call).await?;
        paths.retain(|path| glob.as_ref().is_none_or(|glob| glob.is_match(path)));
        let total = paths.len();
        let deadline = Instant::now() + MAX_TIME;
        let mut found =
            stream::iter(paths).map(|path| one(call, path, Arc::clone(&regex), context)).buffered(AT_ONCE);
        let mut page = Page::default();
        while let Some(next) = found.next().await {
            if call.cancel.is_cancelled() {
                return Err(Failure::cancelled().into());
            }
            page.take(&next?);
            if page.is_full() || Instant::now() > deadline {
                break;
            }
        }
        drop(found);
        Ok(page.reply(total, &arguments.pattern))
    }
}

fn compile(arguments: &Arguments) -> Result<Regex, Problem> {
    at_most("pattern", &arguments.pattern, MAX_PATTERN_BYTES)?;
    if arguments.pattern.is_empty() {
        return Err(Problem::told("`pattern` is empty"));
    }
    let mut builder = RegexBuilder::new(&arguments.pattern);
    builder.case_insensitive(arguments.ignore_case.unwrap_or(false));
    builder.size_limit(MAX_COMPILED_BYTES).dfa_size_limit(MAX_COMPILED_BYTES);
    builder.build().map_err(|error| {
        let reason = match error {
            regex::Error::CompiledTooBig(_) => {
                "it is too large when compiled; use smaller repetitions".to_owned()
            }
            // The last line says what is wrong, those before show where.
            error => {
                error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
        };
        Problem::told(format!("`pattern` is no regular expression: {}", text::cut(&reason, 200)))
    })
}

/// What is found in one file.
async fn one(call: &Call, path: String, regex: Arc<Regex>, context: usize) -> Result<Found, Problem> {
    let content = match call.checkouts.read(&call.scope.checkout, &path, MAX_FILE_BYTES).await {
        Ok(Some(content)) => content.bytes,
        // Gone meanwhile, a link, or too large: reported as not searched.
        Ok(None) => return Ok(Found::skipped()),
        Err(failure) if failure.code == ErrorCode::RequestInvalid => return Ok(Found::skipped()),
        Err(failure) => return Err(failure.into()),
    };
    let searched = tokio::task::spawn_blocking(move || search(&path, &content, &regex, context));
    let broken =
        |error| Failure::permanent(ErrorCode::Internal, format!("a search broke its worker: {error}"));
    Ok(searched.await.map_err(broken)?)
}

/// What is shown.
#[derive(Default)]
struct Page {
    text: String,
    output: Output,
    searched: usize,
    skipped: usize,
}

impl Page {
    fn is_full(&self) -> bool {
        self.output.lines >= SHOWN_LINES || self.text.len() >= SHOWN_BYTES
    }

    fn take(&mut self, found: &Found) {
        self.searched += 1;
        self.skipped += usize::from(found.is_skipped);
        self.output.files += usize::from(!found.parts.is_empty());
        for (index, part) in found.parts.iter().enumerate() {
            if self.is_full() {
                self.output.truncated = true;
                return;
            }
            if index > 0 && part.is_apart {
                self.text.push_str("--\n");
            }
            self.text.push_str(&part.text);
            self.output.lines += part.lines;
        }
        self.output.truncated |= found.has_more;
    }

    fn reply(mut self, total: usize, pattern: &str) -> Reply<Output> {
        self.output.truncated |= self.searched < total;
        if self.output.lines == 0 {
            self.text = format!("no line in {} files fits `{}`\n", self.searched, text::cut(pattern, 200));
        }
        if self.searched < total {
            self.text
                .push_str(&format!("[searched {} of {total} files; narrow the search]\n", self.searched));
        } else if self.output.truncated {
            self.text.push_str("[there is more; narrow the search]\n");
        }
        if self.skipped > 0 {
            self.text.push_str(&format!(
                "[{} files are links or larger than 4 MiB and were not searched]\n",
                self.skipped
            ));
        }
        Reply::new(self.text, self.output)
    }
}

#[cfg(test)]
mod tests;
