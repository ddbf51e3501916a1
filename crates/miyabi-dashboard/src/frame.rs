//! What stands around every request: its id, its log line, its time limit, and the one form of errors. Nothing that
//! goes wrong leaves in another form than a problem document.

mod extract;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use miyabi_core::error::ErrorCode;
use miyabi_core::id::RequestId;
use miyabi_core::usecase;
use tracing::Instrument as _;

use crate::api::Problem;
use crate::route::App;

pub(crate) use extract::{Body as Json, Path, Query};

/// The header that names a request, in answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The media type of problem documents (RFC 9457, section 6.1).
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An error on its way out. It becomes a document in [`frame`], where the request's id is known.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Box<Problem>);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<usecase::Error> for Refusal {
    fn from(error: usecase::Error) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(Arc::new(*self.0));
        response
    }
}

/// Wraps all routes.
pub(crate) async fn frame(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let runs = &app.services.runs;
    let id = RequestId::mint(runs.clock.now(), runs.entropy.draw()).to_string();
    let span = tracing::info_span!(
        "request", request.id = %id, http.method = %request.method(), http.path = request.uri().path()
    );
    let begun = Instant::now();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let _entered = span.entered();
    let response = answered.unwrap_or_else(|_| {
        tracing::error!(error.code = %ErrorCode::Internal, "a request ended in a panic");
        let detail = "the server met a bug while answering; the log names this request's id";
        Refusal::from(Problem::new(ErrorCode::Internal, detail)).into_response()
    });
    let response = finish(response, &id);
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(http.status = response.status().as_u16(), duration_ms, "answered a request");
    response
}

/// Writes the problem, if there is one, and names the request.
fn finish(mut response: Response, id: &str) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() {
        let problem = Problem { request_id: id.into(), ..Arc::unwrap_or_clone(problem) };
        if problem.status >= 500 {
            tracing::error!(error.code = %problem.code, "could not carry a request out: {}", problem.detail);
        }
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        *response.body_mut() = Body::from(body);
        response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM_JSON);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Ends a request that takes too long. What it already wrote stays: every use case writes in one transaction.
pub(crate) async fn limit_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("the request was not carried out within {} s", limit.as_secs());
            let problem = Problem::new(ErrorCode::StoreUnavailable, detail).with_status(504);
            Refusal::from(problem).into_response()
        }
    }
}

/// The answer to paths that don't exist.
pub(crate) async fn no_route(request: Request) -> Refusal {
    Problem::new(ErrorCode::NotFound, format!("no resource `{}`", request.uri().path())).into()
}

/// The answer to methods that a path does not have.
pub(crate) async fn no_method(request: Request) -> Refusal {
    let detail = format!("`{}` does not answer to {}", request.uri().path(), request.method());
    Problem::new(ErrorCode::RequestInvalid, detail).with_status(405).into()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_that_hangs_ends() {
        let limit = Duration::from_secs(60);
        let router: Router = Router::new()
            .route("/", get(std::future::pending::<()>))
            .layer(from_fn_with_state(limit, limit_time));
        let answer = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
        let problem = answer.extensions().get::<Arc<Problem>>().unwrap();
        assert_eq!(&*problem.detail, "the request was not carried out within 60 s");
    }
}
