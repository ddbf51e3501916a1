//! The port to a language model: one request, one answer, a stream of lossy previews on the side.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::money::UsdMicros;

/// A model's full name, `provider/name`, such as `openai/gpt-5` or `scripted/demo`. The provider is the name of a
/// configured provider, the rest is passed on as it is and may itself contain slashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelName(pub String);

impl ModelName {
    /// The configured provider's name: what stands before the first slash.
    pub fn provider(&self) -> &str {
        self.0.split_once('/').map_or("", |(provider, _)| provider)
    }

    /// The model's name at its provider: what stands after the first slash.
    pub fn model(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(_, model)| model)
    }
}

/// Everything a provider needs for one answer. Two requests of one session share their beginning byte for byte, so
/// that a provider's prompt cache can serve it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Which model answers.
    pub model: ModelName,
    /// The standing instructions.
    pub system: String,
    /// The conversation so far, oldest first. Append-only within a session.
    pub messages: Vec<Message>,
    /// The tools the model may call, in a fixed order.
    pub tools: Vec<Tool>,
    /// Whether it may, must or must not call a tool.
    pub tool_choice: ToolChoice,
    /// The form that the final text must have.
    pub output: OutputFormat,
    /// The most tokens the answer may have, reasoning included.
    pub max_output_tokens: u32,
    /// How much the model should think, where it can be told.
    pub effort: Option<Effort>,
    /// The same for all requests of a session; providers that route by key keep their cache warm with it.
    pub cache_key: String,
}

/// A tool as a model sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// The name to call it by.
    pub name: String,
    /// What it does, when to use it, its limits.
    pub description: String,
    /// JSON Schema of the arguments; an object at the top.
    pub input_schema: Value,
}

/// Whether a model may call tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// As the model likes.
    #[default]
    Auto,
    /// No calls.
    None,
    /// At least one call.
    Required,
}

/// The form of the final text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputFormat {
    /// Free text.
    Text,
    /// One JSON value that fits a schema.
    Json {
        /// A short name of the schema, `[a-z_]+`.
        name: String,
        /// JSON Schema with `additionalProperties: false` and all properties required, as strict modes demand.
        schema: Value,
    },
}

/// How much a model should think before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// As little as possible.
    Low,
    /// The provider's middle.
    Medium,
    /// As much as possible.
    High,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// Text from our side: the task, a correction, guidance by a person.
    User {
        /// The text.
        text: String,
    },
    /// What the model said.
    Assistant {
        /// The visible text; may be empty when tools are called.
        text: String,
        /// The tools it asked for, in its order.
        tool_calls: Vec<ToolCall>,
        /// What the provider wants to see again unchanged (signed or encrypted reasoning). Opaque to us, and only
        /// sent back to the provider that made it.
        provider_state: Option<ProviderState>,
    },
    /// The result of one tool call. Every call is answered exactly once.
    Tool {
        /// The id of the call.
        call_id: String,
        /// The name of the tool; some providers match by name.
        name: String,
        /// What the tool said.
        content: String,
        /// Whether the tool failed.
        is_error: bool,
    },
}

/// Opaque data of one provider that must be returned to it unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderState {
    /// The provider's wire dialect that understands it.
    pub dialect: String,
    /// The data.
    pub data: Value,
}

/// A tool call that a model asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The call's id; made up by us where the provider gives none.
    pub id: String,
    /// The name as the model wrote it; it may not exist.
    pub name: String,
    /// The arguments.
    pub arguments: Arguments,
}

/// The arguments of a tool call: JSON, or what the model wrote instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Arguments {
    /// A JSON value; for a well-formed call an object.
    Json(Value),
    /// Text that is not JSON. It goes back to the model as that call's error.
    Broken(String),
}

/// A model's whole answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The visible text.
    pub text: String,
    /// A summary of its reasoning where the provider gives one; for people, never sent back.
    pub reasoning: String,
    /// The tool calls, in the model's order.
    pub tool_calls: Vec<ToolCall>,
    /// Opaque data to send back with the next request.
    pub provider_state: Option<ProviderState>,
    /// Why it stopped.
    pub finish: Finish,
    /// What it cost in tokens.
    pub usage: Usage,
    /// The model that answered: the one asked, or one of its fallbacks.
    pub model: ModelName,
    /// Requests sent until this answer came, at least 1.
    pub attempts: u32,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It had said all.
    Stop,
    /// It waits for tool results.
    ToolCalls,
    /// It ran into `max_output_tokens`.
    Length,
    /// The provider withheld the answer.
    Filtered,
}

