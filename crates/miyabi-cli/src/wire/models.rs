//! Model providers out of the configuration: addresses, keys, scripts.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use miyabi_core::config::{Config, Dialect as ConfiguredDialect, KnownModel, Provider};
use miyabi_core::id::TenantId;
use miyabi_core::port::model::{Info, ModelName};
use miyabi_core::port::records::Secrets;
use miyabi_core::secret::Secret;
use miyabi_model::known::Known;
use miyabi_model::scripted::Script;
use miyabi_model::{Ambient, Dialect, ProviderConfig, Router, RouterConfig, ScriptedConfig};

use crate::terminal::Variables;

/// Where keys are looked up: stored secrets first, then variables.
pub(crate) struct Keys<'a> {
    pub(crate) secrets: &'a dyn Secrets,
    pub(crate) tenant: TenantId,
    pub(crate) variables: &'a Variables,
}

/// A router over all configured providers, and those that need no configuration because a model of theirs is named.
///
/// # Errors
/// What is wrong with a provider's configuration or script.
pub(crate) async fn router(config: &Config, keys: &Keys<'_>, script_folder: &Path) -> Result<Router> {
    let mut router = RouterConfig::default();
    for (name, provider) in providers(config) {
        if provider.dialect == Some(ConfiguredDialect::Scripted) || name == "scripted" {
            router.scripted.push(scripted(&name, &provider, script_folder)?);
        } else {
            router.providers.push(over_http(&name, &provider, keys).await?);
        }
    }
    let fallbacks = config.fallbacks.iter().map(|(model, chain)| (ModelName(model.clone()), chain.clone()));
    router.fallbacks = fallbacks.collect();
    build(router)
}

/// A router that plays one script, for the demo.
///
/// # Errors
/// What is wrong with the script.
pub(crate) fn demo_router(name: &str, script: &str) -> Result<Router> {
    let script = Script::parse(script).with_context(|| format!("the script `{name}` can't be read"))?;
    build(RouterConfig { scripted: vec![ScriptedConfig::single(name, script)], ..RouterConfig::default() })
}

fn build(router: RouterConfig) -> Result<Router> {
    Router::new(router, Ambient::system()).map_err(|problems| {
        let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!(all.join("\n"))
    })
}

/// Configured providers, and well-known ones that a model's name asks for.
fn providers(config: &Config) -> BTreeMap<String, Provider> {
    let mut all = config.providers.clone();
    let fallbacks = config.fallbacks.values().flatten();
    for model in config.models.named().map(|(_, model)| model).chain(fallbacks) {
        let name = model.provider();
        if Known::find(name).is_some() && !all.contains_key(name) {
            all.insert(name.to_owned(), Provider::default());
        }
    }
    all
}

async fn over_http(name: &str, provider: &Provider, keys: &Keys<'_>) -> Result<ProviderConfig> {
    let known = Known::find(name);
    let key = key(provider, known, keys).await?;
    let mut built = match known {
        Some(known) => known.config(key),
        None => {
            let Some(base_url) = provider.base_url.clone() else {
                bail!("provider `{name}` needs a `base_url`; it is not one that is known by name");
            };
            let mut compatible = Known::find("vllm").context("the compatible servers are known")?.config(key);
            compatible.name = name.to_owned();
            compatible.base_url = base_url;
            compatible
        }
    };
    if let Some(base_url) = provider.base_url.clone().or_else(|| base_url_of(name, keys.variables)) {
        built.base_url = base_url;
    }
    if let Some(dialect) = provider.dialect {
        built.dialect = dialect_of(dialect);
    }
    built.concurrency = usize::try_from(provider.concurrency.max(1)).unwrap_or(1);
    built.timeouts.idle_ms = provider.idle_timeout_s.saturating_mul(1_000);
    built.timeouts.total_ms = provider.total_timeout_s.saturating_mul(1_000);
    for (model, known) in &provider.models {
        built.models.insert(model.clone(), info(known));
    }
    Ok(built)
}

/// The stored secret, the named variable, or the provider's usual one.
async fn key(provider: &Provider, known: Option<&Known>, keys: &Keys<'_>) -> Result<Option<Secret>> {
    if let Some(name) = &provider.key_secret {
        let found = keys.secrets.get(keys.tenant, name).await?;
        if found.is_none() {
            bail!("the secret `{name}` is not set; set it with: miyabi secret set {name}");
        }
        return Ok(found);
    }
    let variable = provider.key_env.as_deref().or_else(|| known?.key_variable);
    let value = variable.and_then(|name| keys.variables.get(name)).filter(|value| !value.is_empty());
    Ok(value.map(|value| Secret::new(value.clone())))
}

/// The providers' own variables for their address, such as `OPENAI_BASE_URL`.
fn base_url_of(name: &str, variables: &Variables) -> Option<String> {
    let variable = format!("{}_BASE_URL", name.to_ascii_uppercase().replace('-', "_"));
    variables.get(&variable).filter(|value| !value.is_empty()).cloned()
}

fn scripted(name: &str, provider: &Provider, folder: &Path) -> Result<ScriptedConfig> {
    let mut scripts = BTreeMap::new();
    for (model, known) in &provider.models {
        let Some(file) = &known.script else {
            bail!("model `{name}/{model}` plays a script, but names no `script` file");
        };
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("could not read the script `{}`", path.display()))?;
        let script =
            Script::parse(&text).with_context(|| format!("the script `{}` is wrong", path.display()))?;
        scripts.insert(model.clone(), script);
    }
    Ok(ScriptedConfig { name: name.to_owned(), scripts, retry: miyabi_model::RetryPolicy::default() })
}

fn dialect_of(dialect: ConfiguredDialect) -> Dialect {
    match dialect {
        ConfiguredDialect::Responses => Dialect::Responses,
        ConfiguredDialect::Chat => Dialect::Chat,
        ConfiguredDialect::Gemini => Dialect::Gemini,
        ConfiguredDialect::Anthropic => Dialect::Anthropic,
        ConfiguredDialect::Compatible | ConfiguredDialect::Scripted => Dialect::Compatible,
    }
}

fn info(known: &KnownModel) -> Option<Info> {
    const CONTEXT_TOKENS: u64 = 32_768;
    const MAX_OUTPUT_TOKENS: u32 = 8_192;
    let says_something =
        known.context_tokens.is_some() || known.max_output_tokens.is_some() || known.price().is_some();
    says_something.then(|| Info {
        context_tokens: known.context_tokens.unwrap_or(CONTEXT_TOKENS),
        max_output_tokens: known.max_output_tokens.unwrap_or(MAX_OUTPUT_TOKENS),
        price: known.price(),
        scripted: false,
    })
}
