//! Models by role, and the providers that answer for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::run::Usd;
use crate::config::option::declare;
use crate::port::model::{ModelName, Price};

/// The roles that ask a model, as named in the configuration and in a run's record.
pub const ROLES: [&str; 6] = ["issue", "coordinator", "codegen", "review", "pr", "deployment"];

declare! {
    /// Which model each role asks, as `provider/name`. Next run.
    Models at &["models"] => {
        /// The model of every role that names none. Default: none; runs that need a model are refused until it is set.
        default: Option<ModelName> = None;
        /// The Issue agent's model: one small typed answer. Default: `models.default`.
        issue: Option<ModelName> = None;
        /// The Coordinator's model: the plan. Default: `models.default`.
        coordinator: Option<ModelName> = None;
        /// CodeGen's model: long conversations with tools. Default: `models.default`.
        codegen: Option<ModelName> = None;
        /// The reviewers' model. Another one than CodeGen's finds more. Default: `models.default`.
        review: Option<ModelName> = None;
        /// The PR agent's model: wording only. Default: `models.default`.
        pr: Option<ModelName> = None;
        /// The Deployment agent's model: the note about a release that was taken back. Default: `models.default`.
        deployment: Option<ModelName> = None;
    }
}

impl Models {
    /// The model of a role; `None` when neither the role nor `default` names one.
    pub fn of(&self, role: &str) -> Option<&ModelName> {
        let own = match role {
            "issue" => &self.issue,
            "coordinator" => &self.coordinator,
            "codegen" => &self.codegen,
            "review" => &self.review,
            "pr" => &self.pr,
            "deployment" => &self.deployment,
            _ => &None,
        };
        own.as_ref().or(self.default.as_ref())
    }

    /// Every model that is named, with the key that names it.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &ModelName)> {
        let all = [
            ("default", &self.default),
            ("issue", &self.issue),
            ("coordinator", &self.coordinator),
            ("codegen", &self.codegen),
            ("review", &self.review),
            ("pr", &self.pr),
            ("deployment", &self.deployment),
        ];
        all.into_iter().filter_map(|(key, model)| Some((key, model.as_ref()?)))
    }
}

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI's Responses.
    Responses,
    /// OpenAI's own Chat Completions.
    Chat,
    /// Chat Completions as other servers speak it: Ollama, vLLM, llama.cpp, OpenRouter.
    Compatible,
    /// Gemini.
    Gemini,
    /// Anthropic's Messages.
    Anthropic,
    /// No provider at all: plays script files.
    Scripted,
}

declare! {
    /// A provider of models. `[providers.openai]` alone is enough for one that is known by name.
    Provider at &["providers", "*"] => {
        /// How it is spoken to: `responses`, `chat`, `compatible`, `gemini`, `anthropic`, or `scripted` for one that
        /// plays script files. Default: by the provider's name where that is known, else `compatible`.
        dialect: Option<Dialect> = None;
        /// Where its paths begin, such as `http://127.0.0.1:11434/v1`; without user, query or fragment. Default: by
        /// the provider's name where that is known.
        base_url: Option<String> = None;
        /// The name of the stored secret that holds its key (`miyabi secret set <name>`). Default: none.
        key_secret: Option<String> = None;
        /// The environment variable that holds its key, if no secret does. Default: the provider's usual one.
        key_env: Option<String> = None;
        /// Requests under way at once; more wait for their turn. Default: 8.
        concurrency: u32 = 8;
        /// Seconds without a byte from the provider until a request counts as failed. A local model that must be
        /// loaded first needs minutes. Default: 180.
        idle_timeout_s: u64 = 180;
        /// Seconds for a whole request with its answer. Default: 600.
        total_timeout_s: u64 = 600;
    }
    with {
        /// What is known of its models, by their names at the provider.
        models: BTreeMap<String, KnownModel>
    }
}

declare! {
    /// What is known of a model. Well-known models need no entry.
    KnownModel at &["providers", "*", "models", "*"] => {
        /// Tokens that request and answer may have together. Too large a number makes requests fail, too small a one
        /// makes conversations be shortened early. Default: the built-in table, else 32768.
        context_tokens: Option<u64> = None;
        /// Tokens that one answer may have. Default: the built-in table, else 8192.
        max_output_tokens: Option<u32> = None;
        /// US dollars per million input tokens. Default: the built-in table, else `budget.unknown_input_usd`.
        input_usd: Option<Usd> = None;
        /// US dollars per million input tokens that the provider's cache served. Default: `input_usd`.
        cached_input_usd: Option<Usd> = None;
        /// US dollars per million output tokens. Default: the built-in table, else `budget.unknown_output_usd`.
        output_usd: Option<Usd> = None;
        /// The script file that this model plays, for providers of the dialect `scripted`. Default: none.
        script: Option<String> = None;
    }
}

impl KnownModel {
    /// The price, if input and output are both named.
    pub fn price(&self) -> Option<Price> {
        let (input, output) = (self.input_usd?.0, self.output_usd?.0);
        let cached_input = self.cached_input_usd.map_or(input, |usd| usd.0);
        Some(Price { input, cached_input, output })
    }
}
