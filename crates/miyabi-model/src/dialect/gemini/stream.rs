//! The stream of `streamGenerateContent?alt=sse` as an answer. Its chunks have the form of a whole response.
//!
//! ```text
//! data: {"candidates":[{"content":{"parts":[{"text":"Hel"}],"role":"model"}}],"usageMetadata":{"promptTokenCount":9}}
//! data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"read","args":{}},"thoughtSignature":"…"}]},"finishReason":"STOP"}]}
//! ```
//!
//! Source: <https://ai.google.dev/api/generate-content> and its page on thought signatures, the types of Google's
//! Python library (2026-08). There is no final event: the finish reason comes with the last content, and the stream
//! just ends.

use miyabi_core::port::model::{Finish, Preview, Usage};
use serde_json::{Map, Value, json};

use crate::dialect::draft::{Draft, DraftCall};
use crate::dialect::shared::{count, list, text};
use crate::dialect::{Progress, Reader};
use crate::failure::Failure;

/// The most tool calls of one answer.
const MAX_CALLS: usize = 256;

/// An answer in the making.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    draft: Draft,
    /// The parts as they must be sent back: texts joined as far as no signature lies between.
    parts: Vec<Map<String, Value>>,
    has_signature: bool,
}

impl Reader for Stream {
    fn event(&mut self, _name: &str, data: &Value, preview: &dyn Preview) -> Result<(), Failure> {
        if let Some(usage) = data.get("usageMetadata").and_then(usage) {
            self.draft.usage = Some(usage);
        }
        if !text(data, "/promptFeedback/blockReason").is_empty() {
            self.draft.finish = Some(Finish::Filtered);
        }
        let Some(candidate) = list(data, "/candidates").first() else {
            return Ok(());
        };
        for part in list(candidate, "/content/parts") {
            self.part(part, preview)?;
        }
        let reason = text(candidate, "/finishReason");
        if !reason.is_empty() && reason != "FINISH_REASON_UNSPECIFIED" {
            self.draft.finish = Some(finish(reason)?);
        }
        Ok(())
    }

    fn whole(&mut self, body: &Value, preview: &dyn Preview) -> Result<(), Failure> {
        self.event("", body, preview)
    }

    fn progress(&self) -> Progress {
        if self.draft.finish.is_some() { Progress::MayEnd } else { Progress::Open }
    }

    fn finish(self: Box<Self>) -> Draft {
        let mut draft = self.draft;
        draft.state = self.has_signature.then(|| json!({ "parts": self.parts }));
        draft
    }
}

impl Stream {
    fn part(&mut self, part: &Value, preview: &dyn Preview) -> Result<(), Failure> {
        let said = text(part, "/text");
        if part.get("thought").and_then(Value::as_bool) == Some(true) {
            self.draft.reasoning.push_str(said);
            preview.reasoning(said);
            return Ok(());
        }
        let signature = text(part, "/thoughtSignature");
        let mut kept = Map::new();
        if let Some(call) = part.get("functionCall") {
            if self.draft.calls.len() >= MAX_CALLS {
                return Err(Failure::broken_stream("too many tool calls"));
            }
            kept.insert("call".into(), json!(self.draft.calls.len()));
            self.draft.calls.push(DraftCall {
                id: text(call, "/id").to_owned(),
                name: text(call, "/name").to_owned(),
                arguments: call.get("args").map(Value::to_string).unwrap_or_default(),
            });
        } else if !said.is_empty() {
            self.draft.text.push_str(said);
            preview.text(said);
            kept.insert("text".into(), json!(said));
        } else if signature.is_empty() {
            return Ok(());
        } else {
            // The last chunk often carries nothing but the signature of the whole text.
            kept.insert("text".into(), json!(""));
        }
        if !signature.is_empty() {
            kept.insert("thoughtSignature".into(), json!(signature));
            self.has_signature = true;
        }
        self.keep(kept);
        Ok(())
    }

    /// Adds a part, or joins it to the last one when both are unsigned text.
    fn keep(&mut self, part: Map<String, Value>) {
        let plain = |part: &Map<String, Value>| part.len() == 1 && part.contains_key("text");
        if plain(&part)
            && let Some(last) = self.parts.last_mut()
            && plain(last)
            && let (Some(Value::String(before)), Some(Value::String(more))) =
                (last.get_mut("text"), part.get("text"))
        {
            before.push_str(more);
            return;
        }
        self.parts.push(part);
    }
}

fn finish(reason: &str) -> Result<Finish, Failure> {
    Ok(match reason {
        "MAX_TOKENS" => Finish::Length,
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
        | "IMAGE_SAFETY" => Finish::Filtered,
        // A call that the API itself can't read, and what it calls `OTHER`: asking again is all that helps.
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "TOO_MANY_TOOL_CALLS" | "OTHER" => {
            return Err(Failure::broken_stream(&format!("the model ended with `{reason}`")));
        }
        _ => Finish::Stop,
    })
}

fn usage(usage: &Value) -> Option<Usage> {
    let input_tokens = count(usage, "/promptTokenCount")?;
    let reasoning_tokens = count(usage, "/thoughtsTokenCount").unwrap_or(0);
    Some(Usage {
        input_tokens: input_tokens + count(usage, "/toolUsePromptTokenCount").unwrap_or(0),
        cached_input_tokens: count(usage, "/cachedContentTokenCount").unwrap_or(0),
        // Unlike the others, Gemini counts thoughts beside the answer; both cost the same.
        output_tokens: count(usage, "/candidatesTokenCount").unwrap_or(0) + reasoning_tokens,
        reasoning_tokens,
        estimated: false,
    })
}
