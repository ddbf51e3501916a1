//! Clients of model providers behind the `Model` port: OpenAI, compatible servers, Gemini, Anthropic, and scripts.
//!
//! | Module | Holds |
//! |---|---|
//! | `router` | the port: finds the provider, asks fallbacks |
//! | `config`, `known`, `catalog` | what a provider is built from, defaults by name, the table of models |
//! | `provider` | one provider: retries, concessions, requests at once |
//! | `exchange`, `transport` | one request over HTTP, the HTTP client |
//! | `dialect` | four wire dialects, pure |
//! | `sse` | the parser of event streams, pure |
//! | `failure`, `retry`, `ambient` | what went wrong, when to try again, clock and chance |
//! | `scripted` | the provider that plays scripts |
//!
//! Deliberately absent: prompts, the agent loop, budgets, the environment, files.

pub mod ambient;
pub mod catalog;
pub mod config;
pub mod dialect;
mod exchange;
pub mod failure;
pub mod known;
mod listing;
mod provider;
pub mod retry;
pub mod router;
pub mod scripted;
pub mod sse;
mod transport;

pub use ambient::Ambient;
pub use config::{ConfigError, Limits, ProviderConfig, RouterConfig, ScriptedConfig, Timeouts};
pub use dialect::Dialect;
pub use known::{KNOWN, Known};
pub use retry::RetryPolicy;
pub use router::{Listed, Probe, Router};
pub use scripted::{Script, ScriptError};
