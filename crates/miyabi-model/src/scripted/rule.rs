//! The types of a script, as they are written down. Their meaning is in the parent module's documentation.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use miyabi_core::port::model::Finish;

/// A script. Made by [`Script::parse`], or put together in code and checked by [`Script::check`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Shown beside the model's name.
    #[serde(default)]
    pub title: String,
    /// Tokens that a request and its answer may have together.
    #[serde(default = "context_tokens")]
    pub context_tokens: u64,
    /// Tokens that one answer may have.
    #[serde(default = "max_output_tokens")]
    pub max_output_tokens: u32,
    /// Tried in order.
    pub rules: Vec<Rule>,
}

/// What to answer to which requests.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// For messages about the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which requests it fits.
    #[serde(default)]
    pub when: When,
    /// After so many uses it is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The answer to every fitting request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ScriptedAnswer>,
    /// The answers to the first, second, … fitting request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<ScriptedAnswer>,
}

/// Conditions on a request, of which all that are given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The name of the answer's JSON schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// A glob for the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The turn, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
    /// A text in the standing instructions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_contains: Option<String>,
    /// A text in the newest messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_contains: Option<String>,
    /// The name of a tool on offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

/// One answer, or a failure.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptedAnswer {
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What it says, as a JSON value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The summary of its reasoning.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    /// The tools it calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ScriptedCall>,
    /// Why it stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish: Option<Finish>,
    /// What it costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<ScriptedUsage>,
    /// A failure instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ScriptedError>,
    /// How long it takes, in milliseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub delay_ms: u64,
}

/// One tool call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedCall {
    /// The call's id; made up when missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments; an empty object when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Arguments that are no JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// Tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptedUsage {
    /// All input tokens.
    pub input_tokens: u64,
    /// Those served by the cache.
    pub cached_input_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// Those spent on reasoning.
    pub reasoning_tokens: u64,
}

/// A failure: by HTTP status, or of a kind that has none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptedError {
    /// The HTTP status, 400 to 599.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// When to come back, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The provider's words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// A failure without a status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ScriptedErrorKind>,
}

/// A failure without a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptedErrorKind {
    /// The stream breaks off.
    Disconnect,
    /// The provider is silent for too long.
    Timeout,
    /// The conversation is too long.
    ContextOverflow,
    /// The account has nothing left.
    Quota,
}

const fn context_tokens() -> u64 {
    1_000_000
}

const fn max_output_tokens() -> u32 {
    64_000
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
