//! The stream of Responses as an answer.
//!
//! ```text
//! event: response.output_text.delta
//! data: {"type":"response.output_text.delta","output_index":1,"delta":"Hel"}
//!
//! event: response.output_item.done
//! data: {"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","call_id":"call_1","name":"read","arguments":"{}"}}
//!
//! event: response.completed
//! data: {"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":9,"output_tokens":5}}}
//! ```
//!
//! Source: <https://platform.openai.com/docs/api-reference/responses-streaming> and the types of OpenAI's Python
//! library (2026-08). Finished items are taken from `output_item.done`, or from the final response where a server
//! leaves those out; deltas serve the preview, and stand in where neither carries a text.

use std::collections::BTreeMap;

use miyabi_core::port::model::{Finish, Preview, Usage};
use serde_json::{Value, json};

use crate::dialect::draft::{Draft, DraftCall};
use crate::dialect::shared::{count, list, text};
use crate::dialect::{Progress, Reader};
use crate::failure::{Failure, clean, from_error_object};

/// The most output items of one answer.
const MAX_ITEMS: u64 = 1024;

/// An answer in the making.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    items: BTreeMap<u64, Item>,
    summary: String,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

/// One output item: what came piece by piece, and what came at its end.
#[derive(Debug, Default)]
struct Item {
    begun: Value,
    text: String,
    arguments: String,
    done: Option<Value>,
}

impl Reader for Stream {
    fn event(&mut self, name: &str, data: &Value, preview: &dyn Preview) -> Result<(), Failure> {
        let kind = text(data, "/type");
        match if kind.is_empty() { name } else { kind } {
            "response.output_item.added" => {
                let begun = data.get("item").cloned().unwrap_or_default();
                self.item(data)?.begun = begun;
            }
            "response.output_item.done" => {
                let done = data.get("item").cloned();
                self.item(data)?.done = done;
            }
            "response.output_text.delta" | "response.refusal.delta" => {
                let delta = text(data, "/delta");
                self.item(data)?.text.push_str(delta);
                preview.text(delta);
            }
            "response.function_call_arguments.delta" => {
                let delta = text(data, "/delta");
                self.item(data)?.arguments.push_str(delta);
            }
            "response.function_call_arguments.done" => {
                let arguments = text(data, "/arguments");
                arguments.clone_into(&mut self.item(data)?.arguments);
            }
            "response.reasoning_summary_text.delta" => {
                let delta = text(data, "/delta");
                self.summary.push_str(delta);
                preview.reasoning(delta);
            }
            "response.reasoning_summary_part.done" => self.summary.push_str("\n\n"),
            "response.completed" | "response.incomplete" | "response.failed" | "response.done" => {
                self.end(data.get("response").unwrap_or(data))?;
            }
            "error" => return Err(from_error_object(data)),
            _ => {}
        }
        Ok(())
    }

    fn whole(&mut self, body: &Value, _preview: &dyn Preview) -> Result<(), Failure> {
        // Anything else that is JSON, such as `{}` from a proxy, is no answer.
        if body.get("output").is_some() { self.end(body) } else { Ok(()) }
    }

    fn progress(&self) -> Progress {
        if self.finish.is_some() { Progress::Ended } else { Progress::Open }
    }

