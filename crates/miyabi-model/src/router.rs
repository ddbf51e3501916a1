//! The model port over all configured providers: finds the provider of a model, asks it, and asks the fallbacks
//! when it is away.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use miyabi_core::port::model::{
    Answer, Error, Info, Message, Model, ModelName, NoPreview, OutputFormat, Preview, Request, ToolChoice,
    Usage,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ambient::Ambient;
use crate::config::{ConfigError, ProviderConfig, RouterConfig};
use crate::failure::Failure;
use crate::provider::check::name_is_usable;
use crate::provider::{Backend, Outcome, Provider};
use crate::retry::RetryPolicy;
use crate::transport::Tls;

/// All configured models behind one port.
pub struct Router {
    providers: BTreeMap<String, Provider>,
    fallbacks: BTreeMap<ModelName, Vec<ModelName>>,
    ambient: Ambient,
}

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
    /// From the request to the whole answer.
    pub duration: Duration,
    /// What the model said; may be empty when it spent its tokens on reasoning.
    pub text: String,
    /// What it cost in tokens.
    pub usage: Usage,
}

/// Enough for a word after some reasoning.
const PROBE_TOKENS: u32 = 256;

impl Router {
    /// A router over all providers of a configuration.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration, at once.
    pub fn new(config: RouterConfig, ambient: Ambient) -> Result<Self, Vec<ConfigError>> {
        let mut problems = Vec::new();
        let mut providers = BTreeMap::new();
        let mut add = |name: String, provider: Provider, problems: &mut Vec<ConfigError>| {
            if providers.insert(name.clone(), provider).is_some() {
                problems.push(ConfigError::DuplicateProvider(name));
            }
        };
        let is_https = |provider: &ProviderConfig| provider.base_url.starts_with("https:");
        let tls =
            if config.providers.iter().any(is_https) { Tls::from_system() } else { Tls::without_roots() };
        let tls = tls.map_err(|error| vec![error])?;
        for provider in config.providers {
            let name = provider.name.clone();
            match Provider::over_http(provider, &tls) {
                Ok(provider) => add(name, provider, &mut problems),
                Err(found) => problems.extend(found),
            }
        }
        for scripted in config.scripted {
            let name = scripted.name.clone();
            problems.extend(scripted.scripts.iter().filter_map(|(script, content)| {
                let source = content.check().err()?;
                Some(ConfigError::Script { provider: name.clone(), script: script.clone(), source })
            }));
            if name_is_usable(&name) {
                add(name, Provider::scripted(scripted), &mut problems);
            } else {
                problems.push(ConfigError::ProviderName(name));
            }
        }
        for (model, others) in &config.fallbacks {
            let unknown = others.iter().filter(|other| !providers.contains_key(other.provider()));
            problems.extend(
                unknown
                    .map(|other| ConfigError::Fallback { model: model.0.clone(), fallback: other.0.clone() }),
            );
        }
        if problems.is_empty() {
            Ok(Self { providers, fallbacks: config.fallbacks, ambient })
        } else {
            Err(problems)
        }
    }

    /// The models that the configuration, the scripts and the built-in table name, by full name. Others may be
    /// accepted too: see [`ProviderConfig::unlisted`].
    pub fn list_models(&self) -> Vec<Listed> {
        let mut listed = Vec::new();
        for (provider_name, provider) in &self.providers {
            let names = match &provider.backend {
                Backend::Http(http) => http.models(),
                Backend::Scripted(scripts) => scripts.names(),
            };
            listed.extend(names.into_iter().map(|model| {
                let name = ModelName(format!("{provider_name}/{model}"));
                let fallbacks = self.fallbacks.get(&name).cloned().unwrap_or_default();
                Listed { info: provider.info(&model), name, fallbacks }
            }));
        }
        listed
    }

