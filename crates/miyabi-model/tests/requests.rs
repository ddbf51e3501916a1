//! The bodies that each dialect sends: snapshots of a whole session, concessions, and the promise that the turns of
//! a session share their beginning byte for byte.

#![cfg(test)]

mod common;

use common::{read_tool, verdict};
use miyabi_core::port::model::{
    Arguments, Effort, Message, ModelName, OutputFormat, ProviderState, Request, ToolCall, ToolChoice,
};
use miyabi_model::Dialect;
use miyabi_model::dialect::{Concession, Concessions};
use serde_json::{Value, json};

const DIALECTS: [(Dialect, &str); 5] = [
    (Dialect::Responses, "openai/gpt-6.1-sol"),
    (Dialect::Chat, "openai/gpt-6.1-sol"),
    (Dialect::Compatible, "vllm/org/model"),
    (Dialect::Gemini, "gemini/gemini-3.1-pro-preview"),
    (Dialect::Anthropic, "anthropic/claude-opus-5-5"),
];

fn name(dialect: Dialect) -> String {
    json!(dialect).as_str().expect("a word").to_owned()
}

fn call(id: &str, arguments: Arguments) -> ToolCall {
    ToolCall { id: id.to_owned(), name: "read".to_owned(), arguments }
}

fn tool(id: &str, content: &str, is_error: bool) -> Message {
    Message::Tool { call_id: id.to_owned(), name: "read".to_owned(), content: content.to_owned(), is_error }
}

fn assistant(text: &str, tool_calls: Vec<ToolCall>, provider_state: Option<ProviderState>) -> Message {
    Message::Assistant { text: text.to_owned(), tool_calls, provider_state }
}

/// What the dialect itself would want back after the first turn of the session below.
fn state(dialect: Dialect, model: &str) -> ProviderState {
    let data = match dialect {
        Dialect::Responses => json!({ "items": [
            { "type": "reasoning", "id": "rs_1", "encrypted_content": "Z2VoZWlt", "summary": [] },
            { "role": "assistant", "content": "I look.", "phase": "commentary" },
            { "type": "function_call", "index": 0 }, { "type": "function_call", "index": 1 },
        ]}),
        Dialect::Chat | Dialect::Compatible => json!({ "reasoning_content": "Two files are needed." }),
        Dialect::Gemini => json!({ "parts": [
            { "text": "I look." }, { "call": 0, "thoughtSignature": "ZXJzdGU=" }, { "call": 1 },
        ]}),
        Dialect::Anthropic => json!({ "content": [
            { "type": "thinking", "thinking": "Two files are needed.", "signature": "EqQB" },
            { "type": "text", "text": "I look." },
            { "type": "tool_use", "index": 0 }, { "type": "tool_use", "index": 1 },
        ]}),
    };
    ProviderState { dialect: dialect.state_mark().to_owned(), data: json!({ "model": model, "data": data }) }
}

/// A session of three turns: parallel calls with what the provider wants back, a broken call after a fallback, a
/// correction by a person.
fn session(dialect: Dialect, model: &str) -> Request {
    let good = |id: &str, path: &str| call(id, Arguments::Json(json!({ "path": path })));
    let foreign = ProviderState { dialect: "other".to_owned(), data: json!({ "secret": "of another" }) };
    Request {
        model: ModelName(model.to_owned()),
        system: "You fix bugs.".to_owned(),
        messages: vec![
            Message::User { text: "Fix the last page.".to_owned() },
            assistant(
                "I look.",
                vec![good("call_0", "a.rs"), good("fc-9", "b.rs")],
                Some(state(dialect, model)),
            ),
            tool("call_0", "fn a() {}", false),
            tool("fc-9", "no such file", true),
            assistant("", vec![call("call_2", Arguments::Broken("{\"path\":".to_owned()))], Some(foreign)),
            tool("call_2", "the arguments are no JSON", true),
            Message::User { text: "Mind the style.".to_owned() },
            assistant("Done.", Vec::new(), None),
            Message::User { text: "And the tests?".to_owned() },
        ],
        tools: vec![read_tool()],
        tool_choice: ToolChoice::Auto,
        output: OutputFormat::Text,
        max_output_tokens: 4_000,
        effort: Some(Effort::Medium),
        cache_key: "run_01J0000000000000000000000/generate/t1".to_owned(),
    }
}

#[test]
fn bodies_of_a_session_are_as_documented() {
    for (dialect, model) in DIALECTS {
        let body = dialect.body(&session(dialect, model), Concessions::NONE);
        insta::with_settings!({ sort_maps => true, omit_expression => true, snapshot_path => "snapshots/bodies" }, {
            insta::assert_json_snapshot!(format!("{}-session", name(dialect)), body);
        });
    }
}

#[test]
fn bodies_with_a_schema_and_a_forced_call_are_as_documented() {
    for (dialect, model) in DIALECTS {
        let mut request = session(dialect, model);
        request.messages.truncate(1);
        request.output = verdict("triage");
        request.tool_choice = ToolChoice::Required;
        let asked = dialect.body(&request, Concessions::NONE);
        let conceded = [
            Concession::SchemaInText,
            Concession::FreeToolChoice,
            Concession::NoReasoning,
            Concession::NoStreamOptions,
            Concession::NoCacheHint,
            Concession::OtherTokenLimit,
            Concession::NoState,
            Concession::NoParallelHint,
            Concession::NoEncryptedReasoning,
        ];
        let bare = dialect.body(&request, conceded.into_iter().fold(Concessions::NONE, Concessions::with));
        insta::with_settings!({ sort_maps => true, omit_expression => true, snapshot_path => "snapshots/bodies" }, {
            insta::assert_json_snapshot!(format!("{}-schema", name(dialect)), json!({
                "asked": asked, "after all concessions": bare,
            }));
        });
    }
}

