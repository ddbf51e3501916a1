//! Small things that several dialects write or read in the same way.

use miyabi_core::port::model::{Arguments, Effort, OutputFormat, ProviderState, Request};
use serde_json::{Value, json};

use super::{Concession, Concessions, Dialect};

/// A text at a JSON pointer; empty when it is missing or no text.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A count at a JSON pointer; `None` when it is missing or no whole number.
pub(crate) fn count(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}

/// The elements of a list at a JSON pointer; none when it is missing.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The arguments of an earlier call as the JSON object that every provider wants to see. What the model wrote
/// instead of JSON is kept under a key of our own: servers refuse conversations with arguments that don't parse.
pub(crate) fn arguments_object(arguments: &Arguments) -> Value {
    match arguments {
        Arguments::Json(Value::Object(object)) => Value::Object(object.clone()),
        Arguments::Json(other) => json!({ "invalid_arguments": other }),
        Arguments::Broken(text) => json!({ "invalid_json": text }),
    }
}

/// The standing instructions, with the schema of the answer where the server takes it in no other way.
pub(crate) fn instructions(request: &Request, concessions: Concessions) -> String {
    let mut text = request.system.clone();
    let mut append = |paragraph: &str| {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(paragraph);
    };
    if let OutputFormat::Json { schema, .. } = &request.output
        && concessions.has(Concession::SchemaInText)
    {
        append(&format!(
            "Your final answer is one JSON value and nothing else: no prose around it, no code fence. It must \
             fit this JSON Schema:\n{schema}"
        ));
    }
    if must_call(request) && concessions.has(Concession::FreeToolChoice) {
        append("Answer by calling at least one of the tools.");
    }
    text
}

/// Whether a tool must be called, and there is one.
pub(crate) fn must_call(request: &Request) -> bool {
    request.tool_choice == miyabi_core::port::model::ToolChoice::Required && !request.tools.is_empty()
}

/// The opaque data of an earlier answer, if this dialect and this very model made it. Signatures and encrypted
/// reasoning are bound to the model, so what another one made is left out.
pub(crate) fn own_state<'a>(
    state: Option<&'a ProviderState>,
    request: &Request,
    dialect: Dialect,
    concessions: Concessions,
) -> Option<&'a Value> {
    let state = state.filter(|state| state.dialect == dialect.state_mark())?;
    let same_model = text(&state.data, "/model") == request.model.0;
    (same_model && !concessions.has(Concession::NoState)).then(|| state.data.get("data"))?
}

/// What a tool said, for dialects that can't mark a failure.
pub(crate) fn tool_text(content: &str, is_error: bool) -> String {
    if is_error { format!("The tool failed:\n{content}") } else { content.to_owned() }
}

/// The word for an effort that OpenAI and Anthropic share.
pub(crate) const fn effort_word(effort: Effort) -> &'static str {
    match effort {
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    }
}

/// A model's name as part of a URL path. Everything but unreserved characters is escaped, also the slash.
pub(crate) fn escape_path(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// A cache key within the 64 characters that OpenAI allows; longer ones are hashed.
pub(crate) fn short_cache_key(cache_key: &str) -> String {
    if cache_key.len() <= 64 {
        return cache_key.to_owned();
    }
    miyabi_core::digest::Digest::of(cache_key.as_bytes()).hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_names_can_not_leave_their_path_segment() {
        assert_eq!(escape_path("gemini-3.1-pro"), "gemini-3.1-pro");
        assert_eq!(escape_path("../x?key=1#ü"), "..%2Fx%3Fkey%3D1%23%C3%BC");
    }

    #[test]
    fn broken_arguments_become_an_object() {
        let broken = Arguments::Broken("{".to_owned());
        assert_eq!(arguments_object(&broken), json!({"invalid_json": "{"}));
        assert_eq!(arguments_object(&Arguments::Json(json!([1]))), json!({"invalid_arguments": [1]}));
    }
}
