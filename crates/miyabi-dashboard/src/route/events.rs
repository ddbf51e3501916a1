//! What happened: as pages of one run, and as a stream that can be taken up again.

mod stream;

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use miyabi_core::error::ErrorCode;
use miyabi_core::usecase::Caller;
use miyabi_core::usecase::event::{MAX_EVENTS, Watch, last_event, read_events};
use miyabi_core::usecase::run::find_run;
use serde::Deserialize;

use super::App;
use super::runs::cursor;
use crate::api::{Cursor, Page, Problem, RunEvent};
use crate::door::By;
use crate::frame::{Json, Path, Query, Refusal};

/// The query of a run's events.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    cursor: Option<Cursor>,
    limit: Option<u32>,
}

/// `GET /runs/{run}/events`, oldest first.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<RunEvent>>, Refusal> {
    let runs = &app.services.runs;
    let run = find_run(runs, &caller, &name).await?;
    let after = cursor(query.cursor.as_ref(), "events")?.unwrap_or(0);
    let limit = query.limit.unwrap_or(MAX_EVENTS).clamp(1, MAX_EVENTS);
    let events = read_events(runs, &caller, Watch::Run(run), after, limit).await?;
    let is_full = events.len() >= limit as usize;
    let next = events.last().filter(|_| is_full).map(|last| Cursor::new("events", last.global_seq));
    let items = events.into_iter().map(|stored| RunEvent { id: stored.global_seq, event: stored.event });
    Ok(Json(Page { items: items.collect(), next }))
}

/// The query of the stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StreamQuery {
    /// `all`, `run:<id>` or `project:<id>`; all if not given.
    scope: Option<String>,
    /// Begin behind this event; 0 is the very beginning. Without it and without `Last-Event-ID`: from now on.
    after: Option<u64>,
}

/// `GET /events`: server-sent events, each with the journal's JSON as `data` and its place as `id`. A client that
/// lost its connection sends the last id as `Last-Event-ID` and misses nothing; where that is not possible, an event
/// `reset` tells it to look at everything anew.
pub(super) async fn stream(
    State(app): State<Arc<App>>,
    By(caller): By,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response, Refusal> {
    let watch = watch(&app, &caller, query.scope.as_deref().unwrap_or("all")).await?;
    let last = last_event(&app.services.runs, &caller).await?;
    // What a reconnecting client saw last is newer than what its address says.
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let wanted = resumed.or(query.after);
    let is_reset = wanted.is_some_and(|after| after > last);
    let after = wanted.filter(|_| !is_reset).unwrap_or(last);
    Ok(stream::response(app, caller, watch, after, is_reset))
}

async fn watch(app: &App, caller: &Caller, scope: &str) -> Result<Watch, Refusal> {
    let wrong = || {
        Problem::new(ErrorCode::RequestInvalid, format!("`{scope}` is not a scope of events"))
            .with_error("scope", "must be `all`, `run:<id>` or `project:<id>`")
    };
    match scope.split_once(':') {
        None if scope == "all" => Ok(Watch::All),
        Some(("run", name)) => Ok(Watch::Run(find_run(&app.services.runs, caller, name).await?)),
        Some(("project", id)) => Ok(Watch::Project(id.parse().map_err(|_| wrong())?)),
        _ => Err(wrong().into()),
    }
}