/// The part of a body that grows with the conversation.
fn conversation(dialect: Dialect, body: &Value) -> &Value {
    let key = match dialect {
        Dialect::Responses => "input",
        Dialect::Gemini => "contents",
        Dialect::Chat | Dialect::Compatible | Dialect::Anthropic => "messages",
    };
    &body[key]
}

/// The provider's prompt cache serves what is the same from the first byte on. So each turn's conversation, without
/// the closing bracket of its list, must be the beginning of the next one's, and everything else must not change.
#[test]
fn each_turn_begins_with_the_bytes_of_the_one_before() {
    for (dialect, model) in DIALECTS {
        for concessions in [Concessions::NONE, Concessions::NONE.with(Concession::SchemaInText)] {
            let whole = session(dialect, model);
            let turns = [1, 4, 7, 9].map(|length| {
                let mut request = whole.clone();
                request.messages.truncate(length);
                request.output = verdict("triage");
                dialect.body(&request, concessions)
            });
            for pair in turns.windows(2) {
                let text = |body: &Value| conversation(dialect, body).to_string();
                let (before, after) = (text(&pair[0]), text(&pair[1]));
                let before = before.strip_suffix(']').expect("a list");
                assert!(after.starts_with(before), "{dialect:?}:\n{before}\n{after}");
                assert!(after.len() > before.len() + 1);
                let rest = |body: &Value| {
                    let mut body = body.clone();
                    for key in ["input", "contents", "messages"] {
                        drop(body.as_object_mut().expect("an object").remove(key));
                    }
                    body.to_string()
                };
                assert_eq!(rest(&pair[0]), rest(&pair[1]), "{dialect:?}");
            }
        }
    }
}

#[test]
fn state_goes_back_only_to_the_model_that_made_it() {
    for (dialect, model) in DIALECTS {
        let with_state = dialect.body(&session(dialect, model), Concessions::NONE).to_string();
        let other_model = {
            let mut request = session(dialect, model);
            request.model = ModelName(format!("{model}-other"));
            dialect.body(&request, Concessions::NONE).to_string()
        };
        let secret = match dialect {
            Dialect::Responses => "Z2VoZWlt",
            Dialect::Chat | Dialect::Compatible => "reasoning_content",
            Dialect::Gemini => "ZXJzdGU=",
            Dialect::Anthropic => "EqQB",
        };
        assert!(with_state.contains(secret), "{dialect:?}");
        assert!(!other_model.contains(secret), "{dialect:?}");
        assert!(!with_state.contains("of another"), "{dialect:?}");
        let conceded =
            dialect.body(&session(dialect, model), Concessions::NONE.with(Concession::NoState)).to_string();
        assert!(!conceded.contains(secret), "{dialect:?}");
    }
}

#[test]
fn anthropic_thinks_in_the_way_of_each_model() {
    let body = |model: &str, max_output_tokens: u32, tool_choice: ToolChoice| {
        let mut request = session(Dialect::Anthropic, model);
        request.messages.truncate(1);
        (request.max_output_tokens, request.tool_choice) = (max_output_tokens, tool_choice);
        let body = Dialect::Anthropic.body(&request, Concessions::NONE);
        (body["thinking"].clone(), body["output_config"].clone())
    };
    let adaptive = (json!({ "type": "adaptive", "display": "summarized" }), json!({ "effort": "medium" }));
    assert_eq!(body("a/claude-sonnet-5-5", 4_000, ToolChoice::Auto), adaptive);
    assert_eq!(body("a/claude-opus-4-6", 4_000, ToolChoice::Auto), adaptive);
    let budget = json!({ "type": "enabled", "budget_tokens": 2_000 });
    assert_eq!(body("a/claude-haiku-4-5-20251001", 4_000, ToolChoice::Auto), (budget, Value::Null));
    assert_eq!(body("a/claude-haiku-4-5", 1_000, ToolChoice::Auto), (Value::Null, Value::Null));
    assert_eq!(body("a/claude-haiku-4-5", 4_000, ToolChoice::Required), (Value::Null, Value::Null));
    assert_eq!(body("a/claude-3-5-haiku-latest", 4_000, ToolChoice::Auto), (Value::Null, Value::Null));
}

#[test]
fn gemini_thinks_in_the_way_of_each_model() {
    let thinking = |model: &str| {
        let request = session(Dialect::Gemini, model);
        Dialect::Gemini.body(&request, Concessions::NONE)["generationConfig"]["thinkingConfig"].clone()
    };
    assert_eq!(thinking("g/gemini-2.5-flash"), json!({ "includeThoughts": true, "thinkingBudget": 8_192 }));
    assert_eq!(thinking("g/gemini-3.8-flash"), json!({ "includeThoughts": true, "thinkingLevel": "medium" }));
    assert_eq!(thinking("g/gemini-2.0-flash"), Value::Null);
}

#[test]
fn long_cache_keys_are_shortened() {
    let mut request = session(Dialect::Responses, "o/m");
    request.cache_key = format!("run_1/{}", "x".repeat(100));
    let body = Dialect::Responses.body(&request, Concessions::NONE);
    assert_eq!(body["prompt_cache_key"].as_str().map(str::len), Some(64));
}
