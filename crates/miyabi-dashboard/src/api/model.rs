//! Models.

use miyabi_core::port::catalog::Probe;
use miyabi_core::port::model::{ModelName, Price};
use miyabi_core::usecase::model::ModelUse;
use serde::{Deserialize, Serialize};

use super::Money;

/// A model that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its full name, `provider/name`.
    pub name: ModelName,
    /// Tokens that request and answer may have together; `null` when nothing is known of it.
    pub context_tokens: Option<u64>,
    /// Tokens that one answer may have.
    pub max_output_tokens: Option<u32>,
    /// Its price; `null` when nobody knows it, so that the configured ceiling applies.
    pub price: Option<ModelPrice>,
    /// Whether it plays a script.
    pub is_scripted: bool,
    /// Roles that ask it by configuration.
    pub roles: Vec<String>,
    /// Who is asked when it is away, in order.
    pub fallbacks: Vec<ModelName>,
}

/// Prices per million tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPrice {
    /// Input tokens.
    pub input: Money,
    /// Input tokens that the provider's cache served.
    pub cached_input: Money,
    /// Output tokens.
    pub output: Money,
}

impl From<Price> for ModelPrice {
    fn from(price: Price) -> Self {
        Self {
            input: price.input.into(),
            cached_input: price.cached_input.into(),
            output: price.output.into(),
        }
    }
}

impl From<ModelUse> for Model {
    fn from(used: ModelUse) -> Self {
        let info = used.listed.info;
        Self {
            name: used.listed.name,
            context_tokens: info.as_ref().map(|info| info.context_tokens),
            max_output_tokens: info.as_ref().map(|info| info.max_output_tokens),
            price: info.as_ref().and_then(|info| info.price).map(ModelPrice::from),
            is_scripted: info.is_some_and(|info| info.scripted),
            roles: used.roles,
            fallbacks: used.listed.fallbacks,
        }
    }
}

/// Asks a model for one word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestModel {
    /// The model's full name.
    pub model: ModelName,
}

/// What a test call brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelProbe {
    /// The model.
    pub model: ModelName,
    /// From the request to the whole answer, in milliseconds.
    pub duration_ms: u64,
    /// What it said.
    pub text: String,
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
}

impl ModelProbe {
    pub(crate) fn new(model: ModelName, probe: Probe) -> Self {
        Self {
            model,
            duration_ms: probe.duration_ms,
            text: probe.text,
            input_tokens: probe.usage.input_tokens,
            output_tokens: probe.usage.output_tokens,
        }
    }
}
