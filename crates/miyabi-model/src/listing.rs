//! The router behind core's port to what is known of all models.

use async_trait::async_trait;
use miyabi_core::port::catalog::{Catalog, Listed, Probe};
use miyabi_core::port::model::{Error, ModelName};
use tokio_util::sync::CancellationToken;

use crate::router::Router;

#[async_trait]
impl Catalog for Router {
    fn list(&self) -> Vec<Listed> {
        let listed = self.list_models().into_iter();
        let mut all: Vec<Listed> = listed
            .map(|model| Listed { name: model.name, info: model.info, fallbacks: model.fallbacks })
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    async fn test(&self, model: &ModelName, cancel: &CancellationToken) -> Result<Probe, Error> {
        let probe = Self::test(self, model, cancel).await?;
        let duration_ms = u64::try_from(probe.duration.as_millis()).unwrap_or(u64::MAX);
        Ok(Probe { duration_ms, text: probe.text, usage: probe.usage })
    }

    async fn discover(&self, provider: &str, cancel: &CancellationToken) -> Result<Vec<ModelName>, Error> {
        Self::discover(self, provider, cancel).await
    }
}
