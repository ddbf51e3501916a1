//! A provider behind HTTP: one try of a request, with what the server makes us leave out.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::Method;
use miyabi_core::port::model::{Answer, Info, Preview, Request};
use serde_json::Value;
use tokio::time::timeout;

use super::check::checked;
use crate::ambient::Ambient;
use crate::catalog;
use crate::config::{ConfigError, ProviderConfig};
use crate::dialect::shared::{list, text};
use crate::dialect::{Concessions, Dialect};
use crate::exchange::{Endpoint, accepted, exchange, json};
use crate::failure::Failure;
use crate::transport::{Tls, Transport};

/// A provider behind HTTP.
pub(crate) struct Http {
    endpoint: Endpoint,
    transport: Transport,
    total_ms: u64,
    models: BTreeMap<String, Option<Info>>,
    unlisted: Option<Info>,
    catalog: Option<String>,
    /// What each model was found to refuse. Only saves requests: a new process learns it anew.
    conceded: Mutex<BTreeMap<String, Concessions>>,
}

impl Http {
    pub(crate) fn new(config: ProviderConfig, tls: &Tls) -> Result<Self, Vec<ConfigError>> {
        let headers = checked(&config)?;
        let base_url = config.base_url.trim_end_matches('/').to_owned();
        Ok(Self {
            endpoint: Endpoint { dialect: config.dialect, base_url, key: config.key, headers },
            transport: Transport::new(tls, config.timeouts, config.limits),
            total_ms: config.timeouts.total_ms,
            models: config.models,
            unlisted: config.unlisted,
            catalog: config.catalog,
            conceded: Mutex::default(),
        })
    }

    pub(crate) fn info(&self, model: &str) -> Option<Info> {
        let listed = self.models.get(model);
        let known = || catalog::find(self.catalog.as_deref()?, model);
        let assumed = || self.unlisted.clone().or_else(|| listed.map(|_| catalog::CAUTIOUS));
        listed.cloned().flatten().or_else(known).or_else(assumed)
    }

    /// The models named in the configuration and in the built-in table.
    pub(crate) fn models(&self) -> Vec<String> {
        let known = self.catalog.as_deref().map(catalog::names).unwrap_or_default();
        let mut names: Vec<_> = self.models.keys().cloned().chain(known).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// One try, and at once another when the server refuses something that the answer can do without.
    pub(crate) async fn ask(
        &self,
        request: &Request,
        attempts: &mut u32,
        preview: &dyn Preview,
        ambient: &Ambient,
    ) -> Result<Answer, Failure> {
        let dialect = self.endpoint.dialect;
        let path = dialect.path(request.model.model());
        let known = self.conceded_by(request.model.model());
        let mut concessions = known;
        loop {
            let body = dialect.body(request, concessions);
            *attempts += 1;
            let exchanged =
                exchange(&self.transport, &self.endpoint, &path, &body, preview, ambient.clock.as_ref());
            let late = |_| Failure::unavailable(format!("time-out: {} ms for one answer", self.total_ms));
            let result = timeout(Duration::from_millis(self.total_ms), exchanged).await.map_err(late);
            let failure = match result.flatten() {
                Ok(draft) => {
                    // Remembered only now: the words of a refusal may have meant something else.
                    if concessions.lasting() != known {
                        self.concede(request.model.model(), concessions.lasting());
                    }
                    return Ok(draft.into_answer(request, dialect, *attempts));
                }
                Err(failure) => failure,
            };
            match next_concessions(dialect, request, concessions, &body, &failure) {
                Some(more) => {
                    tracing::debug!(model.name = %request.model.0, "the model refuses a parameter, leaving it out");
                    concessions = more;
                }
                None => return Err(self.endpoint.redact(failure)),
            }
        }
    }

    /// The names of the models that the provider says it has, as they stand after the slash of a full name.
    pub(crate) async fn discover(&self, ambient: &Ambient) -> Result<Vec<String>, Failure> {
        let request = self.endpoint.request(Method::GET, "/models", None)?;
        let asked = async {
            let reply = accepted(self.transport.send(request).await?, ambient.clock.as_ref()).await?;
            json(reply).await
        };
        let body = timeout(Duration::from_millis(self.total_ms), asked)
            .await
            .unwrap_or_else(|_| Err(Failure::unavailable("time-out: waited for the list of models")))
            .map_err(|failure| self.endpoint.redact(failure))?;
        let mut names: Vec<_> = model_names(&body).map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn conceded_by(&self, model: &str) -> Concessions {
        let conceded = self.conceded.lock().unwrap_or_else(PoisonError::into_inner);
        conceded.get(model).copied().unwrap_or_default()
    }

    fn concede(&self, model: &str, concessions: Concessions) {
        let mut conceded = self.conceded.lock().unwrap_or_else(PoisonError::into_inner);
        conceded.insert(model.to_owned(), concessions);
    }
}

/// What to leave out after a refusal; `None` when nothing in it helps. Ends, for each concession is made once and
/// must change the body.
fn next_concessions(
    dialect: Dialect,
    request: &Request,
    made: Concessions,
    body: &Value,
    failure: &Failure,
) -> Option<Concessions> {
    // Some local servers answer 500 to what they don't support, which is a passing fault by status; their words
    // are not kept then, and the refusal is found by the retries' end instead.
    let Failure::Rejected { message, .. } = failure else {
        return None;
    };
    made.suggested_by(message).find(|more| dialect.body(request, *more) != *body)
}

/// OpenAI, Anthropic and compatible servers list `data[].id`, Gemini `models[].name` as `models/<name>`.
fn model_names(body: &Value) -> impl Iterator<Item = &str> {
    let ids = list(body, "/data").iter().map(|model| text(model, "/id"));
    let names = list(body, "/models").iter().map(|model| text(model, "/name").trim_start_matches("models/"));
    // Some compatible servers send both lists; the first is the standard one.
    let ids: Vec<_> = ids.filter(|name| !name.is_empty()).collect();
    let names: Vec<_> = if ids.is_empty() { names.filter(|name| !name.is_empty()).collect() } else { ids };
    names.into_iter()
}
