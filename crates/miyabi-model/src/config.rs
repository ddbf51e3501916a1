//! What a provider's client is built from. Plain values: where they come from (files, environment, prompts) is the
//! command line's business.

use std::collections::BTreeMap;

use miyabi_core::port::model::{Info, ModelName};
use miyabi_core::secret::Secret;

use crate::dialect::Dialect;
use crate::retry::RetryPolicy;
use crate::scripted::{Script, ScriptError};

/// One provider that is reached over HTTP.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// The name before the slash of a model's full name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// The wire dialect it speaks.
    pub dialect: Dialect,
    /// Where its paths begin, such as `https://api.openai.com/v1`. Without user, query or fragment. A key is only
    /// sent in clear text (`http`) inside of this machine or a private network.
    pub base_url: String,
    /// The key, if it needs one. `None` sends no credentials.
    pub key: Option<Secret>,
    /// What is known of its models beyond the built-in table; an entry with `None` only names the model, so that it
    /// is listed.
    pub models: BTreeMap<String, Option<Info>>,
    /// What to assume of a model that neither `models` nor the built-in table knows. `None` refuses such a model.
    pub unlisted: Option<Info>,
    /// Which part of the built-in table applies: `openai`, `anthropic` or `gemini`. `None` for all others, whose
    /// models may be called the same and cost something else.
    pub catalog: Option<String>,
    /// Additional headers, such as `OpenAI-Organization`. Values are secrets, for some of them are.
    pub headers: BTreeMap<String, Secret>,
    /// How long to wait for it.
    pub timeouts: Timeouts,
    /// How much of its answers is read.
    pub limits: Limits,
    /// When a failed request is sent again.
    pub retry: RetryPolicy,
    /// Requests under way at once, at least 1. More wait for their turn.
    pub concurrency: usize,
}

/// How long one request may take, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// To connect, TLS included.
    pub connect_ms: u64,
    /// Without a byte from the provider, before the first one and between any two. A model that thinks without
    /// streaming, or a local one that must be loaded first, needs minutes.
    pub idle_ms: u64,
    /// For the whole request with its answer.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 10_000, idle_ms: 180_000, total_ms: 600_000 }
    }
}

/// How much of an answer is read, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Of one stream event. Large, because Responses repeats the whole answer in its last event, and signatures of
    /// thoughts come in one piece (above 128 KiB has been seen).
    pub event_bytes: usize,
    /// Of the whole response.
    pub response_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { event_bytes: 8 << 20, response_bytes: 64 << 20 }
    }
}

/// The provider that plays scripts. Its models are the scripts by name: `scripted/demo`.
#[derive(Debug, Clone)]
pub struct ScriptedConfig {
    /// The name before the slash; `scripted` unless several are needed, as in a test of fallbacks.
    pub name: String,
    /// The scripts by name.
    pub scripts: BTreeMap<String, Script>,
    /// When a scripted failure is met with another try.
    pub retry: RetryPolicy,
}

impl ScriptedConfig {
    /// The usual provider `scripted` with one script.
    pub fn single(script_name: &str, script: Script) -> Self {
        Self {
            name: "scripted".to_owned(),
            scripts: BTreeMap::from([(script_name.to_owned(), script)]),
            retry: RetryPolicy::default(),
        }
    }
}

/// All providers and what stands in for what.
#[derive(Debug, Clone, Default)]
pub struct RouterConfig {
    /// The providers reached over HTTP.
    pub providers: Vec<ProviderConfig>,
    /// The providers that play scripts.
    pub scripted: Vec<ScriptedConfig>,
    /// Which models are asked, in order, when the provider of the first is away, busy or out of quota. Not
    /// followed further: a fallback's own fallbacks don't count.
    pub fallbacks: BTreeMap<ModelName, Vec<ModelName>>,
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Two providers share a name.
    #[error("the provider `{0}` is configured twice")]
    DuplicateProvider(String),
    /// A provider's name has characters that a model's name can't hold.
    #[error("the provider name `{0}` may only hold letters, digits, `-`, `_` and `.`")]
    ProviderName(String),
    /// The base URL can't be used.
    #[error("the base URL of the provider `{provider}` {problem}")]
    BaseUrl {
        /// The provider's name.
        provider: String,
        /// What is wrong, without the URL itself: it may hold a password.
        problem: &'static str,
    },
    /// A header's name or value, or the key, can't be sent.
    #[error("the header `{header}` of the provider `{provider}` can't be sent: not a valid name or value")]
    Header {
        /// The provider's name.
        provider: String,
        /// The header's name.
        header: String,
    },
    /// A fallback names a provider that is not configured.
    #[error("the fallback `{fallback}` of `{model}` belongs to no configured provider")]
    Fallback {
        /// The model it stands in for.
        model: String,
        /// The fallback.
        fallback: String,
    },
    /// A script that was put together in code doesn't make sense.
    #[error("the script `{script}` of the provider `{provider}` is not usable")]
    Script {
        /// The provider's name.
        provider: String,
        /// The script's name.
        script: String,
        /// What is wrong with it.
        #[source]
        source: ScriptError,
    },
    /// The part of the built-in table doesn't exist.
    #[error("the provider `{provider}` names the unknown catalog `{catalog}`")]
    Catalog {
        /// The provider's name.
        provider: String,
        /// The catalog it names.
        catalog: String,
    },
    /// TLS can't be set up on this machine.
    #[error("TLS can't be set up: {0}")]
    Tls(String),
}
