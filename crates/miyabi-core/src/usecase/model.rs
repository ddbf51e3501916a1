//! Models: which there are, which role asks which, and whether one answers.

use tokio_util::sync::CancellationToken;

use super::{Act, Caller, Error, may};
use crate::config::section::ROLES;
use crate::error::{ErrorCode, Failure};
use crate::port::catalog::{Catalog, Listed, Probe};
use crate::port::model::{self, ModelName};
use crate::port::settings::Settings;

/// A model with the roles that ask it by configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelUse {
    /// The model.
    pub listed: Listed,
    /// The roles, in their usual order.
    pub roles: Vec<String>,
}

/// All models that can be asked for.
///
/// # Errors
/// [`Error::Config`].
pub async fn list_models(
    catalog: &dyn Catalog,
    settings: &dyn Settings,
    caller: &Caller,
) -> Result<Vec<ModelUse>, Error> {
    may(caller, Act::ReadModels)?;
    let models = settings.load(None).await?.config.models;
    let with_roles = |listed: Listed| {
        let roles = ROLES.into_iter().filter(|role| models.of(role) == Some(&listed.name));
        ModelUse { roles: roles.map(str::to_owned).collect(), listed }
    };
    Ok(catalog.list().into_iter().map(with_roles).collect())
}

/// Asks a model for one word.
///
/// # Errors
/// Why it did not answer.
pub async fn test_model(
    catalog: &dyn Catalog,
    caller: &Caller,
    name: &ModelName,
    cancel: &CancellationToken,
) -> Result<Probe, Error> {
    may(caller, Act::TestModel)?;
    catalog.test(name, cancel).await.map_err(failed)
}

/// Asks a provider which models it has.
///
/// # Errors
/// Why it did not answer.
pub async fn discover_models(
    catalog: &dyn Catalog,
    caller: &Caller,
    provider: &str,
    cancel: &CancellationToken,
) -> Result<Vec<ModelName>, Error> {
    may(caller, Act::TestModel)?;
    catalog.discover(provider, cancel).await.map_err(failed)
}

#[expect(clippy::needless_pass_by_value, reason = "fits `map_err`")]
fn failed(error: model::Error) -> Error {
    let code = match &error {
        model::Error::Unknown(_) => ErrorCode::ModelUnknown,
        model::Error::Authentication { .. } => ErrorCode::ModelAuthentication,
        model::Error::RateLimited { .. } => ErrorCode::ModelRateLimited,
        model::Error::Unavailable { .. } => ErrorCode::ModelUnavailable,
        model::Error::Rejected { .. } => ErrorCode::ModelRejected,
        model::Error::ContextOverflow { .. } => ErrorCode::ModelContextOverflow,
        model::Error::Cancelled => ErrorCode::Cancelled,
    };
    Failure::permanent(code, error.to_string()).into()
}
