//! A request as a body of Responses, without anything stored at OpenAI (`store: false`): reasoning travels
//! encrypted, back and forth.
//!
//! Source: <https://platform.openai.com/docs/api-reference/responses/create> and the types of OpenAI's Python
//! library (2026-08).

use miyabi_core::port::model::{Message, OutputFormat, Request, ToolCall, ToolChoice};
use serde_json::{Map, Value, json};

use crate::dialect::shared::{
    arguments_object, effort_word, instructions, list, must_call, own_state, short_cache_key, text, tool_text,
};
use crate::dialect::{Concession, Concessions, Dialect};

/// The body of a streaming request.
pub(crate) fn body(request: &Request, concessions: Concessions) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model.model()));
    body.insert("stream".into(), json!(true));
    body.insert("store".into(), json!(false));
    let instructions = instructions(request, concessions);
    if !instructions.is_empty() {
        body.insert("instructions".into(), json!(instructions));
    }
    body.insert("input".into(), input(request, concessions));
    body.insert("max_output_tokens".into(), json!(request.max_output_tokens));
    add_tools(&mut body, request, concessions);
    if let OutputFormat::Json { name, schema } = &request.output
        && !concessions.has(Concession::SchemaInText)
    {
        let format = json!({ "type": "json_schema", "name": name, "schema": schema, "strict": true });
        body.insert("text".into(), json!({ "format": format }));
    }
    if let Some(effort) = request.effort
        && !concessions.has(Concession::NoReasoning)
    {
        body.insert("reasoning".into(), json!({ "effort": effort_word(effort), "summary": "auto" }));
    }
    if !concessions.has(Concession::NoEncryptedReasoning) {
        body.insert("include".into(), json!(["reasoning.encrypted_content"]));
    }
    if !request.cache_key.is_empty() && !concessions.has(Concession::NoCacheHint) {
        body.insert("prompt_cache_key".into(), json!(short_cache_key(&request.cache_key)));
    }
    Value::Object(body)
}

fn add_tools(body: &mut Map<String, Value>, request: &Request, concessions: Concessions) {
    if request.tools.is_empty() {
        return;
    }
    let tools = request.tools.iter().map(|tool| {
        // Strict schemas forbid optional parameters, which our tools have; the loop checks arguments itself.
        json!({
            "type": "function", "name": tool.name, "description": tool.description,
            "parameters": tool.input_schema, "strict": false,
        })
    });
    body.insert("tools".into(), tools.collect());
    let choice = match request.tool_choice {
        ToolChoice::None => "none",
        ToolChoice::Required if must_call(request) && !concessions.has(Concession::FreeToolChoice) => {
            "required"
        }
        ToolChoice::Auto | ToolChoice::Required => "auto",
    };
    body.insert("tool_choice".into(), json!(choice));
    if !concessions.has(Concession::NoParallelHint) {
        body.insert("parallel_tool_calls".into(), json!(true));
    }
}

fn input(request: &Request, concessions: Concessions) -> Value {
    let mut items = Vec::new();
    for message in &request.messages {
        match message {
            Message::User { text } => items.push(json!({ "role": "user", "content": text })),
            Message::Tool { call_id, content, is_error, .. } => items.push(json!({
                "type": "function_call_output", "call_id": call_id, "output": tool_text(content, *is_error),
            })),
            Message::Assistant { text, tool_calls, provider_state } => {
                let state = own_state(provider_state.as_ref(), request, Dialect::Responses, concessions);
                match state {
                    Some(state) => add_remembered(&mut items, state, tool_calls),
                    None => add_rebuilt(&mut items, text, tool_calls),
                }
            }
        }
    }
    Value::Array(items)
}

/// The items as the model made them, in its order: reasoning must stand right before what it led to. Calls are
/// held in the state by their number only, so that the conversation stays the one truth about them.
fn add_remembered(items: &mut Vec<Value>, state: &Value, calls: &[ToolCall]) {
    for item in list(state, "/items") {
        match text(item, "/type") {
            "function_call" => {
                let index =
                    item.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
                items.extend(index.and_then(|index| calls.get(index)).map(call_item));
            }
            _ => items.push(item.clone()),
        }
    }
}

fn add_rebuilt(items: &mut Vec<Value>, text: &str, calls: &[ToolCall]) {
    if !text.is_empty() || calls.is_empty() {
        items.push(json!({ "role": "assistant", "content": text }));
    }
    items.extend(calls.iter().map(call_item));
}

fn call_item(call: &ToolCall) -> Value {
    let arguments = arguments_object(&call.arguments).to_string();
    json!({ "type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments })
}
