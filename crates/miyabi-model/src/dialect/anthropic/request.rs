//! A request as a body of Messages.
//!
//! Sources: <https://platform.claude.com/docs/en/api/messages> and its pages on prompt caching, structured outputs,
//! adaptive and extended thinking, "What's new in Claude Opus 5.5", and the types of Anthropic's Python library
//! (2026-08 to 2026-11).

use miyabi_core::port::model::{Effort, Message, OutputFormat, Request, ToolCall, ToolChoice};
use serde_json::{Map, Value, json};

use crate::dialect::shared::{arguments_object, effort_word, instructions, list, must_call, own_state, text};
use crate::dialect::{Concession, Concessions, Dialect};

/// The least number of thinking tokens that the API takes.
const LEAST_THINKING: u32 = 1_024;

/// The body of a streaming request.
pub(crate) fn body(request: &Request, concessions: Concessions) -> Value {
    let mut body = Map::new();
    let cache = !concessions.has(Concession::NoCacheHint);
    body.insert("model".into(), json!(request.model.model()));
    body.insert("stream".into(), json!(true));
    body.insert("max_tokens".into(), json!(request.max_output_tokens));
    let system = instructions(request, concessions);
    if !system.is_empty() {
        let mut block = json!({ "type": "text", "text": system });
        if cache {
            // Tools and instructions are the part that all sessions of an agent share.
            block["cache_control"] = json!({ "type": "ephemeral" });
        }
        body.insert("system".into(), json!([block]));
    }
    if cache {
        // At the top it marks the last block of the conversation, wherever that is: a mark within the messages
        // would move with each turn and change what was sent before.
        body.insert("cache_control".into(), json!({ "type": "ephemeral" }));
    }
    body.insert("messages".into(), messages(request, concessions));
    add_tools(&mut body, request, concessions);
    let mut output = Map::new();
    if let OutputFormat::Json { schema, .. } = &request.output
        && !concessions.has(Concession::SchemaInText)
    {
        output.insert("format".into(), json!({ "type": "json_schema", "schema": schema }));
    }
    if let Some(effort) = request.effort
        && !concessions.has(Concession::NoReasoning)
    {
        add_thinking(&mut body, &mut output, request, effort, concessions);
    }
    if !output.is_empty() {
        body.insert("output_config".into(), Value::Object(output));
    }
    Value::Object(body)
}

fn add_tools(body: &mut Map<String, Value>, request: &Request, concessions: Concessions) {
    if request.tools.is_empty() {
        return;
    }
    let tools = request.tools.iter().map(|tool| {
        json!({ "name": tool.name, "description": tool.description, "input_schema": tool.input_schema })
    });
    body.insert("tools".into(), tools.collect());
    let choice = match request.tool_choice {
        ToolChoice::None => "none",
        ToolChoice::Required if forces_a_call(request, concessions) => "any",
        ToolChoice::Auto | ToolChoice::Required => "auto",
    };
    body.insert("tool_choice".into(), json!({ "type": choice }));
}

fn forces_a_call(request: &Request, concessions: Concessions) -> bool {
    must_call(request) && !concessions.has(Concession::FreeToolChoice)
}

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thinking {
    /// By itself, as much as `effort` suggests.
    Adaptive,
    /// Within a number of tokens.
    Budget,
    /// Not at all.
    None,
}

/// By the table of "Adaptive thinking": everything from Claude 4.6 on is adaptive.
fn thinking_of(model: &str) -> Thinking {
    let is = |families: &[&str]| families.iter().any(|family| model.starts_with(family));
    let before_4 =
        ["claude-2", "claude-instant", "claude-3-opus", "claude-3-sonnet", "claude-3-haiku", "claude-3-5"];
    let before_4_6 = [
        "claude-3-7",
        "claude-opus-4-0",
        "claude-opus-4-1",
        "claude-opus-4-2",
        "claude-opus-4-5",
        "claude-sonnet-4-0",
        "claude-sonnet-4-2",
        "claude-sonnet-4-5",
        "claude-haiku-4-5",
    ];
    if is(&before_4) {
        Thinking::None
    } else if is(&before_4_6) {
        Thinking::Budget
    } else {
        Thinking::Adaptive
    }
}

