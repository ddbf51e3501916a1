//! What a run asks, and answers to it.

use std::sync::Arc;

use axum::extract::State;
use miyabi_core::usecase::approve::decide_approval;
use miyabi_core::usecase::run::{find_run, get_run};

use super::App;
use crate::api::{Approval, DecideRequest, List, Run, RunDetail};
use crate::door::By;
use crate::frame::{Json, Path, Refusal};

/// `GET /runs/{run}/approvals`: all questions, oldest first; those without a `decision` are open.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
) -> Result<Json<List<Approval>>, Refusal> {
    let run = find_run(&app.services.runs, &caller, &name).await?;
    let detail: RunDetail = get_run(&app.services.runs, &caller, run).await?.into();
    Ok(Json(List { items: detail.approvals }))
}

/// `POST /runs/{run}/approvals`: decides. The first answer wins; a later one is told so by a conflict.
pub(super) async fn decide(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
    Json(request): Json<DecideRequest>,
) -> Result<Json<Run>, Refusal> {
    let run = find_run(&app.services.runs, &caller, &name).await?;
    let state = decide_approval(&app.services.runs, &caller, &request.for_run(run)).await?;
    Ok(Json((&state).into()))
}