    fn finish(self: Box<Self>) -> Draft {
        let mut draft = Draft { finish: self.finish, usage: self.usage, ..Draft::default() };
        let mut kept = Vec::new();
        let mut worth_keeping = false;
        let mut summaries = Vec::new();
        for item in self.items.into_values() {
            let source = item.done.as_ref().unwrap_or(&item.begun);
            match text(source, "/type") {
                "reasoning" => {
                    let parts = list(source, "/summary").iter().map(|part| text(part, "/text"));
                    summaries.extend(parts.filter(|part| !part.is_empty()).map(str::to_owned));
                    if let Some(reasoning) = reasoning_to_keep(source) {
                        kept.push(reasoning);
                        worth_keeping = true;
                    }
                }
                "function_call" => {
                    kept.push(json!({ "type": "function_call", "index": draft.calls.len() }));
                    let whole = text(source, "/arguments");
                    let arguments = if whole.is_empty() { item.arguments } else { whole.to_owned() };
                    let (id, name) = (text(source, "/call_id").to_owned(), text(source, "/name").to_owned());
                    draft.calls.push(DraftCall { id, name, arguments });
                }
                // Some servers send text deltas without ever announcing their item.
                "message" | "" => {
                    let whole = message_text(source);
                    let said = if whole.is_empty() { item.text } else { whole };
                    let phase = text(source, "/phase");
                    let mut message = json!({ "role": "assistant", "content": said });
                    if !phase.is_empty() {
                        message["phase"] = json!(phase);
                        worth_keeping = true;
                    }
                    if !said.is_empty() {
                        kept.push(message);
                        draft.text.push_str(&said);
                    }
                }
                _ => {}
            }
        }
        let streamed = self.summary.trim().to_owned();
        draft.reasoning = if streamed.is_empty() { summaries.join("\n\n") } else { streamed };
        draft.state = worth_keeping.then(|| json!({ "items": kept }));
        draft
    }
}

impl Stream {
    /// The item that an event belongs to; the first one when the server counts none.
    fn item(&mut self, data: &Value) -> Result<&mut Item, Failure> {
        let index = count(data, "/output_index").unwrap_or(0);
        if index >= MAX_ITEMS {
            return Err(Failure::broken_stream("too many output items"));
        }
        Ok(self.items.entry(index).or_default())
    }

    /// Takes the final response object.
    fn end(&mut self, response: &Value) -> Result<(), Failure> {
        self.usage = response.get("usage").and_then(usage);
        for (index, item) in (0..MAX_ITEMS).zip(list(response, "/output")) {
            self.items.entry(index).or_default().done.get_or_insert_with(|| item.clone());
        }
        self.finish = Some(match text(response, "/status") {
            "failed" | "cancelled" => return Err(failure(response)),
            "incomplete" => match text(response, "/incomplete_details/reason") {
                "content_filter" => Finish::Filtered,
                _ => Finish::Length,
            },
            _ if self.is_refusal() => Finish::Filtered,
            _ => Finish::Stop,
        });
        Ok(())
    }

    fn is_refusal(&self) -> bool {
        let mut done = self.items.values().filter_map(|item| item.done.as_ref());
        done.any(|item| list(item, "/content").iter().any(|part| text(part, "/type") == "refusal"))
    }
}

fn failure(response: &Value) -> Failure {
    match response.get("error") {
        Some(error) if !error.is_null() => from_error_object(response),
        _ => Failure::broken_stream(&clean(&format!("the response is `{}`", text(response, "/status")))),
    }
}

/// What must be sent back of a reasoning item. Without its encrypted content it would be looked up at OpenAI,
/// where nothing is stored.
fn reasoning_to_keep(item: &Value) -> Option<Value> {
    let encrypted = text(item, "/encrypted_content");
    let keep = || {
        json!({
            "type": "reasoning", "id": text(item, "/id"), "encrypted_content": encrypted,
            "summary": list(item, "/summary"),
        })
    };
    (!encrypted.is_empty()).then(keep)
}

fn message_text(item: &Value) -> String {
    let part_text = |part: &Value| format!("{}{}", text(part, "/text"), text(part, "/refusal"));
    list(item, "/content").iter().map(part_text).collect()
}

fn usage(usage: &Value) -> Option<Usage> {
    let input_tokens = count(usage, "/input_tokens")?;
    Some(Usage {
        input_tokens,
        cached_input_tokens: count(usage, "/input_tokens_details/cached_tokens").unwrap_or(0),
        output_tokens: count(usage, "/output_tokens").unwrap_or(0),
        reasoning_tokens: count(usage, "/output_tokens_details/reasoning_tokens").unwrap_or(0),
        estimated: false,
    })
}
