//! Models: list, test, discover.

use std::sync::Arc;

use axum::extract::State;
use miyabi_core::port::model::ModelName;
use miyabi_core::usecase::model::{discover_models, list_models, test_model};
use serde::Deserialize;

use super::App;
use crate::api::{List, Model, ModelProbe, TestModel};
use crate::door::By;
use crate::frame::{Json, Query, Refusal};

/// The query of a discovery.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiscoverQuery {
    provider: String,
}

/// `GET /models`
pub(super) async fn list(State(app): State<Arc<App>>, By(caller): By) -> Result<Json<List<Model>>, Refusal> {
    let (catalog, settings) = (app.services.catalog.as_ref(), app.services.intake.settings.as_ref());
    let found = list_models(catalog, settings, &caller).await?;
    Ok(Json(found.into_iter().map(Model::from).collect()))
}

/// `POST /models/test`: one tiny call; the model's name may hold slashes, so it is not part of the path.
pub(super) async fn test(
    State(app): State<Arc<App>>,
    By(caller): By,
    Json(request): Json<TestModel>,
) -> Result<Json<ModelProbe>, Refusal> {
    let cancel = app.options.shutdown.child_token();
    let probe = test_model(app.services.catalog.as_ref(), &caller, &request.model, &cancel).await?;
    Ok(Json(ModelProbe::new(request.model, probe)))
}

/// `GET /models/discover?provider=…`: asks the provider which models it has.
pub(super) async fn discover(
    State(app): State<Arc<App>>,
    By(caller): By,
    Query(query): Query<DiscoverQuery>,
) -> Result<Json<List<ModelName>>, Refusal> {
    let cancel = app.options.shutdown.child_token();
    let found = discover_models(app.services.catalog.as_ref(), &caller, &query.provider, &cancel).await?;
    Ok(Json(found.into_iter().collect()))
}