/// Tokens of one answer. Counts are the provider's; where it gives none they are estimates (see `estimated`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// All input tokens, cached ones included.
    pub input_tokens: u64,
    /// Those of them that the provider's cache served.
    pub cached_input_tokens: u64,
    /// All output tokens, reasoning included.
    pub output_tokens: u64,
    /// Those of them spent on reasoning.
    pub reasoning_tokens: u64,
    /// The provider gave no counts: characters / 4.
    pub estimated: bool,
}

/// What is known of a model before it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Tokens that request and answer may have together.
    pub context_tokens: u64,
    /// Tokens that one answer may have.
    pub max_output_tokens: u32,
    /// Prices; `None` when unknown, so that the configured ceiling applies.
    pub price: Option<Price>,
    /// It plays a script and is no language model. Said on every screen.
    pub scripted: bool,
}

/// Prices per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Input tokens that were not cached.
    pub input: UsdMicros,
    /// Input tokens that the provider's cache served.
    pub cached_input: UsdMicros,
    /// Output tokens.
    pub output: UsdMicros,
}

impl Price {
    /// What an answer cost.
    pub fn cost(&self, usage: &Usage) -> UsdMicros {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        UsdMicros::for_units(usage.input_tokens - cached, self.input)
            + UsdMicros::for_units(cached, self.cached_input)
            + UsdMicros::for_units(usage.output_tokens, self.output)
    }
}

/// Why no answer came, after the adapter's own retries and fallbacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No provider or model of this name is configured.
    #[error("no model `{0}` is configured")]
    Unknown(String),
    /// The key is missing or was refused.
    #[error("the provider `{provider}` refused the key (HTTP {status})")]
    Authentication {
        /// The configured provider's name.
        provider: String,
        /// The HTTP status, or 0 when no key is set.
        status: u16,
    },
    /// The provider wants fewer requests, or is out of quota.
    #[error("the provider `{provider}` limits the rate of requests")]
    RateLimited {
        /// The configured provider's name.
        provider: String,
        /// When it will take the next one, in milliseconds from now, if it said so.
        retry_after_ms: Option<u64>,
    },
    /// The provider failed or could not be reached.
    #[error("the provider `{provider}` did not answer: {reason}")]
    Unavailable {
        /// The configured provider's name.
        provider: String,
        /// Which of: connection, time-out, status, broken stream. Never a body or a header.
        reason: String,
    },
    /// The provider refused this request as such; repeating it is useless.
    #[error("the provider `{provider}` refused the request (HTTP {status}): {message}")]
    Rejected {
        /// The configured provider's name.
        provider: String,
        /// The HTTP status.
        status: u16,
        /// The provider's words, bounded and stripped of control characters.
        message: String,
    },
    /// Request and answer don't fit the model's context.
    #[error("the conversation is longer than the context of `{model}`")]
    ContextOverflow {
        /// The model asked.
        model: String,
    },
    /// The caller gave up.
    #[error("cancelled")]
    Cancelled,
}

/// Receives previews of an answer while it streams. Lossy: never acted on, never stored.
pub trait Preview: Send + Sync {
    /// Some more visible text.
    fn text(&self, delta: &str);
    /// Some more of the reasoning summary.
    fn reasoning(&self, _delta: &str) {}
}

/// A preview that shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPreview;

impl Preview for NoPreview {
    fn text(&self, _delta: &str) {}
}

/// A language model, or a router to several.
#[async_trait]
pub trait Model: Send + Sync {
    /// What is known of a model; `None` when it is not configured.
    fn info(&self, model: &ModelName) -> Option<Info>;

    /// Asks for one answer. Retries, back-off and fallbacks happen inside; half an answer is never returned.
    ///
    /// # Errors
    /// See [`Error`]. Dropping the future or cancelling ends the request.
    async fn ask(
        &self,
        request: &Request,
        preview: &dyn Preview,
        cancel: &CancellationToken,
    ) -> Result<Answer, Error>;
}