fn add_thinking(
    body: &mut Map<String, Value>,
    output: &mut Map<String, Value>,
    request: &Request,
    effort: Effort,
    concessions: Concessions,
) {
    // Thinking and a forced call exclude each other.
    let forced = forces_a_call(request, concessions);
    match thinking_of(request.model.model()) {
        Thinking::Adaptive => {
            output.insert("effort".into(), json!(effort_word(effort)));
            if !forced {
                body.insert("thinking".into(), json!({ "type": "adaptive", "display": "summarized" }));
            }
        }
        Thinking::Budget if !forced && thoughts_are_complete(request, concessions) => {
            let wanted = match effort {
                Effort::Low => 2_048,
                Effort::Medium => 8_192,
                Effort::High => 24_576,
            };
            // The answer itself needs room within the same limit.
            let budget = wanted.min(request.max_output_tokens / 2);
            if budget >= LEAST_THINKING {
                body.insert("thinking".into(), json!({ "type": "enabled", "budget_tokens": budget }));
            }
        }
        Thinking::Budget | Thinking::None => {}
    }
}

/// With a thinking budget, the turn whose results are sent must begin with its thoughts. It doesn't after a
/// fallback: then this turn goes without.
fn thoughts_are_complete(request: &Request, concessions: Concessions) -> bool {
    let last = request.messages.iter().rev().find_map(|message| match message {
        Message::Assistant { tool_calls, provider_state, .. } => Some((tool_calls, provider_state)),
        _ => None,
    });
    last.is_none_or(|(calls, state)| {
        calls.is_empty() || own_state(state.as_ref(), request, Dialect::Anthropic, concessions).is_some()
    })
}

fn messages(request: &Request, concessions: Concessions) -> Value {
    let mut messages = Vec::new();
    // The results of one turn's calls belong together into one message.
    let mut results: Vec<Value> = Vec::new();
    let close = |results: &mut Vec<Value>, messages: &mut Vec<Value>| {
        if !results.is_empty() {
            messages.push(json!({ "role": "user", "content": std::mem::take(results) }));
        }
    };
    for message in &request.messages {
        match message {
            Message::Tool { call_id, content, is_error, .. } => results.push(json!({
                "type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": is_error,
            })),
            Message::User { text } => {
                close(&mut results, &mut messages);
                messages.push(json!({ "role": "user", "content": [{ "type": "text", "text": text }] }));
            }
            Message::Assistant { text, tool_calls, provider_state } => {
                close(&mut results, &mut messages);
                let state = own_state(provider_state.as_ref(), request, Dialect::Anthropic, concessions);
                let content = match state {
                    Some(state) => remembered(state, tool_calls),
                    None => rebuilt(text, tool_calls),
                };
                messages.push(json!({ "role": "assistant", "content": content }));
            }
        }
    }
    close(&mut results, &mut messages);
    Value::Array(messages)
}

/// The blocks as the model made them, thoughts with their signatures. Calls are held by their number only.
fn remembered(state: &Value, calls: &[ToolCall]) -> Vec<Value> {
    let block = |block: &Value| match text(block, "/type") {
        "tool_use" => {
            let index = usize::try_from(block.get("index")?.as_u64()?).ok()?;
            calls.get(index).map(tool_use)
        }
        _ => Some(block.clone()),
    };
    list(state, "/content").iter().filter_map(block).collect()
}

fn rebuilt(text: &str, calls: &[ToolCall]) -> Vec<Value> {
    let mut blocks = Vec::new();
    // Empty texts are refused, and so is a message without content.
    if !text.trim().is_empty() {
        blocks.push(json!({ "type": "text", "text": text }));
    } else if calls.is_empty() {
        blocks.push(json!({ "type": "text", "text": "(no answer)" }));
    }
    blocks.extend(calls.iter().map(tool_use));
    blocks
}

fn tool_use(call: &ToolCall) -> Value {
    let input = arguments_object(&call.arguments);
    json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
}
