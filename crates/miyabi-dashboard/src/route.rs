//! The routes. A handler reads the request, calls one use case and turns the answer into wire types.

mod approvals;
mod changes;
mod deployments;
mod events;
mod gc;
mod health;
mod idempotent;
mod issues;
mod models;
mod projects;
mod pull_requests;
mod runs;
mod secrets;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post, put};
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

/// How long a request may take that waits for a provider, a release or a walk over all stored contents.
const SLOW_TIME_LIMIT: Duration = Duration::from_secs(30 * 60);

/// The whole API. The same router serves every door.
pub fn router(services: Services, options: Options) -> Router {
    let app = Arc::new(App { services, options, keys: idempotent::Keys::default() });
    let ordinary = runs()
        .merge(forge())
        .merge(objects())
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn_with_state(TIME_LIMIT, frame::limit_time));
    let slow = slow()
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn_with_state(SLOW_TIME_LIMIT, frame::limit_time));
    let large = Router::new()
        .route("/runs", post(runs::start))
        .layer(DefaultBodyLimit::max(PATCH_BODY_BYTES))
        .layer(from_fn_with_state(TIME_LIMIT, frame::limit_time));
    // A stream of events has no end of its own, so no time limit either.
    let streams = Router::new().route("/events", get(events::stream));
    Router::new()
        .nest("/api/v1", ordinary.merge(slow).merge(large).merge(streams))
        .fallback(frame::no_route)
        .method_not_allowed_fallback(frame::no_method)
        .layer(map_response(no_sniffing))
        .layer(from_fn_with_state(Arc::clone(&app), frame::frame))
        .with_state(app)
}

fn runs() -> Router<Arc<App>> {
    Router::new()
        .route("/runs", get(runs::list))
        .route("/runs/{run}", get(runs::show))
        .route("/runs/{run}/retry", post(runs::retry))
        .route("/runs/{run}/steer", post(runs::steer))
        .route("/runs/{run}/stop", post(runs::stop))
        .route("/runs/{run}/events", get(events::list))
        .route("/runs/{run}/approvals", get(approvals::list).post(approvals::decide))
        .route("/runs/{run}/diff", get(changes::diff))
        .route("/runs/{run}/log", get(changes::log))
        .route("/runs/{run}/artifacts/{digest}", get(changes::artifact))
        .route("/runs/{run}/files", get(changes::files))
        .route("/runs/{run}/restore", post(changes::restore))
}

fn forge() -> Router<Arc<App>> {
    let issues = Router::new()
        .route("/", get(issues::list).post(issues::create))
        .route("/{number}", get(issues::show))
        .route("/{number}/comments", post(issues::comment))
        .route("/{number}/close", post(issues::close))
        .route("/{number}/reopen", post(issues::reopen));
    let pull_requests = Router::new()
        .route("/", get(pull_requests::list))
        .route("/{number}", get(pull_requests::show))
        .route("/{number}/diff", get(pull_requests::diff))
        .route("/{number}/merge", post(pull_requests::merge))
        .route("/{number}/close", post(pull_requests::close));
    Router::new()
        .nest("/projects/{project}/issues", issues)
        .nest("/projects/{project}/pull_requests", pull_requests)
}

fn objects() -> Router<Arc<App>> {
    Router::new()
        .route("/health", get(health::show))
        .route("/projects/{project}", get(projects::show))
        .route("/projects/{project}/releases", get(deployments::list))
        .route("/projects/{project}/releases/{release}", get(deployments::show))
        .route("/models", get(models::list))
        .route("/secrets", get(secrets::list))
        .route("/secrets/{name}", put(secrets::set).delete(secrets::remove))
        .route("/store", get(gc::show))
}

/// What takes as long as somebody else takes.
fn slow() -> Router<Arc<App>> {
    Router::new()
        .route("/projects", get(projects::list).post(projects::connect))
        .route("/projects/{project}/releases/rollback", post(deployments::rollback))
        .route("/models/test", post(models::test))
        .route("/models/discover", get(models::discover))
        .route("/store/gc", post(gc::collect))
}

/// Answers hold texts from outside, and are data: no reader may take them for a page.
async fn no_sniffing(mut response: Response) -> Response {
    use axum::http::{HeaderValue, header};
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
