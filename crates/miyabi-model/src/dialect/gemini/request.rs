//! A request as a body of `streamGenerateContent`.
//!
//! Sources: <https://ai.google.dev/api/generate-content>, its pages on function calling, structured output,
//! thinking and thought signatures, and the types of Google's Python library (2026-08).

use miyabi_core::port::model::{Effort, Message, OutputFormat, Request, ToolCall, ToolChoice};
use serde_json::{Map, Value, json};

use crate::dialect::shared::{arguments_object, instructions, list, must_call, own_state};
use crate::dialect::{Concession, Concessions, Dialect};

/// What the documentation on thought signatures gives for calls that Gemini did not make itself, such as those of a
/// fallback: without any signature Gemini 3 refuses the conversation.
const FOREIGN_SIGNATURE: &str = "skip_thought_signature_validator";

/// The body of a request; that it streams is said by the path.
pub(crate) fn body(request: &Request, concessions: Concessions) -> Value {
    let mut body = Map::new();
    let system = instructions(request, concessions);
    if !system.is_empty() {
        body.insert("systemInstruction".into(), json!({ "parts": [{ "text": system }] }));
    }
    body.insert("contents".into(), contents(request, concessions));
    add_tools(&mut body, request, concessions);
    let mut generation = Map::new();
    generation.insert("maxOutputTokens".into(), json!(request.max_output_tokens));
    if let OutputFormat::Json { schema, .. } = &request.output
        && !concessions.has(Concession::SchemaInText)
    {
        generation.insert("responseMimeType".into(), json!("application/json"));
        generation.insert("responseJsonSchema".into(), schema.clone());
    }
    if let Some(effort) = request.effort
        && !concessions.has(Concession::NoReasoning)
        && let Some(thinking) = thinking(request.model.model(), effort)
    {
        generation.insert("thinkingConfig".into(), thinking);
    }
    body.insert("generationConfig".into(), Value::Object(generation));
    Value::Object(body)
}

fn add_tools(body: &mut Map<String, Value>, request: &Request, concessions: Concessions) {
    if request.tools.is_empty() {
        return;
    }
    let declarations: Value = request
        .tools
        .iter()
        .map(|tool| {
            let mut schema = tool.input_schema.clone();
            if let Value::Object(schema) = &mut schema {
                schema.remove("$schema");
            }
            json!({ "name": tool.name, "description": tool.description, "parametersJsonSchema": schema })
        })
        .collect();
    body.insert("tools".into(), json!([{ "functionDeclarations": declarations }]));
    let mode = match request.tool_choice {
        ToolChoice::None => "NONE",
        ToolChoice::Required if must_call(request) && !concessions.has(Concession::FreeToolChoice) => "ANY",
        ToolChoice::Auto | ToolChoice::Required => "AUTO",
    };
    body.insert("toolConfig".into(), json!({ "functionCallingConfig": { "mode": mode } }));
}

/// Gemini 3 takes a level, 2.5 a number of tokens, older ones nothing.
fn thinking(model: &str, effort: Effort) -> Option<Value> {
    let budget = match effort {
        Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High => 24_576,
    };
    let level = match effort {
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    };
    if model.starts_with("gemini-2.5") {
        return Some(json!({ "includeThoughts": true, "thinkingBudget": budget }));
    }
    let old = ["gemini-1", "gemini-2.0", "gemma"].iter().any(|family| model.starts_with(family));
    (!old).then(|| json!({ "includeThoughts": true, "thinkingLevel": level }))
}

fn contents(request: &Request, concessions: Concessions) -> Value {
    let mut contents = Vec::new();
    // The results of one turn's calls belong together into one content.
    let mut results: Vec<Value> = Vec::new();
    let close = |results: &mut Vec<Value>, contents: &mut Vec<Value>| {
        if !results.is_empty() {
            contents.push(json!({ "role": "user", "parts": std::mem::take(results) }));
        }
    };
    for message in &request.messages {
        match message {
            Message::Tool { call_id, name, content, is_error } => {
                let key = if *is_error { "error" } else { "output" };
                let mut response = json!({ "name": name, "response": { key: content } });
                add_id(&mut response, call_id);
                results.push(json!({ "functionResponse": response }));
            }
            Message::User { text } => {
                close(&mut results, &mut contents);
                contents.push(json!({ "role": "user", "parts": [{ "text": text }] }));
            }
            Message::Assistant { text, tool_calls, provider_state } => {
                close(&mut results, &mut contents);
                let state = own_state(provider_state.as_ref(), request, Dialect::Gemini, concessions);
                let parts = match state {
                    Some(state) => remembered(state, tool_calls),
                    None => rebuilt(text, tool_calls),
                };
                contents.push(json!({ "role": "model", "parts": parts }));
            }
        }
    }
    close(&mut results, &mut contents);
    Value::Array(contents)
}

/// The parts as the model made them, each with its signature. Calls are held by their number only.
fn remembered(state: &Value, calls: &[ToolCall]) -> Vec<Value> {
    let part = |part: &Value| {
        let mut part = part.as_object()?.clone();
        if let Some(index) = part.remove("call") {
            let call = calls.get(usize::try_from(index.as_u64()?).ok()?)?;
            part.insert("functionCall".into(), function_call(call));
        }
        Some(Value::Object(part))
    };
    list(state, "/parts").iter().filter_map(part).collect()
}

fn rebuilt(text: &str, calls: &[ToolCall]) -> Vec<Value> {
    let mut parts = Vec::new();
    if !text.is_empty() || calls.is_empty() {
        parts.push(json!({ "text": text }));
    }
    for (index, call) in calls.iter().enumerate() {
        let mut part = json!({ "functionCall": function_call(call) });
        // Only the first of parallel calls carries one.
        if index == 0 {
            part["thoughtSignature"] = json!(FOREIGN_SIGNATURE);
        }
        parts.push(part);
    }
    parts
}

fn function_call(call: &ToolCall) -> Value {
    let mut value = json!({ "name": call.name, "args": arguments_object(&call.arguments) });
    add_id(&mut value, &call.id);
    value
}

/// Ids that we made up because Gemini gave none are not sent: it then matches results by name and order.
fn add_id(value: &mut Value, id: &str) {
    let made_up = id.strip_prefix("call_").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    if !made_up {
        value["id"] = json!(id);
    }
}
