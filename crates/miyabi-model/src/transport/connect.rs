//! How connections are made: TCP and TLS within one time-out, their tasks on a tracker.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Connecting took too long.
#[derive(Debug, thiserror::Error)]
#[error("time-out: waited {limit_ms} ms for the connection")]
pub(super) struct ConnectTimeout {
    limit_ms: u64,
}

/// Connects over TCP, and TLS where the URL wants it, within one time-out. Hyper's own time-out leaves out TLS.
#[derive(Clone)]
pub(super) struct Connector {
    inner: HttpsConnector<HttpConnector>,
    limit_ms: u64,
}

impl Connector {
    pub(super) fn new(tls: rustls::ClientConfig, limit_ms: u64) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let inner = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Self { inner, limit_ms }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let limit_ms = self.limit_ms;
        let connected = self.inner.call(uri);
        Box::pin(async move {
            let limit = Duration::from_millis(limit_ms);
            tokio::time::timeout(limit, connected).await.map_err(|_| ConnectTimeout { limit_ms })?
        })
    }
}

/// Runs the tasks of connections on a tracker instead of letting them loose. They end with their connection, which
/// the client closes when it is dropped.
#[derive(Clone)]
pub(super) struct Tracked(pub(super) TaskTracker);

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        drop(self.0.spawn(task));
    }
}
