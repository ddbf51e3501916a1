//! An answer in the making, the same for all dialects: what is missing is filled in here, what is odd is set right.

use std::collections::HashSet;

use miyabi_core::port::model::{
    Answer, Arguments, Finish, Message, OutputFormat, ProviderState, Request, ToolCall, Usage,
};
use serde_json::{Value, json};

use super::Dialect;
use super::json_text::extract;

/// What a stream has brought.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) calls: Vec<DraftCall>,
    /// What must be sent back, without the mark of the model that made it.
    pub(crate) state: Option<Value>,
    pub(crate) finish: Option<Finish>,
    pub(crate) usage: Option<Usage>,
}

/// A tool call in the making.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct DraftCall {
    /// The provider's id; empty when it gave none.
    pub(crate) id: String,
    pub(crate) name: String,
    /// The text of the arguments, JSON if all is well.
    pub(crate) arguments: String,
}

impl Draft {
    /// The answer to `request`.
    pub(crate) fn into_answer(self, request: &Request, dialect: Dialect, attempts: u32) -> Answer {
        // Some servers send the fields and count nothing; no request has no tokens.
        let counted = self.usage.filter(|usage| usage.input_tokens > 0 || usage.output_tokens > 0);
        let usage = counted.unwrap_or_else(|| self.estimate(request));
        let tool_calls = with_ids(self.calls, calls_before(request));
        let finish = match self.finish.unwrap_or(Finish::Stop) {
            // Several servers say `stop` although they wait for results, and a few the reverse.
            Finish::Stop if !tool_calls.is_empty() => Finish::ToolCalls,
            Finish::ToolCalls if tool_calls.is_empty() => Finish::Stop,
            finish => finish,
        };
        let text = match &request.output {
            OutputFormat::Json { .. } if finish == Finish::Stop => {
                extract(&self.text).map(str::to_owned).unwrap_or(self.text)
            }
            _ => self.text,
        };
        let provider_state = self.state.map(|data| ProviderState {
            dialect: dialect.state_mark().to_owned(),
            data: json!({ "model": request.model, "data": data }),
        });
        let model = request.model.clone();
        Answer { text, reasoning: self.reasoning, tool_calls, provider_state, finish, usage, model, attempts }
    }

    /// Characters / 4, for servers that count nothing.
    fn estimate(&self, request: &Request) -> Usage {
        let calls: usize = self.calls.iter().map(|call| call.name.len() + call.arguments.len()).sum();
        let output_chars = self.text.chars().count() + calls + self.reasoning.chars().count();
        Usage {
            input_tokens: tokens(request_chars(request)),
            cached_input_tokens: 0,
            output_tokens: tokens(output_chars),
            reasoning_tokens: tokens(self.reasoning.chars().count()),
            estimated: true,
        }
    }
}

/// The arguments of a call. Nothing at all is an empty object: some providers send it for tools without parameters.
pub(crate) fn arguments(text: &str) -> Arguments {
    if text.trim().is_empty() {
        return Arguments::Json(json!({}));
    }
    match serde_json::from_str(text) {
        Ok(Value::Null) => Arguments::Json(json!({})),
        Ok(value) => Arguments::Json(value),
        Err(_) => Arguments::Broken(text.to_owned()),
    }
}

/// The conversation's size in characters.
pub(crate) fn request_chars(request: &Request) -> usize {
    let messages: usize = request.messages.iter().map(message_chars).sum();
    let tools: usize = request
        .tools
        .iter()
        .map(|tool| tool.name.len() + tool.description.len() + tool.input_schema.to_string().len())
        .sum();
    request.system.chars().count() + messages + tools
}

/// Characters as tokens, rounded up.
pub(crate) fn tokens(characters: usize) -> u64 {
    u64::try_from(characters.div_ceil(4)).unwrap_or(u64::MAX)
}

fn message_chars(message: &Message) -> usize {
    match message {
        Message::User { text } => text.chars().count(),
        Message::Assistant { text, tool_calls, .. } => {
            let calls = tool_calls.iter().map(|call| match &call.arguments {
                Arguments::Json(value) => call.name.len() + value.to_string().len(),
                Arguments::Broken(text) => call.name.len() + text.len(),
            });
            text.chars().count() + calls.sum::<usize>()
        }
        Message::Tool { content, .. } => content.chars().count(),
    }
}

fn calls_before(request: &Request) -> usize {
    let count = |message: &Message| match message {
        Message::Assistant { tool_calls, .. } => tool_calls.len(),
        _ => 0,
    };
    request.messages.iter().map(count).sum()
}

/// Gives each call an id that no other call of the answer has. Made-up ids are `call_<n>`, counted on over the
/// whole conversation, so that asking again after a crash makes the same ones and none comes twice.
fn with_ids(calls: Vec<DraftCall>, already: usize) -> Vec<ToolCall> {
    let mut seen = HashSet::new();
    let mut given = Vec::with_capacity(calls.len());
    for (index, call) in calls.into_iter().enumerate() {
        let made_up = format!("call_{}", already + index);
        let id = if call.id.is_empty() || seen.contains(&call.id) { made_up } else { call.id };
        seen.insert(id.clone());
        given.push(ToolCall { id, name: call.name, arguments: arguments(&call.arguments) });
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, arguments: &str) -> DraftCall {
        DraftCall { id: id.to_owned(), name: "edit".to_owned(), arguments: arguments.to_owned() }
    }

    #[test]
    fn missing_and_repeated_ids_are_made_up() {
        let calls = with_ids(vec![call("", ""), call("a", ""), call("a", "")], 3);
        let ids: Vec<_> = calls.iter().map(|call| call.id.as_str()).collect();
        assert_eq!(ids, ["call_3", "a", "call_5"]);
    }

    #[test]
    fn arguments_are_json_or_said_to_be_broken() {
        assert_eq!(arguments(" "), Arguments::Json(json!({})));
        assert_eq!(arguments("null"), Arguments::Json(json!({})));
        assert_eq!(arguments(r#"{"a":1}"#), Arguments::Json(json!({"a": 1})));
        assert_eq!(arguments(r#"{"a":"#), Arguments::Broken(r#"{"a":"#.to_owned()));
    }
}
