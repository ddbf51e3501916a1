//! What a run changed and said: its diff, its log, the contents that it names, and bringing files back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use miyabi_core::digest::Digest;
use miyabi_core::error::ErrorCode;
use miyabi_core::usecase::change::{MAX_PART_BYTES, diff_run, read_artifact};
use miyabi_core::usecase::event::read_run;
use miyabi_core::usecase::restore::{file_steps, restore_files};
use miyabi_core::usecase::run::{find_run, get_run};
use serde::Deserialize;

use super::App;
use super::runs::cursor;
use crate::api::{Cursor, Diff, FileStep, List, LogLevel, LogLine, Page, Problem, RestoreRequest, Restored};
use crate::door::By;
use crate::frame::{Json, Path, Query, Refusal};

/// The size of the whole content, beside a part of it.
const TOTAL_BYTES: HeaderName = HeaderName::from_static("x-total-bytes");

/// Lines of a page, if the caller names no number.
const LOG_LINES: u32 = 500;

/// The most lines of a page.
const MAX_LOG_LINES: u32 = 5_000;

/// `GET /runs/{run}/diff`
pub(super) async fn diff(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
) -> Result<Json<Diff>, Refusal> {
    let services = &app.services;
    let run = find_run(&services.runs, &caller, &name).await?;
    let (projects, repositories) = (services.intake.projects.as_ref(), services.code.repositories.as_ref());
    let found = diff_run(&services.runs, projects, repositories, &caller, run).await?;
    Ok(Json(Diff::new(found.from, found.to, found.change)))
}

/// The query of a log.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LogQuery {
    /// The least level; `info` if not given.
    level: Option<LogLevel>,
    cursor: Option<Cursor>,
    limit: Option<u32>,
}

/// `GET /runs/{run}/log`: the journal as lines for people, oldest first.
pub(super) async fn log(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
    Query(query): Query<LogQuery>,
) -> Result<Json<Page<LogLine>>, Refusal> {
    let run = find_run(&app.services.runs, &caller, &name).await?;
    let after: u64 = cursor(query.cursor.as_ref(), "log")?.unwrap_or(0);
    let least = query.level.unwrap_or(LogLevel::Info);
    let limit = query.limit.unwrap_or(LOG_LINES).clamp(1, MAX_LOG_LINES) as usize;
    let events = read_run(&app.services.runs, &caller, run).await?;
    let wanted = |line: &LogLine| line.seq > after && line.level >= least;
    let mut items: Vec<LogLine> = LogLine::all(&events).into_iter().filter(wanted).take(limit + 1).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(|line| Cursor::new("log", line.seq));
    Ok(Json(Page { items, next }))
}

/// The query of a content.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PartQuery {
    offset: u64,
    length: Option<u64>,
}

/// `GET /runs/{run}/artifacts/{digest}`: the bytes from an offset. `x-total-bytes` tells the whole size.
pub(super) async fn artifact(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path((name, digest)): Path<(String, String)>,
    Query(query): Query<PartQuery>,
) -> Result<Response, Refusal> {
    let wrong = |error: miyabi_core::digest::ParseDigestError| {
        Problem::new(ErrorCode::RequestInvalid, format!("`{digest}` is {error}"))
    };
    let digest: Digest = digest.parse().map_err(wrong)?;
    let run = find_run(&app.services.runs, &caller, &name).await?;
    let length = query.length.unwrap_or(MAX_PART_BYTES);
    let part = read_artifact(&app.services.runs, &caller, run, digest, query.offset, length).await?;
    // Bytes from outside: a browser must neither run nor guess them.
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
        (TOTAL_BYTES, HeaderValue::from(part.size)),
    ];
    Ok((headers, part.bytes).into_response())
}

/// `GET /runs/{run}/files`: the steps that changed files, oldest first.
pub(super) async fn files(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
) -> Result<Json<List<FileStep>>, Refusal> {
    let run = find_run(&app.services.runs, &caller, &name).await?;
    let detail = get_run(&app.services.runs, &caller, run).await?;
    Ok(Json(file_steps(&detail).into_iter().map(FileStep::from).collect()))
}

/// `POST /runs/{run}/restore`
pub(super) async fn restore(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
    Json(request): Json<RestoreRequest>,
) -> Result<Json<Restored>, Refusal> {
    let services = &app.services;
    let run = find_run(&services.runs, &caller, &name).await?;
    let done = restore_files(&services.runs, &services.code, &caller, &request.for_run(run)).await?;
    Ok(Json(done.into()))
}
