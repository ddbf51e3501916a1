//! One configured provider: its requests with their retries, the concessions it needs and its limit of requests at
//! once. Fallbacks to other providers are the router's.

pub(crate) mod check;
pub(crate) mod http;

use std::time::Duration;

use miyabi_core::port::model::{Answer, Info, Preview, Request};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use crate::ambient::Ambient;
use crate::config::{ConfigError, ProviderConfig, ScriptedConfig};
use crate::failure::Failure;
use crate::retry::RetryPolicy;
use crate::scripted::Scripts;
use crate::transport::Tls;
use http::Http;

/// Answers that a scripted provider gives at once, at most.
const SCRIPTED_CONCURRENCY: usize = 64;

/// A provider that can be asked.
pub(crate) struct Provider {
    pub(crate) backend: Backend,
    retry: RetryPolicy,
    permits: Semaphore,
}

/// What stands behind a provider.
pub(crate) enum Backend {
    Http(Box<Http>),
    Scripted(Scripts),
}

/// What came of asking: the requests sent, and the answer or the last failure.
pub(crate) struct Outcome {
    pub(crate) attempts: u32,
    pub(crate) result: Result<Answer, Failure>,
}

impl Provider {
    pub(crate) fn over_http(config: ProviderConfig, tls: &Tls) -> Result<Self, Vec<ConfigError>> {
        let (retry, permits) = (config.retry, Semaphore::new(config.concurrency.max(1)));
        let backend = Backend::Http(Box::new(Http::new(config, tls)?));
        Ok(Self { backend, retry, permits })
    }

    pub(crate) fn scripted(config: ScriptedConfig) -> Self {
        let backend = Backend::Scripted(Scripts::new(config.scripts));
        Self { backend, retry: config.retry, permits: Semaphore::new(SCRIPTED_CONCURRENCY) }
    }

    /// What is known of a model of this provider, by its name here.
    pub(crate) fn info(&self, model: &str) -> Option<Info> {
        match &self.backend {
            Backend::Http(http) => http.info(model),
            Backend::Scripted(scripts) => scripts.info(model),
        }
    }

    /// Asks until there is an answer, or the policy ends it.
    pub(crate) async fn ask(&self, request: &Request, preview: &dyn Preview, ambient: &Ambient) -> Outcome {
        self.ask_with(self.retry, request, preview, ambient).await
    }

    /// As [`Provider::ask`], with another policy.
    pub(crate) async fn ask_with(
        &self,
        retry: RetryPolicy,
        request: &Request,
        preview: &dyn Preview,
        ambient: &Ambient,
    ) -> Outcome {
        // Requests sent. A request that is only repeated without what the server refused counts here, but not as
        // a retry.
        let mut attempts = 0;
        let mut tries = 0;
        // Time for requests and between them. Waiting for a permit is not in it: that is others' time, which is
        // bounded by their policies.
        let mut spent_ms = 0;
        loop {
            tries += 1;
            let Ok(permit) = self.permits.acquire().await else {
                return Outcome { attempts, result: Err(Failure::Cancelled) };
            };
            let begun = Instant::now();
            let left = Duration::from_millis(retry.total_ms.saturating_sub(spent_ms));
            let turn = self.attempt(request, tries, &mut attempts, preview, ambient);
            let late = || Failure::unavailable(format!("time-out: {} ms for all retries", retry.total_ms));
            let result = timeout(left, turn).await.unwrap_or_else(|_| Err(late()));
            spent_ms += u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            drop(permit);
            let failure = match result {
                Ok(answer) => return Outcome { attempts, result: Ok(answer) },
                Err(failure) => failure,
            };
            let Some(wait_ms) = retry.wait_ms(tries, spent_ms, &failure, ambient.chance.as_ref()) else {
                return Outcome { attempts, result: Err(failure) };
            };
            tracing::warn!(
                model.name = %request.model.0, attempt = tries, wait_ms, reason = %failure,
                "the model provider failed, asking again"
            );
            sleep(Duration::from_millis(wait_ms)).await;
            spent_ms += wait_ms;
        }
    }

    /// One try.
    async fn attempt(
        &self,
        request: &Request,
        tries: u32,
        attempts: &mut u32,
        preview: &dyn Preview,
        ambient: &Ambient,
    ) -> Result<Answer, Failure> {
        match &self.backend {
            Backend::Http(http) => http.ask(request, attempts, preview, ambient).await,
            Backend::Scripted(scripts) => {
                *attempts += 1;
                let answer = scripts.answer(request, tries, preview).await?;
                Ok(Answer { attempts: *attempts, ..answer })
            }
        }
    }
}
