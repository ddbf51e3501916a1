//! The wire dialects: how a request becomes a JSON body, and how a provider's events become an answer. Pure; what
//! travels how is the transport's business.
//!
//! Each dialect has a module of its own with `request` and `stream`. All of them read only the fields they use and
//! ignore what they don't know, because compatible servers leave out and add at will.

pub(crate) mod anthropic;
pub(crate) mod chat;
pub(crate) mod concession;
pub(crate) mod draft;
pub(crate) mod gemini;
pub(crate) mod json_text;
pub(crate) mod responses;
pub(crate) mod shared;

use miyabi_core::port::model::{Preview, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use concession::{Concession, Concessions};

use crate::failure::Failure;
use draft::Draft;

/// A wire dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// OpenAI's Responses: `POST /responses`.
    Responses,
    /// OpenAI's own Chat Completions: `POST /chat/completions`.
    Chat,
    /// Chat Completions as other servers speak it: Ollama, vLLM, llama.cpp, OpenRouter and more. Sends less, and
    /// the older name of the token limit.
    Compatible,
    /// Gemini's `POST /models/…:streamGenerateContent`.
    Gemini,
    /// Anthropic's Messages: `POST /messages`.
    Anthropic,
}

impl Dialect {
    /// The mark on [`ProviderState`](miyabi_core::port::model::ProviderState) that this dialect understands.
    pub const fn state_mark(self) -> &'static str {
        match self {
            Self::Responses => "responses",
            Self::Chat | Self::Compatible => "chat",
            Self::Gemini => "gemini",
            Self::Anthropic => "anthropic",
        }
    }

    /// The JSON body of a request.
    ///
    /// Bodies of the turns of one session share their beginning: every element of the conversation is written the
    /// same way in each of them, so that the provider's prompt cache serves it.
    pub fn body(self, request: &Request, concessions: Concessions) -> Value {
        match self {
            Self::Responses => responses::request::body(request, concessions),
            Self::Chat => chat::request::body(request, concessions, chat::request::Server::OpenAi),
            Self::Compatible => chat::request::body(request, concessions, chat::request::Server::Other),
            Self::Gemini => gemini::request::body(request, concessions),
            Self::Anthropic => anthropic::request::body(request, concessions),
        }
    }

    /// The path of a request below the base URL, with its query.
    pub(crate) fn path(self, model: &str) -> String {
        match self {
            Self::Responses => "/responses".to_owned(),
            Self::Chat | Self::Compatible => "/chat/completions".to_owned(),
            Self::Gemini => {
                // Google's own lists call them `models/…`.
                let name = shared::escape_path(model.strip_prefix("models/").unwrap_or(model));
                format!("/models/{name}:streamGenerateContent?alt=sse")
            }
            Self::Anthropic => "/messages".to_owned(),
        }
    }

    /// The header that carries the key, and what stands before the key in it. Never the URL: URLs are logged.
    pub(crate) const fn key_header(self) -> (&'static str, &'static str) {
        match self {
            Self::Responses | Self::Chat | Self::Compatible => ("authorization", "Bearer "),
            Self::Gemini => ("x-goog-api-key", ""),
            Self::Anthropic => ("x-api-key", ""),
        }
    }

    /// Headers that each request of the dialect has.
    pub(crate) const fn fixed_headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // The only version in use: https://platform.claude.com/docs/en/api/versioning
            Self::Anthropic => &[("anthropic-version", "2023-06-01")],
            _ => &[],
        }
    }

    /// A reader for the stream that answers a request.
    pub(crate) fn reader(self) -> Box<dyn Reader> {
        match self {
            Self::Responses => Box::new(responses::stream::Stream::default()),
            Self::Chat | Self::Compatible => Box::new(chat::stream::Stream::default()),
            Self::Gemini => Box::new(gemini::stream::Stream::default()),
            Self::Anthropic => Box::new(anthropic::stream::Stream::default()),
        }
    }
}

/// Collects one answer from the events of a stream.
pub(crate) trait Reader: Send {
    /// Takes one event: the name of the SSE event, often empty, and its data. Errors that the provider reports in
    /// an object `error` have been found before and don't come here.
    fn event(&mut self, name: &str, data: &Value, preview: &dyn Preview) -> Result<(), Failure>;

    /// Takes a whole answer in the form that a request without streaming gets; some servers and proxies send it
    /// although they were asked to stream.
    fn whole(&mut self, body: &Value, preview: &dyn Preview) -> Result<(), Failure>;

    /// The sentinel `[DONE]` came.
    fn sentinel(&mut self) {}

    /// Whether the answer is whole, or what may still come.
    fn progress(&self) -> Progress;

    /// What was collected. Called only when `progress` allows it.
    fn finish(self: Box<Self>) -> Draft;
}

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Something is missing: if the stream ends now, it is broken.
    Open,
    /// The reason of the end has come; more may follow, such as the usage, but needn't.
    MayEnd,
    /// Nothing more will come that matters.
    Ended,
}
