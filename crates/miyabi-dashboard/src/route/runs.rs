//! Runs: list, show, start, retry, steer, stop.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use miyabi_core::error::ErrorCode;
use miyabi_core::id::{ProjectId, RunId};
use miyabi_core::stop::Status;
use miyabi_core::usecase::run::{ListRuns, find_run, get_run, list_runs};
use miyabi_core::usecase::{retry, start, steer as guide, stop as end};
use serde::Deserialize;

use super::{App, idempotent};
use crate::api::{Cursor, Page, Problem, RetryRequest, Run, RunDetail, StartRun, SteerRequest, Time};
use crate::door::By;
use crate::frame::{Json, Path, Query, Refusal};

/// Items of a page, if the caller names no number.
pub(super) const DEFAULT_LIMIT: u32 = 50;

/// The query of a list of runs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    project: Option<ProjectId>,
    /// State words, separated by commas.
    state: Option<String>,
    since: Option<Time>,
    cursor: Option<Cursor>,
    limit: Option<u32>,
}

impl ListQuery {
    fn wanted(self) -> Result<ListRuns, Refusal> {
        let words = self.state.iter().flat_map(|words| words.split(',')).filter(|word| !word.is_empty());
        Ok(ListRuns {
            project: self.project,
            statuses: words.map(status).collect::<Result<_, _>>()?,
            since: self.since.map(|time| time.0),
            before: cursor(self.cursor.as_ref(), "runs")?,
            limit: self.limit.unwrap_or(DEFAULT_LIMIT),
        })
    }
}

fn status(word: &str) -> Result<Status, Refusal> {
    let found = Status::ALL.into_iter().find(|status| status.as_str() == word);
    found.ok_or_else(|| {
        let all = Status::ALL.map(Status::as_str).join(", ");
        let problem = Problem::new(ErrorCode::RequestInvalid, format!("`{word}` is not a state of runs"));
        problem.with_error("state", format!("must be some of {all}")).into()
    })
}

/// The place that a cursor of this list names.
pub(super) fn cursor<T: std::str::FromStr>(
    cursor: Option<&Cursor>,
    list: &str,
) -> Result<Option<T>, Refusal> {
    let wrong = |error: crate::api::CursorError| {
        Problem::new(ErrorCode::RequestInvalid, "the cursor can't be used")
            .with_error("cursor", error.to_string())
    };
    Ok(cursor.map(|cursor| cursor.place(list)).transpose().map_err(wrong)?)
}

/// `GET /runs`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    By(caller): By,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Run>>, Refusal> {
    let page = list_runs(&app.services.runs, &caller, &query.wanted()?).await?;
    let next = page.next.map(|run| Cursor::new("runs", run));
    Ok(Json(Page { items: page.items.into_iter().map(Run::from).collect(), next }))
}

/// `POST /runs`. Repeated under the same idempotency key it starts one run only.
pub(super) async fn start(
    State(app): State<Arc<App>>,
    By(caller): By,
    headers: HeaderMap,
    Json(request): Json<StartRun>,
) -> Result<Response, Refusal> {
    idempotent::once(&app, &caller, &headers, "start", &request, async || {
        let services = &app.services;
        let state =
            start::start_run(&services.runs, &services.intake, &caller, &request.clone().into()).await?;
        Ok((StatusCode::CREATED, Run::from(&state)))
    })
    .await
}

/// `GET /runs/{run}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
) -> Result<Json<RunDetail>, Refusal> {
    let run = find_run(&app.services.runs, &caller, &name).await?;
    Ok(Json(get_run(&app.services.runs, &caller, run).await?.into()))
}

/// `POST /runs/{run}/retry`
pub(super) async fn retry(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(request): Json<RetryRequest>,
) -> Result<Response, Refusal> {
    let services = &app.services;
    let run: RunId = find_run(&services.runs, &caller, &name).await?;
    idempotent::once(&app, &caller, &headers, "retry", &(run, &request), async || {
        let wishes = request.wishes.clone().into();
        let state = retry::retry_run(&services.runs, &services.intake, &caller, run, &wishes).await?;
        Ok((StatusCode::CREATED, Run::from(&state)))
    })
    .await
}

/// `POST /runs/{run}/steer`
pub(super) async fn steer(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
    Json(request): Json<SteerRequest>,
) -> Result<Json<Run>, Refusal> {
    let run = find_run(&app.services.runs, &caller, &name).await?;
    let state = guide::steer(&app.services.runs, &caller, run, &request.text).await?;
    Ok(Json((&state).into()))
}

/// `POST /runs/{run}/stop`
pub(super) async fn stop(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
) -> Result<Json<Run>, Refusal> {
    let run = find_run(&app.services.runs, &caller, &name).await?;
    let state = end::stop_run(&app.services.runs, &caller, run).await?;
    Ok(Json((&state).into()))
}
