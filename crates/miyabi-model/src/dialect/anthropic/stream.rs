//! The stream of Messages as an answer.
//!
//! ```text
//! event: content_block_start
//! data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"read","input":{}}}
//!
//! event: content_block_delta
//! data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"pa"}}
//!
//! event: message_delta
//! data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":5}}
//!
//! event: message_stop
//! data: {"type":"message_stop"}
//! ```
//!
//! Source: <https://platform.claude.com/docs/en/build-with-claude/streaming> and the types of Anthropic's Python
//! library (2026-08).

use std::collections::BTreeMap;

use miyabi_core::port::model::{Finish, Preview, Usage};
use serde_json::{Value, json};

use crate::dialect::draft::{Draft, DraftCall};
use crate::dialect::shared::{count, list, text};
use crate::dialect::{Progress, Reader};
use crate::failure::Failure;

/// The most content blocks of one answer.
const MAX_BLOCKS: u64 = 1024;

/// An answer in the making.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    blocks: BTreeMap<u64, Block>,
    counts: Counts,
    finish: Option<Finish>,
    ended: bool,
}

/// One content block: as it was announced, and what came then.
#[derive(Debug, Default)]
struct Block {
    begun: Value,
    text: String,
    json: String,
    signature: String,
}

/// Counts are cumulative: later ones replace earlier ones.
#[derive(Debug, Default)]
struct Counts {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
}

impl Reader for Stream {
    fn event(&mut self, name: &str, data: &Value, preview: &dyn Preview) -> Result<(), Failure> {
        let kind = text(data, "/type");
        match if kind.is_empty() { name } else { kind } {
            "message_start" => self.counts.take(data.pointer("/message/usage")),
            "content_block_start" => {
                let begun = data.get("content_block").cloned().unwrap_or_default();
                preview_block(&begun, preview);
                self.block(data)?.begun = begun;
            }
            "content_block_delta" => self.delta(data, preview)?,
            "message_delta" => {
                self.counts.take(data.get("usage"));
                let reason = text(data, "/delta/stop_reason");
                if !reason.is_empty() {
                    self.finish = Some(finish(reason)?);
                }
            }
            "message_stop" => self.ended = true,
            _ => {}
        }
        Ok(())
    }

    fn whole(&mut self, body: &Value, preview: &dyn Preview) -> Result<(), Failure> {
        for (index, begun) in (0..MAX_BLOCKS).zip(list(body, "/content")) {
            preview_block(begun, preview);
            self.blocks.insert(index, Block { begun: begun.clone(), ..Block::default() });
        }
        self.counts.take(body.get("usage"));
        let reason = text(body, "/stop_reason");
        if !reason.is_empty() {
            self.finish = Some(finish(reason)?);
            self.ended = true;
        }
        Ok(())
    }

    fn progress(&self) -> Progress {
        if self.ended { Progress::Ended } else { Progress::Open }
    }

    fn finish(self: Box<Self>) -> Draft {
        let mut draft = Draft { finish: self.finish, usage: self.counts.usage(), ..Draft::default() };
        let mut kept = Vec::new();
        let mut has_thoughts = false;
        for block in self.blocks.into_values() {
            let begun = |key: &str| text(&block.begun, key);
            match begun("/type") {
                "text" => {
                    let said = format!("{}{}", begun("/text"), block.text);
                    // Empty texts are refused when they are sent back.
                    if !said.trim().is_empty() {
                        kept.push(json!({ "type": "text", "text": said }));
                    }
                    draft.text.push_str(&said);
                }
                "thinking" => {
                    let thought = format!("{}{}", begun("/thinking"), block.text);
                    let signature = format!("{}{}", begun("/signature"), block.signature);
                    draft.reasoning.push_str(&thought);
                    if !signature.is_empty() {
                        kept.push(json!({ "type": "thinking", "thinking": thought, "signature": signature }));
                        has_thoughts = true;
                    }
                }
                "redacted_thinking" => {
                    kept.push(json!({ "type": "redacted_thinking", "data": begun("/data") }));
                    has_thoughts = true;
                }
                "tool_use" => {
                    kept.push(json!({ "type": "tool_use", "index": draft.calls.len() }));
                    let announced = block.begun.get("input").filter(|input| **input != json!({}));
                    let arguments = match announced {
                        Some(input) if block.json.is_empty() => input.to_string(),
                        _ => block.json.clone(),
                    };
                    let (id, name) = (begun("/id").to_owned(), begun("/name").to_owned());
                    draft.calls.push(DraftCall { id, name, arguments });
                }
                _ => {}
            }
        }
        draft.state = has_thoughts.then(|| json!({ "content": kept }));
        draft
    }
}

impl Stream {
    fn block(&mut self, data: &Value) -> Result<&mut Block, Failure> {
        let index = count(data, "/index").unwrap_or(0);
        if index >= MAX_BLOCKS {
            return Err(Failure::broken_stream("too many content blocks"));
        }
        Ok(self.blocks.entry(index).or_default())
    }

    fn delta(&mut self, data: &Value, preview: &dyn Preview) -> Result<(), Failure> {
        let kind = text(data, "/delta/type");
        let block = self.block(data)?;
        match kind {
            "text_delta" => {
                let delta = text(data, "/delta/text");
                block.text.push_str(delta);
                preview.text(delta);
                // A block that was never announced is text; the same holds for thoughts and nothing else.
                announce(block, "text");
            }
            "thinking_delta" => {
                let delta = text(data, "/delta/thinking");
                block.text.push_str(delta);
                preview.reasoning(delta);
                announce(block, "thinking");
            }
            "signature_delta" => block.signature.push_str(text(data, "/delta/signature")),
            "input_json_delta" => block.json.push_str(text(data, "/delta/partial_json")),
            _ => {}
        }
        Ok(())
    }
}

fn announce(block: &mut Block, kind: &str) {
    if block.begun.is_null() {
        block.begun = json!({ "type": kind });
    }
}

/// Shows what a block already holds when it is announced; usually nothing.
fn preview_block(begun: &Value, preview: &dyn Preview) {
    for (key, show) in [("/text", true), ("/thinking", false)] {
        let said = text(begun, key);
        if said.is_empty() {
            continue;
        }
        if show {
            preview.text(said);
        } else {
            preview.reasoning(said);
        }
    }
}

fn finish(reason: &str) -> Result<Finish, Failure> {
    Ok(match reason {
        "max_tokens" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::Filtered,
        // The context was full in the middle of the answer: half of it is of no use, a shorter conversation is.
        "model_context_window_exceeded" => return Err(Failure::ContextOverflow),
        _ => Finish::Stop,
    })
}

impl Counts {
    fn take(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage else { return };
        let newer = |old: &mut Option<u64>, key: &str| *old = count(usage, key).or(*old);
        newer(&mut self.input, "/input_tokens");
        newer(&mut self.cache_read, "/cache_read_input_tokens");
        newer(&mut self.cache_write, "/cache_creation_input_tokens");
        newer(&mut self.output, "/output_tokens");
        newer(&mut self.thinking, "/output_tokens_details/thinking_tokens");
    }

    /// Unlike the others, Anthropic counts cached input beside the rest.
    fn usage(&self) -> Option<Usage> {
        let cached_input_tokens = self.cache_read.unwrap_or(0);
        let output_tokens = self.output?;
        Some(Usage {
            input_tokens: self.input? + cached_input_tokens + self.cache_write.unwrap_or(0),
            cached_input_tokens,
            output_tokens,
            reasoning_tokens: self.thinking.unwrap_or(0).min(output_tokens),
            estimated: false,
        })
    }
}
