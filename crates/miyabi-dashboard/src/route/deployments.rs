//! Releases of a project.

use std::sync::Arc;

use axum::extract::State;
use miyabi_core::usecase::deployment::{get_release, list_releases, roll_back};

use super::App;
use super::projects::named;
use crate::api::{List, Release, Rollback, RollbackRequest};
use crate::door::By;
use crate::frame::{Json, Path, Refusal};

/// `GET /projects/{project}/releases`, newest first.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(project): Path<String>,
) -> Result<Json<List<Release>>, Refusal> {
    let project = named(&app, &caller, &project).await?;
    let found = list_releases(app.services.target.as_ref(), &caller, &project).await?;
    Ok(Json(found.into_iter().map(Release::from).collect()))
}

/// `GET /projects/{project}/releases/{release}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path((project, name)): Path<(String, String)>,
) -> Result<Json<Release>, Refusal> {
    let project = named(&app, &caller, &project).await?;
    Ok(Json(get_release(app.services.target.as_ref(), &caller, &project, &name).await?.into()))
}

/// `POST /projects/{project}/releases/rollback`
pub(super) async fn rollback(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(project): Path<String>,
    Json(request): Json<RollbackRequest>,
) -> Result<Json<Rollback>, Refusal> {
    let project = named(&app, &caller, &project).await?;
    let (runs, target) = (&app.services.runs, app.services.target.as_ref());
    Ok(Json(roll_back(runs, target, &caller, &project, request.to.as_deref()).await?.into()))
}
