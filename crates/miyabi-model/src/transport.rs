//! The one HTTP client of this crate: TLS, connections, time-outs and size limits. Knows nothing of models.
//!
//! Hyper's client on rustls with the `ring` provider: reqwest 0.13 brings three times the crates and prefers
//! aws-lc. HTTP/1.1 only, because every answer has its connection for itself anyway. Redirects are not followed
//! and no proxy is taken from the environment. Certificates come from the system's store (rustls-native-certs,
//! which honours `SSL_CERT_FILE` and `SSL_CERT_DIR`, so that a company's own authority works).

mod connect;

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, RETRY_AFTER};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioTimer;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::ambient::Clock;
use crate::config::{ConfigError, Limits, Timeouts};
use crate::failure::Failure;
use crate::retry::retry_after_ms;
use connect::{Connector, Tracked};

/// Idle connections kept per provider, and for how long. Few and short: answers take much longer than a handshake.
const IDLE_CONNECTIONS: usize = 4;
const IDLE_CONNECTION_TIME: Duration = Duration::from_secs(30);

/// The TLS settings, shared by all clients.
#[derive(Clone)]
pub(crate) struct Tls(Arc<rustls::ClientConfig>);

impl Tls {
    /// With the system's certificates. A machine without any can still reach providers over plain HTTP.
    pub(crate) fn from_system() -> Result<Self, ConfigError> {
        let mut roots = rustls::RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            tracing::warn!("no certificate authorities found on this machine: https can't be used");
        }
        Self::with_roots(roots)
    }

    /// Without any certificates, for providers over plain HTTP: reading them takes a while.
    pub(crate) fn without_roots() -> Result<Self, ConfigError> {
        Self::with_roots(rustls::RootCertStore::empty())
    }

    fn with_roots(roots: rustls::RootCertStore) -> Result<Self, ConfigError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ConfigError::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }
}

/// A client for one provider. Dropping it closes its idle connections.
pub(crate) struct Transport {
    client: Client<Connector, Full<Bytes>>,
    timeouts: Timeouts,
    limits: Limits,
}

impl Transport {
    pub(crate) fn new(tls: &Tls, timeouts: Timeouts, limits: Limits) -> Self {
        let connector = Connector::new(tls.0.as_ref().clone(), timeouts.connect_ms);
        let client = Client::builder(Tracked(TaskTracker::new()))
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_CONNECTION_TIME)
            .build(connector);
        Self { client, timeouts, limits }
    }

    /// The most bytes of one stream event.
    pub(crate) const fn event_bytes(&self) -> usize {
        self.limits.event_bytes
    }

    /// Sends a request and gives its reply once the headers are there.
    pub(crate) async fn send(&self, request: hyper::Request<Full<Bytes>>) -> Result<Reply, Failure> {
        // Connecting has its own time-out within this one.
        let wait = self.timeouts.idle_ms.saturating_add(self.timeouts.connect_ms);
        let response = within(wait, "the first byte", self.client.request(request))
            .await?
            .map_err(|error| Failure::unavailable(describe(&error)))?;
        let (parts, body) = response.into_parts();
        Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            idle_ms: self.timeouts.idle_ms,
            bytes_left: self.limits.response_bytes,
        })
    }
}

/// A reply whose body is still coming.
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: HeaderMap,
    body: Incoming,
    idle_ms: u64,
    bytes_left: usize,
}

impl Reply {
    /// When the server wants the next request, in milliseconds from now.
    pub(crate) fn retry_after_ms(&self, clock: &dyn Clock) -> Option<u64> {
        let header = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        retry_after_ms(header("retry-after-ms"), header(RETRY_AFTER.as_str()), clock)
    }

    /// The next bytes; `None` at the body's end in good order.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = within(self.idle_ms, "the next byte", self.body.frame()).await?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| Failure::broken_stream(&describe(&error)))?;
            let Ok(bytes) = frame.into_data() else { continue };
            self.bytes_left = self.bytes_left.checked_sub(bytes.len()).ok_or_else(|| {
                Failure::broken_stream("the response is longer than `limits.response_bytes`")
            })?;
            return Ok(Some(bytes));
        }
    }

    /// The beginning of the body, at most `limit` bytes, as far as it comes.
    pub(crate) async fn head(mut self, limit: usize) -> Vec<u8> {
        let mut head = Vec::new();
        while head.len() < limit
            && let Ok(Some(bytes)) = self.chunk().await
        {
            head.extend_from_slice(&bytes[..bytes.len().min(limit - head.len())]);
        }
        head
    }
}

async fn within<T>(limit_ms: u64, what: &str, wait: impl Future<Output = T>) -> Result<T, Failure> {
    let late = |_| Failure::unavailable(format!("time-out: waited {limit_ms} ms for {what}"));
    timeout(Duration::from_millis(limit_ms), wait).await.map_err(late)
}

/// What went wrong with a connection, in a few words. Only kinds and TLS reasons: addresses and headers stay out.
fn describe(error: &(dyn StdError + 'static)) -> String {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<connect::ConnectTimeout>() {
            return error.to_string();
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return format!("TLS: {error}");
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let kind = || format!("connection: {}", error.kind());
            return tls_within(error).map_or_else(kind, |error| format!("TLS: {error}"));
        }
        next = error.source();
    }
    "connection: closed by the other side".to_owned()
}

/// The TLS error that an I/O error was made of, maybe through others. Its own `source` skips that one.
fn tls_within(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref::<rustls::Error>().or_else(|| tls_within(inner.downcast_ref::<io::Error>()?))
}
