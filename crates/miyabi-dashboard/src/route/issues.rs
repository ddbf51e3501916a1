//! Issues of a project.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use miyabi_core::error::ErrorCode;
use miyabi_core::forge::Openness;
use miyabi_core::usecase::issue::{comment_issue, create_issue, get_issue, list_issues, set_issue_open};
use serde::Deserialize;

use super::projects::named;
use super::runs::{DEFAULT_LIMIT, cursor};
use super::{App, idempotent};
use crate::api::{Comment, CommentRequest, CreateIssue, Cursor, Issue, IssueDetail, Page, Problem};
use crate::door::By;
use crate::frame::{Json, Path, Query, Refusal};

/// The query of a list of issues or pull requests.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    /// `open`, `closed` or `all`; open if not given.
    state: Option<String>,
    pub(super) cursor: Option<Cursor>,
    pub(super) limit: Option<u32>,
}

impl ListQuery {
    pub(super) fn openness(&self) -> Result<Openness, Refusal> {
        match self.state.as_deref() {
            None | Some("open") => Ok(Openness::Open),
            Some("closed") => Ok(Openness::Closed),
            Some("all") => Ok(Openness::All),
            Some(other) => {
                let problem = Problem::new(ErrorCode::RequestInvalid, format!("`{other}` is not a state"));
                Err(problem.with_error("state", "must be `open`, `closed` or `all`").into())
            }
        }
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }
}

/// `GET /projects/{project}/issues`, newest first.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Issue>>, Refusal> {
    let project = named(&app, &caller, &project).await?;
    let before = cursor(query.cursor.as_ref(), "issues")?;
    let forge = app.services.intake.forge.as_ref();
    let page = list_issues(forge, &caller, &project, query.openness()?, before, query.limit()).await?;
    let next = page.next.map(|number| Cursor::new("issues", number));
    Ok(Json(Page { items: page.items.into_iter().map(Issue::from).collect(), next }))
}

/// `GET /projects/{project}/issues/{number}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path((project, number)): Path<(String, u64)>,
) -> Result<Json<IssueDetail>, Refusal> {
    let project = named(&app, &caller, &project).await?;
    let forge = app.services.intake.forge.as_ref();
    Ok(Json(get_issue(forge, &caller, &project, number).await?.into()))
}

/// `POST /projects/{project}/issues`
pub(super) async fn create(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(project): Path<String>,
    headers: HeaderMap,
    Json(request): Json<CreateIssue>,
) -> Result<Response, Refusal> {
    let project = named(&app, &caller, &project).await?;
    idempotent::once(&app, &caller, &headers, "issue", &(project.id, &request), async || {
        let (runs, forge) = (&app.services.runs, app.services.intake.forge.as_ref());
        let issue = create_issue(runs, forge, &caller, &project, &request.clone().into()).await?;
        Ok((StatusCode::CREATED, Issue::from(issue)))
    })
    .await
}

/// `POST /projects/{project}/issues/{number}/comments`
pub(super) async fn comment(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path((project, number)): Path<(String, u64)>,
    headers: HeaderMap,
    Json(request): Json<CommentRequest>,
) -> Result<Response, Refusal> {
    let project = named(&app, &caller, &project).await?;
    idempotent::once(&app, &caller, &headers, "comment", &(project.id, number, &request), async || {
        let (runs, forge) = (&app.services.runs, app.services.intake.forge.as_ref());
        let made = comment_issue(runs, forge, &caller, &project, number, &request.body).await?;
        Ok((StatusCode::CREATED, Comment::from(made)))
    })
    .await
}

/// `POST /projects/{project}/issues/{number}/close`
pub(super) async fn close(
    app: State<Arc<App>>,
    by: By,
    path: Path<(String, u64)>,
) -> Result<Json<Issue>, Refusal> {
    set_open(app, by, path, false).await
}

/// `POST /projects/{project}/issues/{number}/reopen`
pub(super) async fn reopen(
    app: State<Arc<App>>,
    by: By,
    path: Path<(String, u64)>,
) -> Result<Json<Issue>, Refusal> {
    set_open(app, by, path, true).await
}

async fn set_open(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path((project, number)): Path<(String, u64)>,
    open: bool,
) -> Result<Json<Issue>, Refusal> {
    let project = named(&app, &caller, &project).await?;
    let (runs, forge) = (&app.services.runs, app.services.intake.forge.as_ref());
    Ok(Json(set_issue_open(runs, forge, &caller, &project, number, open).await?.into()))
}
