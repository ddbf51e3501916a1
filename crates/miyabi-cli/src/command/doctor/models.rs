//! The models that runs would ask: named, and answering.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use miyabi_core::config::Effective;
use miyabi_core::port::model::ModelName;
use miyabi_dashboard::Client;
use tokio::time::timeout;

use super::finding::{Finding, Group};
use crate::command::model;
use crate::format::duration;
use crate::page;
use crate::terminal::Lang;

/// How long a model may take to say one word.
const PATIENCE: Duration = Duration::from_secs(8);

/// All models that a role names, asked side by side.
pub(super) async fn look(
    lang: Lang,
    effective: Option<&Effective>,
    client: Option<&Client>,
    offline: bool,
) -> Vec<Finding> {
    let named: BTreeSet<ModelName> = effective
        .map(|effective| effective.config.models.named().map(|(_, model)| model.clone()).collect())
        .unwrap_or_default();
    if named.is_empty() {
        return vec![
            Finding::warn(Group::Models, "models", lang.doctor_no_model()).cure("miyabi model add openai"),
        ];
    }
    join_all(named.into_iter().map(|model| ask(lang, model, client.filter(|_| !offline)))).await
}

async fn ask(lang: Lang, model: ModelName, client: Option<&Client>) -> Finding {
    let Some(client) = client else {
        return Finding::skipped(Group::Models, &model.0, lang.doctor_not_asked());
    };
    match timeout(PATIENCE, model::test(client, &model)).await {
        Ok(Ok(probe)) => Finding::ok(Group::Models, &model.0, duration(probe.duration_ms)),
        Ok(Err(problem)) => Finding::fail(Group::Models, &model.0, problem.detail.to_string())
            .cure(page::advice(problem.code, lang)),
        Err(_) => Finding::warn(Group::Models, &model.0, lang.doctor_too_slow(PATIENCE.as_secs())),
    }
}
