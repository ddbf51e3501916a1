//! The port to what is known of all configured models, for people who choose or test one.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::model::{Error, Info, ModelName, Usage};

/// A model that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its full name.
    pub name: ModelName,
    /// What is known of it.
    pub info: Option<Info>,
    /// Who is asked when it is away, in order.
    pub fallbacks: Vec<ModelName>,
}

/// What a test call brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// From the request to the whole answer, in milliseconds.
    pub duration_ms: u64,
    /// What the model said; may be empty when it spent its tokens on reasoning.
    pub text: String,
    /// What it cost in tokens.
    pub usage: Usage,
}

/// All configured models.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// The models that are named by the configuration or known by name, sorted.
    fn list(&self) -> Vec<Listed>;

    /// One tiny call, without retries and fallbacks: is the key good, does it answer, how fast?
    ///
    /// # Errors
    /// Why it did not answer.
    async fn test(&self, model: &ModelName, cancel: &CancellationToken) -> Result<Probe, Error>;

    /// Asks a provider over the network which models it has; full names, sorted.
    ///
    /// # Errors
    /// The provider is not configured, or why it did not answer.
    async fn discover(&self, provider: &str, cancel: &CancellationToken) -> Result<Vec<ModelName>, Error>;
}
