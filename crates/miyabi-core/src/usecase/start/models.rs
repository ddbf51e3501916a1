//! Which model each role of a run asks, with what is known of it now.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::config::section::ROLES;
use crate::port::model::ModelName;
use crate::run::spec::{Engine, RoleModel, Template};
use crate::usecase::{Error, Intake};

/// The models of a new run; none for engines that ask none.
pub(in crate::usecase) fn of(
    intake: &Intake,
    config: &Config,
    template: Template,
    engine: &Engine,
    wishes: &BTreeMap<String, ModelName>,
) -> Result<BTreeMap<String, RoleModel>, Error> {
    if !engine.uses_model() {
        return Ok(BTreeMap::new());
    }
    let roles: &[&str] = match template {
        Template::Issue => &ROLES,
        Template::Exec => &["codegen"],
    };
    let named = roles.iter().map(|role| {
        let wish = wishes.get(*role).or_else(|| wishes.get("default"));
        let name = wish.or_else(|| config.models.of(role));
        let name = name.ok_or_else(|| Error::ModelUnknown { role: (*role).to_owned(), model: None })?;
        Ok(((*role).to_owned(), describe(intake, config, role, name)?))
    });
    named.collect()
}

/// What is known of a model now.
pub(in crate::usecase) fn describe(
    intake: &Intake,
    config: &Config,
    role: &str,
    name: &ModelName,
) -> Result<RoleModel, Error> {
    let unknown = || Error::ModelUnknown { role: role.to_owned(), model: Some(name.0.clone()) };
    let info = intake.model.info(name).ok_or_else(unknown)?;
    Ok(RoleModel {
        name: name.clone(),
        context_tokens: info.context_tokens,
        max_output_tokens: info.max_output_tokens,
        price: info.price.unwrap_or_else(|| config.budget.price_ceiling()),
        scripted: info.scripted,
    })
}
