//! The providers that a user can name without knowing their address: data for set-up and configuration. Nothing
//! here is looked up in the environment or on the network.

use std::collections::BTreeMap;

use miyabi_core::money::UsdMicros;
use miyabi_core::port::model::{Info, Price};
use miyabi_core::secret::Secret;

use crate::catalog::CAUTIOUS;
use crate::config::{Limits, ProviderConfig, Timeouts};
use crate::dialect::Dialect;
use crate::retry::RetryPolicy;

/// A provider known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The name, as in a model's full name.
    pub name: &'static str,
    /// How people call it.
    pub title: &'static str,
    /// The dialect it speaks.
    pub dialect: Dialect,
    /// Where its paths begin.
    pub base_url: &'static str,
    /// The environment variable that usually holds the key; `None` when it needs no key.
    pub key_variable: Option<&'static str>,
    /// The part of the built-in table for its models.
    pub catalog: Option<&'static str>,
    /// It runs on the user's machine: answers cost nothing and are slow to begin.
    pub local: bool,
}

/// All known providers, the hosted ones first.
///
/// Addresses as the providers' API references give them; of the local ones the defaults of `ollama serve`,
/// `vllm serve` and `llama-server`.
pub const KNOWN: &[Known] = &[
    Known {
        name: "openai",
        title: "OpenAI",
        dialect: Dialect::Responses,
        base_url: "https://api.openai.com/v1",
        key_variable: Some("OPENAI_API_KEY"),
        catalog: Some("openai"),
        local: false,
    },
    Known {
        name: "anthropic",
        title: "Anthropic",
        dialect: Dialect::Anthropic,
        base_url: "https://api.anthropic.com/v1",
        key_variable: Some("ANTHROPIC_API_KEY"),
        catalog: Some("anthropic"),
        local: false,
    },
    Known {
        name: "gemini",
        title: "Google Gemini",
        dialect: Dialect::Gemini,
        base_url: "https://generativelanguage.googleapis.com/v1beta",
        key_variable: Some("GEMINI_API_KEY"),
        catalog: Some("gemini"),
        local: false,
    },
    Known {
        name: "openrouter",
        title: "OpenRouter",
        dialect: Dialect::Compatible,
        base_url: "https://openrouter.ai/api/v1",
        key_variable: Some("OPENROUTER_API_KEY"),
        catalog: None,
        local: false,
    },
    Known {
        name: "ollama",
        title: "Ollama",
        dialect: Dialect::Compatible,
        base_url: "http://127.0.0.1:11434/v1",
        key_variable: None,
        catalog: None,
        local: true,
    },
    Known {
        name: "vllm",
        title: "vLLM",
        dialect: Dialect::Compatible,
        base_url: "http://127.0.0.1:8000/v1",
        key_variable: None,
        catalog: None,
        local: true,
    },
    Known {
        name: "llamacpp",
        title: "llama.cpp",
        dialect: Dialect::Compatible,
        base_url: "http://127.0.0.1:8080/v1",
        key_variable: None,
        catalog: None,
        local: true,
    },
];

/// How long a local server may be silent, in milliseconds: it loads a model of many gigabytes first.
const LOCAL_IDLE_MS: u64 = 600_000;

impl Known {
    /// The provider of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        KNOWN.iter().find(|known| known.name == name)
    }

    /// A configuration with all defaults. Unlisted models are accepted with a cautious context size, and without a
    /// price unless the provider is local.
    pub fn config(&self, key: Option<Secret>) -> ProviderConfig {
        let free = Price { input: UsdMicros::ZERO, cached_input: UsdMicros::ZERO, output: UsdMicros::ZERO };
        let timeouts = if self.local {
            Timeouts { idle_ms: LOCAL_IDLE_MS, total_ms: 2 * LOCAL_IDLE_MS, ..Timeouts::default() }
        } else {
            Timeouts::default()
        };
        ProviderConfig {
            name: self.name.to_owned(),
            dialect: self.dialect,
            base_url: self.base_url.to_owned(),
            key,
            models: BTreeMap::new(),
            unlisted: Some(Info { price: self.local.then_some(free), ..CAUTIOUS }),
            catalog: self.catalog.map(str::to_owned),
            headers: BTreeMap::new(),
            timeouts,
            limits: Limits::default(),
            retry: RetryPolicy { total_ms: 2 * timeouts.total_ms, ..RetryPolicy::default() },
            // A local server answers one after the other anyway; a hosted one takes as many as a run has tasks.
            concurrency: if self.local { 1 } else { 8 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::check::checked;

    #[test]
    fn known_providers_have_usable_defaults() {
        for known in KNOWN {
            let key = known.key_variable.map(|_| Secret::new("test".to_owned()));
            assert!(checked(&known.config(key)).is_ok(), "{}", known.name);
            assert_eq!(Known::find(known.name), Some(known));
            assert_eq!(known.local, known.key_variable.is_none());
        }
    }
}
