//! How requests reach the API: by a call within this process, or over the Unix socket.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use axum::{Extension, Router};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use super::unreachable;
use crate::api::Problem;
use crate::door::Peer;
use crate::socket;

pub(super) type Answer = Response<Body>;

/// Time in which the owner must take a connection: it does so at once, unless it hangs.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) enum Transport {
    InProcess(Router),
    Socket(PathBuf),
}

impl Transport {
    pub(super) fn in_process(router: Router) -> Self {
        Self::InProcess(router.layer(Extension(Peer::InProcess)))
    }

    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Answer, Problem> {
        match self {
            Self::InProcess(router) => {
                let answer: Result<_, Infallible> = router.clone().oneshot(request.map(Body::from)).await;
                match answer {
                    Ok(answer) => Ok(answer),
                    Err(never) => match never {},
                }
            }
            Self::Socket(path) => send_over_socket(path, request).await,
        }
    }
}

/// One connection per request: connecting to a local socket costs less than keeping track of idle connections.
async fn send_over_socket(path: &Path, request: Request<Bytes>) -> Result<Answer, Problem> {
    let failed = |error: &dyn std::fmt::Display| {
        unreachable(format!("the owner of the data folder can't be reached: {error}"))
    };
    let connected = tokio::time::timeout(CONNECT_LIMIT, socket::connect(path)).await;
    let stream = connected.map_err(|_| failed(&"it does not answer"))?.map_err(|error| failed(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection to the owner of the data folder ended early");
        }
    });
    let answer = sender.send_request(request.map(Full::new)).await.map_err(|error| failed(&error))?;
    // The task that moves the connection's bytes lives as long as the body that needs them, and ends with it.
    Ok(answer.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _owned = &driver;
            frame
        }))
    }))
}
