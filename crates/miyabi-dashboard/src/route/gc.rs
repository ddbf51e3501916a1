//! The store: what it holds, and cleaning it up.

use std::sync::Arc;

use axum::extract::State;
use miyabi_core::usecase::gc::collect_garbage;
use miyabi_core::usecase::store::get_store_facts;

use super::App;
use crate::api::{Collected, GcRequest, StoreInfo};
use crate::door::By;
use crate::frame::{Json, Refusal};

/// `GET /store`
pub(super) async fn show(State(app): State<Arc<App>>, By(caller): By) -> Result<Json<StoreInfo>, Refusal> {
    Ok(Json(get_store_facts(app.services.upkeep.store.as_ref(), &caller).await?.into()))
}

/// `POST /store/gc`
pub(super) async fn collect(
    State(app): State<Arc<App>>,
    By(caller): By,
    Json(request): Json<GcRequest>,
) -> Result<Json<Collected>, Refusal> {
    let dry_run = request.dry_run;
    let collected = collect_garbage(&app.services, &caller, &request.into()).await?;
    Ok(Json(Collected::new(dry_run, collected)))
}
