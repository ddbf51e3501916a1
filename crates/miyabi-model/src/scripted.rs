//! The provider that plays scripts: the real loop with known answers, for the demo, tests and replays. No network,
//! no keys, no cost, and said so on every screen ([`Info::scripted`]).
//!
//! # The script
//!
//! A document in TOML or JSON with the same fields. `rules` are tried in order; the first that fits a request and is
//! not used up gives the answer.
//!
//! ```toml
//! title = "Fix an off-by-one error"
//!
//! [[rules]]
//! when = { schema = "triage" }
//! answer = { json = { verdict = "fix", summary = "the last page is cut off" } }
//!
//! [[rules]]                       # the first request of any generate session fails once
//! when = { session = "generate/*", turn = 1 }
//! times = 1
//! answer = { error = { status = 429, retry_after_ms = 20 } }
//!
//! [[rules]]                       # one answer per turn, in order
//! when = { session = "generate/*" }
//! answers = [
//!   { text = "I look at the file.", tool_calls = [{ name = "read", arguments = { path = "src/page.rs" } }] },
//!   { tool_calls = [{ name = "edit", arguments = { path = "src/page.rs", old = "..n", new = "..=n" } }] },
//! ]
//!
//! [[rules]]
//! name = "tests pass"
//! when = { session = "generate/*", last_contains = "0 failed" }
//! answer = { text = "Done.", delay_ms = 5 }
//! ```
//!
//! | Field | Meaning |
//! |---|---|
//! | `title` | Shown beside the model's name. |
//! | `context_tokens`, `max_output_tokens` | What [`Info`] says; default 1,000,000 and 64,000. |
//! | `rules[].name` | For messages about the rule. |
//! | `rules[].when` | All conditions must hold; without any the rule fits always. |
//! | `when.schema` | The name of the JSON schema that the answer must have. |
//! | `when.session` | A glob (`*` stays within a `/`, `**` doesn't) for what follows the first `/` of `Request.cache_key`, or for all of it. |
//! | `when.turn` | The turn: 1 is the request without any message of the assistant, and each such message counts one up. |
//! | `when.system_contains` | A text in the standing instructions. |
//! | `when.last_contains` | A text in the newest messages: those after the last one of the assistant. |
//! | `when.tool` | The name of a tool that the request offers. |
//! | `rules[].answer` | The answer, as often as the rule fits. |
//! | `rules[].answers` | Answers for the first, second, … use of the rule; then the rule is used up. |
//! | `rules[].times` | After so many uses the rule is used up. Not together with `answers`. |
//! | `answer.text`, `answer.json` | What it says, as text or as JSON. Not both. |
//! | `answer.reasoning` | The summary of its reasoning. |
//! | `answer.tool_calls` | A list of `name` and `arguments`, or `broken` for arguments that are no JSON; `id` is made up when missing. |
//! | `answer.finish` | `stop`, `tool_calls`, `length` or `filtered`; by default what fits. |
//! | `answer.usage` | `input_tokens`, `cached_input_tokens`, `output_tokens`, `reasoning_tokens`; by default estimated. |
//! | `answer.error` | A failure instead of an answer: `{ status = 429, retry_after_ms = 50, message = "…" }`, or `{ kind = "disconnect" }`, `"timeout"`, `"context_overflow"`, `"quota"`. |
//! | `answer.delay_ms` | How long it takes; the text is previewed meanwhile. |
//!
//! # No cursor
//!
//! Which answer comes is computed from the request alone: the uses of each rule are counted by going through the
//! session's earlier turns as they stand in the request. So a process that was killed and started anew goes on as if
//! nothing had happened. It follows that uses are counted within one session, and those of failures within one call:
//! `times = 2` fails the first two tries of the turn, again for each new call.
//!
//! A request whose tool calls are not answered exactly once is refused, as real providers do.

mod parse;
mod play;
mod rule;
mod select;

use std::collections::BTreeMap;
use std::time::Duration;

use miyabi_core::money::UsdMicros;
use miyabi_core::port::model::{Answer, Info, Preview, Price, Request};
use tokio::time::sleep;

use crate::failure::Failure;

pub use parse::{ScriptError, ScriptProblem};
pub use rule::{
    Rule, Script, ScriptedAnswer, ScriptedCall, ScriptedError, ScriptedErrorKind, ScriptedUsage, When,
};

/// How many pieces a text is previewed in, at most.
const PREVIEW_PIECES: usize = 40;

/// Scripts by name.
pub(crate) struct Scripts(BTreeMap<String, Script>);

impl Scripts {
    pub(crate) const fn new(scripts: BTreeMap<String, Script>) -> Self {
        Self(scripts)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    pub(crate) fn info(&self, name: &str) -> Option<Info> {
        let script = self.0.get(name)?;
        let free = Price { input: UsdMicros::ZERO, cached_input: UsdMicros::ZERO, output: UsdMicros::ZERO };
        Some(Info {
            context_tokens: script.context_tokens,
            max_output_tokens: script.max_output_tokens,
            price: Some(free),
            scripted: true,
        })
    }

    /// The answer to one try of a request; the first try is 1.
    pub(crate) async fn answer(
        &self,
        request: &Request,
        tries: u32,
        preview: &dyn Preview,
    ) -> Result<Answer, Failure> {
        let name = request.model.model();
        let script = self
            .0
            .get(name)
            .ok_or_else(|| Failure::Rejected { status: 404, message: format!("no script `{name}`") })?;
        play::check_conversation(request)?;
        let scripted = select::select(script, request, tries).ok_or_else(|| unmatched(name, request))?;
        let result = play::answer(scripted, request);
        let text = result.as_ref().map_or("", |answer| answer.text.as_str());
        show(text, scripted.delay_ms, preview).await;
        result
    }
}

/// Previews a text over the time that the answer takes.
async fn show(text: &str, delay_ms: u64, preview: &dyn Preview) {
    let characters: Vec<char> = text.chars().collect();
    let size = characters.len().div_ceil(PREVIEW_PIECES).max(8);
    let pieces: Vec<String> = characters.chunks(size).map(|piece| piece.iter().collect()).collect();
    let count = u64::try_from(pieces.len()).unwrap_or(u64::MAX).max(1);
    if delay_ms > 0 && pieces.is_empty() {
        sleep(Duration::from_millis(delay_ms)).await;
    }
    for piece in pieces {
        if delay_ms > 0 {
            sleep(Duration::from_millis(delay_ms.div_ceil(count))).await;
        }
        preview.text(&piece);
    }
}

fn unmatched(script: &str, request: &Request) -> Failure {
    let schema = match &request.output {
        miyabi_core::port::model::OutputFormat::Json { name, .. } => format!(", schema `{name}`"),
        miyabi_core::port::model::OutputFormat::Text => String::new(),
    };
    let message = format!(
        "no rule of the script `{script}` fits turn {} of `{}`{schema}",
        select::turn(request),
        request.cache_key,
    );
    Failure::Rejected { status: 404, message }
}
