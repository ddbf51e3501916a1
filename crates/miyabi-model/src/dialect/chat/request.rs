//! A request as a body of Chat Completions.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat/create> and the types of OpenAI's Python library
//! (2026-08). What other servers understand differs; what one of them refuses is conceded.

use miyabi_core::port::model::{Message, OutputFormat, Request, ToolCall, ToolChoice};
use serde_json::{Map, Value, json};

use crate::dialect::shared::{
    arguments_object, effort_word, instructions, must_call, own_state, short_cache_key, tool_text,
};
use crate::dialect::{Concession, Concessions, Dialect};

/// Who reads the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// OpenAI itself.
    OpenAi,
    /// Any other server; gets only what is widely understood.
    Other,
}

/// The body of a streaming request.
pub(crate) fn body(request: &Request, concessions: Concessions, server: Server) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model.model()));
    body.insert("stream".into(), json!(true));
    if !concessions.has(Concession::NoStreamOptions) {
        body.insert("stream_options".into(), json!({ "include_usage": true }));
    }
    body.insert("messages".into(), messages(request, concessions));
    // OpenAI's reasoning models refuse the old name, most other servers know only that one.
    let new_name = (server == Server::OpenAi) != concessions.has(Concession::OtherTokenLimit);
    let limit = if new_name { "max_completion_tokens" } else { "max_tokens" };
    body.insert(limit.into(), json!(request.max_output_tokens));
    add_tools(&mut body, request, concessions);
    if let OutputFormat::Json { name, schema } = &request.output
        && !concessions.has(Concession::SchemaInText)
    {
        let format = json!({ "name": name, "schema": schema, "strict": true });
        body.insert("response_format".into(), json!({ "type": "json_schema", "json_schema": format }));
    }
    if let Some(effort) = request.effort
        && !concessions.has(Concession::NoReasoning)
    {
        body.insert("reasoning_effort".into(), json!(effort_word(effort)));
    }
    if server == Server::OpenAi {
        body.insert("store".into(), json!(false));
        if !request.cache_key.is_empty() && !concessions.has(Concession::NoCacheHint) {
            body.insert("prompt_cache_key".into(), json!(short_cache_key(&request.cache_key)));
        }
    }
    Value::Object(body)
}

fn add_tools(body: &mut Map<String, Value>, request: &Request, concessions: Concessions) {
    if request.tools.is_empty() {
        return;
    }
    let tools = request.tools.iter().map(|tool| {
        let function = json!({
            "name": tool.name, "description": tool.description, "parameters": tool.input_schema,
        });
        json!({ "type": "function", "function": function })
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

fn messages(request: &Request, concessions: Concessions) -> Value {
    let system = instructions(request, concessions);
    let system = (!system.is_empty()).then(|| json!({ "role": "system", "content": system }));
    let conversation = request.messages.iter().map(|message| match message {
        Message::User { text } => json!({ "role": "user", "content": text }),
        Message::Assistant { text, tool_calls, provider_state } => {
            let mut assistant = assistant(text, tool_calls);
            let state = own_state(provider_state.as_ref(), request, Dialect::Chat, concessions);
            if let Some(Value::Object(state)) = state {
                assistant.extend(state.clone());
            }
            Value::Object(assistant)
        }
        Message::Tool { call_id, content, is_error, .. } => {
            json!({ "role": "tool", "tool_call_id": call_id, "content": tool_text(content, *is_error) })
        }
    });
    system.into_iter().chain(conversation).collect()
}

fn assistant(text: &str, calls: &[ToolCall]) -> Map<String, Value> {
    let mut message = Map::new();
    message.insert("role".into(), json!("assistant"));
    // Null only where calls stand in for the text: servers refuse a message with neither.
    let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { json!(text) };
    message.insert("content".into(), content);
    if !calls.is_empty() {
        let calls = calls.iter().map(|call| {
            let arguments = arguments_object(&call.arguments).to_string();
            let function = json!({ "name": call.name, "arguments": arguments });
            json!({ "id": call.id, "type": "function", "function": function })
        });
        message.insert("tool_calls".into(), calls.collect());
    }
    message
}
