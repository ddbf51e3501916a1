//! Pull requests of a project.

use std::sync::Arc;

use axum::extract::State;
use miyabi_core::forge;
use miyabi_core::project::Project;
use miyabi_core::usecase::pull_request::{
    close_pull_request, diff_pull_request, get_pull_request, list_pull_requests, merge_pull_request,
};

use super::App;
use super::issues::ListQuery;
use super::projects::named;
use super::runs::cursor;
use crate::api::{Cursor, Diff, MergeRequest, Page, PullRequest};
use crate::door::By;
use crate::frame::{Json, Path, Query, Refusal};

fn view(app: &App, project: &Project, found: forge::PullRequest) -> PullRequest {
    let url = app.services.intake.forge.pull_request_url(project, found.number);
    PullRequest::new(found, url)
}

/// `GET /projects/{project}/pull_requests`, newest first.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<PullRequest>>, Refusal> {
    let project = named(&app, &caller, &project).await?;
    let before = cursor(query.cursor.as_ref(), "pull_requests")?;
    let forge = app.services.intake.forge.as_ref();
    let page = list_pull_requests(forge, &caller, &project, query.openness()?, before, query.limit()).await?;
    let next = page.next.map(|number| Cursor::new("pull_requests", number));
    let items = page.items.into_iter().map(|found| view(&app, &project, found)).collect();
    Ok(Json(Page { items, next }))
}

/// `GET /projects/{project}/pull_requests/{number}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path((project, number)): Path<(String, u64)>,
) -> Result<Json<PullRequest>, Refusal> {
    let project = named(&app, &caller, &project).await?;
    let found = get_pull_request(app.services.intake.forge.as_ref(), &caller, &project, number).await?;
    Ok(Json(view(&app, &project, found)))
}

/// `GET /projects/{project}/pull_requests/{number}/diff`
pub(super) async fn diff(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path((project, number)): Path<(String, u64)>,
) -> Result<Json<Diff>, Refusal> {
    let project = named(&app, &caller, &project).await?;
    let (forge, repositories) = (app.services.intake.forge.as_ref(), app.services.code.repositories.as_ref());
    let (from, to, change) = diff_pull_request(forge, repositories, &caller, &project, number).await?;
    Ok(Json(Diff::new(from, to, change)))
}

/// `POST /projects/{project}/pull_requests/{number}/merge`
pub(super) async fn merge(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path((project, number)): Path<(String, u64)>,
    Json(request): Json<MergeRequest>,
) -> Result<Json<PullRequest>, Refusal> {
    let project = named(&app, &caller, &project).await?;
    let services = &app.services;
    let (forge, repositories) = (services.intake.forge.as_ref(), services.code.repositories.as_ref());
    let head = request.head.as_deref();
    let merged =
        merge_pull_request(&services.runs, forge, repositories, &caller, &project, number, head).await?;
    Ok(Json(view(&app, &project, merged)))
}

/// `POST /projects/{project}/pull_requests/{number}/close`
pub(super) async fn close(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path((project, number)): Path<(String, u64)>,
) -> Result<Json<PullRequest>, Refusal> {
    let project = named(&app, &caller, &project).await?;
    let (runs, forge) = (&app.services.runs, app.services.intake.forge.as_ref());
    let closed = close_pull_request(runs, forge, &caller, &project, number).await?;
    Ok(Json(view(&app, &project, closed)))
}
