//! Checks of a provider's configuration, all problems at once.

use std::net::IpAddr;

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use miyabi_core::secret::Secret;

use crate::catalog;
use crate::config::{ConfigError, ProviderConfig};

/// Whether a name can stand before the slash of a model's name.
pub(crate) fn name_is_usable(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(allowed)
}

/// The headers of a configuration, or all that is wrong with it.
pub(crate) fn checked(config: &ProviderConfig) -> Result<Vec<(HeaderName, Secret)>, Vec<ConfigError>> {
    let mut problems = Vec::new();
    let provider = || config.name.clone();
    if !name_is_usable(&config.name) {
        problems.push(ConfigError::ProviderName(provider()));
    }
    if let Err(problem) = check_url(&config.base_url, config.key.is_some()) {
        problems.push(ConfigError::BaseUrl { provider: provider(), problem });
    }
    if let Some(catalog) = &config.catalog
        && !catalog::has(catalog)
    {
        problems.push(ConfigError::Catalog { provider: provider(), catalog: catalog.clone() });
    }
    if config.key.as_ref().is_some_and(|key| HeaderValue::try_from(key.expose()).is_err()) {
        let header = config.dialect.key_header().0.to_owned();
        problems.push(ConfigError::Header { provider: provider(), header });
    }
    let mut headers = Vec::new();
    for (name, value) in &config.headers {
        match (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.expose())) {
            (Ok(name), Ok(_)) => headers.push((name, value.clone())),
            _ => problems.push(ConfigError::Header { provider: provider(), header: name.clone() }),
        }
    }
    if problems.is_empty() { Ok(headers) } else { Err(problems) }
}

fn check_url(url: &str, has_key: bool) -> Result<(), &'static str> {
    let uri: Uri = url.parse().map_err(|_| "is no URL")?;
    let authority = uri.authority().ok_or("has no host")?;
    if authority.as_str().contains('@') {
        return Err("holds a user or password: set a key or a header instead");
    }
    if uri.query().is_some() || url.contains('#') {
        return Err("has a query or fragment");
    }
    match uri.scheme_str() {
        Some("http") if has_key && !is_near(authority.host()) => {
            Err("would send the key in clear text: use https")
        }
        Some("http" | "https") => Ok(()),
        _ => Err("begins with neither `https://` nor `http://`"),
    }
}

/// Whether a host is this machine or in a private network, as far as its name tells. No look-up: a name that is
/// not plainly local needs TLS.
fn is_near(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => {
            let local = [".local", ".internal", ".lan", ".localhost", ".svc", ".home.arpa"];
            !host.contains('.') || local.iter().any(|suffix| host.ends_with(suffix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_checked() {
        for url in [
            "https://api.openai.com/v1",
            "http://127.0.0.1:11434/v1",
            "http://[::1]:8080",
            "http://vllm:8000",
        ] {
            assert_eq!(check_url(url, true), Ok(()), "{url}");
        }
        for url in [
            "http://api.example.com/v1",
            "https://user:password@example.com",
            "https://example.com/v1?key=1",
            "https://example.com/#a",
            "ftp://example.com",
            "/v1",
            "",
            "https://exa mple.com",
        ] {
            assert!(check_url(url, true).is_err(), "{url}");
        }
        assert_eq!(check_url("http://api.example.com/v1", false), Ok(()), "nothing secret is sent");
    }

    #[test]
    fn provider_names_fit_into_model_names() {
        assert!(name_is_usable("my-vllm_2.0"));
        for name in ["", "a/b", "a b", "ä"] {
            assert!(!name_is_usable(name), "{name}");
        }
    }
}
