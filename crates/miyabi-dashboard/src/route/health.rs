//! Whether the server answers, and which one it is.

use std::sync::Arc;

use axum::extract::State;

use super::App;
use crate::api::Health;
use crate::frame::{Json, Refusal};

/// `GET /health`. Asks the store, so that a server that can't work does not count as healthy.
pub(super) async fn show(State(app): State<Arc<App>>) -> Result<Json<Health>, Refusal> {
    let last_event = app.services.runs.journal.last_global().await;
    let event_id = last_event.map_err(miyabi_core::usecase::Error::from)?;
    Ok(Json(Health { version: app.options.version.clone(), event_id }))
}