    /// Asks a provider over the network which models it has; full names, sorted. One request, no retry.
    ///
    /// # Errors
    /// The provider is not configured, or why it did not answer.
    pub async fn discover(
        &self,
        provider: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<ModelName>, Error> {
        let found = self.providers.get(provider).ok_or_else(|| Error::Unknown(provider.to_owned()))?;
        let full = |model: &str| ModelName(format!("{provider}/{model}"));
        let names = match &found.backend {
            Backend::Scripted(scripts) => Ok(scripts.names()),
            Backend::Http(http) => tokio::select! {
                biased;
                () = cancel.cancelled() => Err(Failure::Cancelled),
                names = http.discover(&self.ambient) => names,
            },
        };
        let names = names.map_err(|failure| failure.into_error(&full("")))?;
        Ok(names.iter().map(|name| full(name)).collect())
    }

    /// One tiny call to a model, without retries and fallbacks: is the key good, does it answer, how fast?
    ///
    /// # Errors
    /// Why it did not answer.
    pub async fn test(&self, model: &ModelName, cancel: &CancellationToken) -> Result<Probe, Error> {
        let provider = self.provider(model)?;
        if let Backend::Scripted(_) = provider.backend {
            // There is nothing to reach, and a script's rules are not made for this question.
            let text = "scripted".to_owned();
            return Ok(Probe { duration: Duration::ZERO, text, usage: Usage::default() });
        }
        let request = Request {
            model: model.clone(),
            system: String::new(),
            messages: vec![Message::User { text: "Reply with the word: ok".to_owned() }],
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            output: OutputFormat::Text,
            max_output_tokens: PROBE_TOKENS,
            effort: None,
            cache_key: "probe/probe".to_owned(),
        };
        let begun = Instant::now();
        let asked = provider.ask_with(RetryPolicy::none(), &request, &NoPreview, &self.ambient);
        let answer = or_cancelled(cancel, asked).await.result.map_err(|failure| failure.into_error(model))?;
        Ok(Probe { duration: begun.elapsed(), text: answer.text, usage: answer.usage })
    }

    fn provider(&self, model: &ModelName) -> Result<&Provider, Error> {
        let provider = self.providers.get(model.provider());
        let known = provider.filter(|provider| provider.info(model.model()).is_some());
        known.ok_or_else(|| Error::Unknown(model.0.clone()))
    }
}

#[async_trait]
impl Model for Router {
    fn info(&self, model: &ModelName) -> Option<Info> {
        self.providers.get(model.provider())?.info(model.model())
    }

    async fn ask(
        &self,
        request: &Request,
        preview: &dyn Preview,
        cancel: &CancellationToken,
    ) -> Result<Answer, Error> {
        let provider = self.provider(&request.model)?;
        let Outcome { mut attempts, result } =
            or_cancelled(cancel, provider.ask(request, preview, &self.ambient)).await;
        let failure = match result {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        if failure.allows_fallback() {
            for model in self.fallbacks.get(&request.model).into_iter().flatten() {
                let Ok(provider) = self.provider(model) else {
                    continue;
                };
                tracing::warn!(
                    model.name = %request.model.0, fallback = %model.0, reason = %failure,
                    "the model provider is away, asking a fallback"
                );
                let request = self.redirected(request, model);
                let outcome = or_cancelled(cancel, provider.ask(&request, preview, &self.ambient)).await;
                attempts += outcome.attempts;
                match outcome.result {
                    Ok(answer) => return Ok(Answer { attempts, ..answer }),
                    Err(Failure::Cancelled) => return Err(Error::Cancelled),
                    // The failure of the model that was asked for says more than that of a stand-in.
                    Err(_) => {}
                }
            }
        }
        Err(failure.into_error(&request.model))
    }
}

impl Router {
    /// The same request to another model, within that model's limit of output.
    fn redirected(&self, request: &Request, model: &ModelName) -> Request {
        let limit = self.info(model).map_or(u32::MAX, |info| info.max_output_tokens);
        Request {
            model: model.clone(),
            max_output_tokens: request.max_output_tokens.min(limit),
            ..request.clone()
        }
    }
}

/// Ends the wait when the caller gives up. Dropping the future closes the connection.
async fn or_cancelled(cancel: &CancellationToken, asked: impl Future<Output = Outcome>) -> Outcome {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Outcome { attempts: 0, result: Err(Failure::Cancelled) },
        outcome = asked => outcome,
    }
}
