//! The stream of Chat Completions as an answer.
//!
//! ```text
//! data: {"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}
//! data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"read","arguments":"{\"pa"}}]}}]}
//! data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}
//! data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5}}
//! data: [DONE]
//! ```
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat-streaming> (2026-08). Seen elsewhere and allowed
//! for: no usage, a tool's name in every chunk (llama.cpp), calls without `index` or all with index 0, arguments as
//! an object, reasoning as `reasoning_content` (DeepSeek, vLLM, llama.cpp) or `reasoning` (OpenRouter, Ollama), no
//! `[DONE]`, no finish reason before it.

use miyabi_core::port::model::{Finish, Preview, Usage};
use serde_json::{Map, Value, json};

use crate::dialect::draft::{Draft, DraftCall};
use crate::dialect::shared::{count, list, text};
use crate::dialect::{Progress, Reader};
use crate::failure::Failure;

/// The most tool calls of one answer; a server that counts its index wildly must not fill the memory.
const MAX_CALLS: usize = 256;

/// An answer in the making.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    draft: Draft,
    /// The index that the server gave each call, beside `draft.calls`.
    indices: Vec<Option<u64>>,
    /// `None` until the server sends the field, if only empty.
    reasoning_content: Option<String>,
    reasoning_details: Vec<Value>,
    anything_came: bool,
    sentinel: bool,
}

impl Reader for Stream {
    fn event(&mut self, _name: &str, data: &Value, preview: &dyn Preview) -> Result<(), Failure> {
        if let Some(usage) = data.get("usage").and_then(usage) {
            self.draft.usage = Some(usage);
        }
        let Some(choice) = list(data, "/choices").first() else {
            return Ok(());
        };
        self.anything_came = true;
        if let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) {
            self.delta(delta, preview)?;
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            self.draft.finish = Some(finish(reason)?);
        }
        Ok(())
    }

    fn whole(&mut self, body: &Value, preview: &dyn Preview) -> Result<(), Failure> {
        self.event("", body, preview)?;
        self.sentinel = self.anything_came;
        Ok(())
    }

    fn sentinel(&mut self) {
        self.sentinel = true;
    }

    fn progress(&self) -> Progress {
        match (self.sentinel, self.draft.finish) {
            (true, Some(_)) => Progress::Ended,
            (true, None) if self.anything_came => Progress::Ended,
            (false, Some(_)) => Progress::MayEnd,
            _ => Progress::Open,
        }
    }

    fn finish(self: Box<Self>) -> Draft {
        let mut draft = self.draft;
        // DeepSeek and others refuse the results of tool calls that come without the reasoning before the calls.
        let mut state = Map::new();
        // An empty one is asked for as well.
        if let Some(reasoning) = self.reasoning_content
            && !draft.calls.is_empty()
        {
            state.insert("reasoning_content".into(), json!(reasoning));
        }
        if !self.reasoning_details.is_empty() {
            state.insert("reasoning_details".into(), json!(self.reasoning_details));
        }
        draft.state = (!state.is_empty()).then_some(Value::Object(state));
        draft
    }
}

impl Stream {
    fn delta(&mut self, delta: &Value, preview: &dyn Preview) -> Result<(), Failure> {
        let content = text(delta, "/content");
        if !content.is_empty() {
            self.draft.text.push_str(content);
            preview.text(content);
        }
        // A refusal is the visible answer; that it is one shows in the finish.
        let refusal = text(delta, "/refusal");
        if !refusal.is_empty() {
            self.draft.text.push_str(refusal);
            preview.text(refusal);
        }
        let reasoning_content = text(delta, "/reasoning_content");
        if delta.get("reasoning_content").is_some() {
            self.reasoning_content.get_or_insert_default().push_str(reasoning_content);
        }
        let reasoning =
            if reasoning_content.is_empty() { text(delta, "/reasoning") } else { reasoning_content };
        if !reasoning.is_empty() {
            self.draft.reasoning.push_str(reasoning);
            preview.reasoning(reasoning);
        }
        self.reasoning_details.extend_from_slice(list(delta, "/reasoning_details"));
        list(delta, "/tool_calls").iter().try_for_each(|call| self.call(call))
    }

    fn call(&mut self, piece: &Value) -> Result<(), Failure> {
        let index = count(piece, "/index");
        let (id, name) = (text(piece, "/id"), text(piece, "/function/name"));
        let position = match self.position(index, id, name) {
            Some(position) => position,
            None if self.draft.calls.len() < MAX_CALLS => {
                self.draft.calls.push(DraftCall::default());
                self.indices.push(index);
                self.draft.calls.len() - 1
            }
            None => return Err(Failure::broken_stream("too many tool calls")),
        };
        let call = &mut self.draft.calls[position];
        if !id.is_empty() {
            id.clone_into(&mut call.id);
        }
        // Set, never appended: llama.cpp repeats the name in each chunk.
        if !name.is_empty() {
            name.clone_into(&mut call.name);
        }
        match piece.pointer("/function/arguments") {
            Some(Value::String(text)) => call.arguments.push_str(text),
            Some(Value::Null) | None => {}
            Some(value) => call.arguments = value.to_string(),
        }
        Ok(())
    }

    /// Which of the calls so far a piece belongs to; `None` for a new one.
    fn position(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let calls = &self.draft.calls;
        let Some(index) = index else {
            return match id {
                // Without index and id: a piece with a name begins a call, one without continues the last.
                "" if name.is_empty() => calls.len().checked_sub(1),
                "" => None,
                id => calls.iter().position(|call| call.id == id),
            };
        };
        // The last one: servers that give every call the index 0 tell them apart by id.
        let position = self.indices.iter().rposition(|known| *known == Some(index))?;
        let other_call = !id.is_empty() && !calls[position].id.is_empty() && calls[position].id != id;
        if other_call && !name.is_empty() {
            return calls.iter().position(|call| call.id == id);
        }
        Some(position)
    }
}

fn finish(reason: &str) -> Result<Finish, Failure> {
    Ok(match reason {
        "length" | "max_tokens" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" | "safety" => Finish::Filtered,
        // OpenRouter's word for a provider that failed in the middle.
        "error" => return Err(Failure::broken_stream("the server ended it with an error")),
        _ => Finish::Stop,
    })
}

fn usage(usage: &Value) -> Option<Usage> {
    let input_tokens = count(usage, "/prompt_tokens")?;
    Some(Usage {
        input_tokens,
        cached_input_tokens: count(usage, "/prompt_tokens_details/cached_tokens").unwrap_or(0),
        output_tokens: count(usage, "/completion_tokens").unwrap_or(0),
        reasoning_tokens: count(usage, "/completion_tokens_details/reasoning_tokens").unwrap_or(0),
        estimated: false,
    })
}
