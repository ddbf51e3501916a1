//! The six agents: each is instructions, a way to open a conversation, the form of its answer, and one function that
//! judges what came back. The judging functions are pure; nothing a model says counts before one of them took it.

mod answer;
pub(crate) mod codegen;
mod coordinator;
mod deployment;
mod issue;
pub(crate) mod pr;
mod review;
#[cfg(test)]
mod tests;

use miyabi_core::error::Failure;
use miyabi_core::port::model::{Answer, OutputFormat};
use miyabi_core::run::RunState;
use miyabi_core::run::step::SessionKey;
use miyabi_core::run::value::Judgement;
use serde_json::Value;

use crate::perform::Job;
use crate::prompt::OpeningText;

/// How a conversation begins.
pub(crate) async fn opening(job: &Job<'_>, key: &SessionKey) -> Result<OpeningText, Failure> {
    match key {
        SessionKey::Issue => issue::opening(job).await,
        SessionKey::Coordinate => coordinator::opening(job).await,
        SessionKey::Generate { task } => codegen::opening(job, task).await,
        SessionKey::Review { round, aspect } => review::opening(job, *round, *aspect).await,
        SessionKey::Validate { round } => review::validation_opening(job, *round).await,
        SessionKey::PullRequest { .. } => pr::opening(job).await,
        SessionKey::Incident => deployment::opening(job).await,
    }
}

/// The form that the answer must have.
pub(crate) fn output(key: &SessionKey) -> OutputFormat {
    let (name, schema) = match key {
        SessionKey::Issue => ("triage", issue::schema()),
        SessionKey::Coordinate => ("plan", coordinator::schema()),
        SessionKey::Generate { .. } => return OutputFormat::Text,
        SessionKey::Review { .. } => ("findings", review::schema()),
        SessionKey::Validate { .. } => ("validation", review::validation_schema()),
        SessionKey::PullRequest { .. } | SessionKey::Incident => ("wording", pr::schema()),
    };
    OutputFormat::Json { name: name.to_owned(), schema }
}

/// What the role makes of an answer.
pub(crate) fn judge(state: &RunState, key: &SessionKey, answer: &Answer) -> Judgement {
    let judged = match key {
        SessionKey::Generate { .. } => return codegen::judge(answer),
        _ if !answer.tool_calls.is_empty() => {
            Err("you have no tools here; answer with the JSON value".to_owned())
        }
        SessionKey::Issue => issue::judge(answer).map(Judgement::Triage),
        SessionKey::Coordinate => coordinator::judge(state, answer).map(Judgement::Plan),
        SessionKey::Review { aspect, .. } => review::judge(*aspect, answer),
        SessionKey::Validate { round } => review::judge_validation(state, *round, answer),
        SessionKey::PullRequest { .. } | SessionKey::Incident => pr::judge(answer),
    };
    judged.unwrap_or_else(|problem| Judgement::Corrected {
        note: format!("Your answer can't be used: {problem}. Answer again, with one JSON value of the given form and nothing else."),
    })
}

/// A strict JSON object schema: all properties required, none beside them, as the strict modes of providers demand.
fn object(properties: &Value) -> Value {
    let required: Vec<String> =
        properties.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect();
    serde_json::json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// What the host saw of a deployment.
pub(crate) fn deployment_facts(job: &Job<'_>) -> String {
    deployment::facts(job)
}
