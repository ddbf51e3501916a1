//! What the tests of this crate share: requests, a known clock, a preview that remembers.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "each test program uses a part of it"
)]

pub mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use miyabi_core::port::model::{
    Answer, Error, Message, Model as _, ModelName, NoPreview, OutputFormat, Preview, Request, Tool, ToolCall,
    ToolChoice,
};
use miyabi_core::secret::Secret;
use miyabi_core::time::Timestamp;
use miyabi_model::ambient::{Ambient, Chance, Clock};
use miyabi_model::catalog::CAUTIOUS;
use miyabi_model::{Dialect, Limits, ProviderConfig, RetryPolicy, Router, RouterConfig, Timeouts};
use serde_json::json;
use server::Reply;
use tokio_util::sync::CancellationToken;

/// A request with one message.
pub fn request(model: &str, text: &str) -> Request {
    Request {
        model: ModelName(model.to_owned()),
        system: "You fix bugs.".to_owned(),
        messages: vec![Message::User { text: text.to_owned() }],
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        output: OutputFormat::Text,
        max_output_tokens: 1_000,
        effort: None,
        cache_key: "run_1/generate/t1".to_owned(),
    }
}

/// The tool that the tests offer.
pub fn read_tool() -> Tool {
    Tool {
        name: "read".to_owned(),
        description: "Reads a file.".to_owned(),
        input_schema: json!({
            "type": "object", "properties": { "path": { "type": "string" } }, "required": ["path"],
        }),
    }
}

/// An answer as the message that a session keeps.
pub fn kept(answer: &Answer) -> Message {
    Message::Assistant {
        text: answer.text.clone(),
        tool_calls: answer.tool_calls.clone(),
        provider_state: answer.provider_state.clone(),
    }
}

/// The result of a call.
pub fn result(call: &ToolCall, content: &str) -> Message {
    Message::Tool {
        call_id: call.id.clone(),
        name: call.name.clone(),
        content: content.to_owned(),
        is_error: false,
    }
}

/// The form of answer with a schema of one field `verdict`.
pub fn verdict(name: &str) -> OutputFormat {
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["verdict"],
        "properties": { "verdict": { "type": "string" } },
    });
    OutputFormat::Json { name: name.to_owned(), schema }
}

/// A clock that stands still, and the longest jitter.
pub fn ambient() -> Ambient {
    Ambient { clock: Arc::new(Still), chance: Arc::new(Longest) }
}

struct Still;
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(784_111_777_000)
    }
}

struct Longest;
impl Chance for Longest {
    fn up_to(&self, limit: u64) -> u64 {
        limit
    }
}

/// Remembers what was previewed.
#[derive(Default)]
pub struct Remembered {
    pub text: Mutex<String>,
    pub reasoning: Mutex<String>,
}

impl Preview for Remembered {
    fn text(&self, delta: &str) {
        self.text.lock().unwrap().push_str(delta);
    }
    fn reasoning(&self, delta: &str) {
        self.reasoning.lock().unwrap().push_str(delta);
    }
}

/// The key that the tests send, and that must turn up nowhere else.
pub const KEY: &str = "sk-secret-0123456789";

/// A provider `p` at an address, with short waits.
pub fn provider(dialect: Dialect, base_url: &str) -> ProviderConfig {
    ProviderConfig {
        name: "p".to_owned(),
        dialect,
        base_url: base_url.to_owned(),
        key: Some(Secret::new(KEY.to_owned())),
        models: BTreeMap::new(),
        unlisted: Some(CAUTIOUS),
        catalog: None,
        headers: BTreeMap::new(),
        timeouts: Timeouts { connect_ms: 2_000, idle_ms: 2_000, total_ms: 10_000 },
        limits: Limits::default(),
        retry: RetryPolicy { max_attempts: 3, base_ms: 1, cap_ms: 2, total_ms: 20_000 },
        concurrency: 4,
    }
}

/// A router with one provider.
pub fn single(config: ProviderConfig) -> Router {
    let config = RouterConfig { providers: vec![config], ..RouterConfig::default() };
    Router::new(config, ambient()).unwrap()
}

/// A stream of Chat Completions that says hello.
pub const HELLO: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello.\"},\"finish_reason\":\"stop\"}],\
                     \"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";

/// It as a reply.
pub fn hello() -> Reply {
    Reply::events(HELLO.as_bytes())
}

/// Asks without a preview.
pub async fn ask(router: &Router, request: &Request) -> Result<Answer, Error> {
    router.ask(request, &NoPreview, &CancellationToken::new()).await
}
