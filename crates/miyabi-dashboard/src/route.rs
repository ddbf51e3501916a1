//! The routes. A handler reads the request, calls one use case and turns the answer into wire types.

mod approvals;
mod events;
mod health;
mod idempotent;
mod runs;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post};
use miyabi_core::id::TenantId;
use miyabi_core::run::event::Actor;
use miyabi_core::usecase::Services;
use tokio_util::sync::CancellationToken;

use crate::frame;

/// What the program sets for the API.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program's version, for `health`.
    pub version: String,
    /// Whose data this is.
    pub tenant: TenantId,
    /// The person behind the local doors.
    pub operator: Actor,
    /// Ends streams of events when the server stops. Ordinary requests are left to finish.
    pub shutdown: CancellationToken,
}

/// What all handlers share.
pub(crate) struct App {
    pub(crate) services: Services,
    pub(crate) options: Options,
    pub(crate) keys: idempotent::Keys,
}

/// The most bytes of an ordinary request's body.
const BODY_BYTES: usize = 1024 * 1024;

/// The most bytes of a request that may carry a patch.
const PATCH_BODY_BYTES: usize = 8 * 1024 * 1024;

/// How long an ordinary request may take. Generous, for a busy disk; a request that hangs must still end.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The whole API. The same router serves every door.
pub fn router(services: Services, options: Options) -> Router {
    let app = Arc::new(App { services, options, keys: idempotent::Keys::default() });
    let ordinary = Router::new()
        .route("/health", get(health::show))
        .route("/runs", get(runs::list))
        .route("/runs/{run}", get(runs::show))
        .route("/runs/{run}/retry", post(runs::retry))
        .route("/runs/{run}/steer", post(runs::steer))
        .route("/runs/{run}/stop", post(runs::stop))
        .route("/runs/{run}/events", get(events::list))
        .route("/runs/{run}/approvals", get(approvals::list).post(approvals::decide))
        .layer(DefaultBodyLimit::max(BODY_BYTES));
    let large =
        Router::new().route("/runs", post(runs::start)).layer(DefaultBodyLimit::max(PATCH_BODY_BYTES));
    let limited = ordinary.merge(large).layer(from_fn_with_state(TIME_LIMIT, frame::limit_time));
    // A stream of events has no end of its own, so no time limit either.
    let streams = Router::new().route("/events", get(events::stream));
    Router::new()
        .nest("/api/v1", limited.merge(streams))
        .fallback(frame::no_route)
        .method_not_allowed_fallback(frame::no_method)
        .layer(map_response(no_sniffing))
        .layer(from_fn_with_state(Arc::clone(&app), frame::frame))
        .with_state(app)
}

/// Answers hold texts from outside, and are data: no reader may take them for a page.
async fn no_sniffing(mut response: Response) -> Response {
    use axum::http::{HeaderValue, header};
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
