//! Secrets: set, forget, names. No route gives a value.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use miyabi_core::usecase::secret::{list_secrets, remove_secret, set_secret};

use super::App;
use crate::api::{List, SecretName, SetSecret};
use crate::door::By;
use crate::frame::{Json, Path, Refusal};

/// `GET /secrets`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    By(caller): By,
) -> Result<Json<List<SecretName>>, Refusal> {
    let found = list_secrets(app.services.secrets.as_ref(), &caller).await?;
    Ok(Json(found.into_iter().map(|(name, at)| SecretName { name, set_at: at.into() }).collect()))
}

/// `PUT /secrets/{name}`
pub(super) async fn set(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
    Json(request): Json<SetSecret>,
) -> Result<StatusCode, Refusal> {
    let (runs, secrets) = (&app.services.runs, app.services.secrets.as_ref());
    set_secret(runs, secrets, &caller, &name, &request.value.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /secrets/{name}`
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    By(caller): By,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    remove_secret(app.services.secrets.as_ref(), &caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
