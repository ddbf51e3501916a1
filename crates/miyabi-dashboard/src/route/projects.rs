//! Connected repositories.

use std::sync::Arc;

use axum::extract::State;
use miyabi_core::project;
use miyabi_core::usecase::project::{NewProject, connect_project, get_project, list_projects};
use miyabi_core::usecase::{Caller, Error};
use serde::Deserialize;

use super::App;
use crate::api::{ConnectProject, List, Project};
use crate::door::By;
use crate::frame::{Json, Path, Query, Refusal};

/// The query of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only the project of this checkout.
    path: Option<String>,
}

/// The project that a path names, by id or by its short name.
pub(super) async fn named(app: &App, caller: &Caller, name: &str) -> Result<project::Project, Error> {
    get_project(app.services.intake.projects.as_ref(), caller, name).await
}

/// `GET /projects`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    By(caller): By,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<Project>>, Refusal> {
    let projects = app.services.intake.projects.as_ref();
    let found = list_projects(projects, &caller, query.path.as_deref()).await?;
    Ok(Json(found.into_iter().map(Project::from).collect()))
}

/// `GET /projects/{project}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
) -> Result<Json<Project>, Refusal> {
    Ok(Json(named(&app, &caller, &name).await?.into()))
}

/// `POST /projects`: connects a repository, or brings one that is connected up to date.
pub(super) async fn connect(
    State(app): State<Arc<App>>,
    By(caller): By,
    Json(request): Json<ConnectProject>,
) -> Result<Json<Project>, Refusal> {
    let services = &app.services;
    let new = NewProject { path: request.path, branch: request.branch, name: request.name };
    let (projects, repositories) = (services.intake.projects.as_ref(), services.code.repositories.as_ref());
    let project = connect_project(&services.runs, projects, repositories, &caller, &new).await?;
    Ok(Json(project.into()))
}
