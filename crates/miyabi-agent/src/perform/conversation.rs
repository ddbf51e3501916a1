//! Asks a model for the next answer of a conversation, and lets the role judge it.

use miyabi_core::budget::{Reserve, estimate_tokens};
use miyabi_core::digest::Digest;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::artifacts::Error as ArtifactsError;
use miyabi_core::port::model::{Answer, Error as ModelError, NoPreview, Request};
use miyabi_core::run::spec::RoleModel;
use miyabi_core::run::step::{Effect, SessionKey};
use miyabi_core::run::value::{CallRef, Opening, Spent, ToolTraits, Turn};
use miyabi_core::run::{RunState, Step, StepValue};

use super::{Job, Ports, missing_fact};
use crate::prompt::{self, OpeningText};
use crate::role;

/// What an answer may cost at worst. The request is built for this alone and thrown away: it is cheap, and the real
/// one may have more words in it by then, which the next reservation sees.
pub(super) async fn reserve(ports: &Ports, state: &RunState, step: &Step) -> Result<Reserve, Failure> {
    let (Step::Ask { session, .. } | Step::Compact { session, .. }) = step else {
        return Err(missing_fact("a model call"));
    };
    let model = model_of(state, session)?;
    let tools: u64 =
        ports.tools.tools(session.role()).iter().map(|tool| estimate_tokens(&tool.description) + 200).sum();
    let known = state.sessions.get(session).map_or(0, miyabi_core::run::session::Session::tokens);
    // Before the first answer the opening's size is not known; a tenth of the context is more than one has.
    let opening = if known == 0 { model.context_tokens / 10 } else { 0 };
    Ok(Reserve::worst_case(known + opening + tools, model.max_output_tokens, model.price))
}

/// The next answer.
pub(super) async fn ask(job: &Job<'_>, key: &SessionKey) -> Result<StepValue, Failure> {
    let model = model_of(job.state, key)?;
    let session = job.state.sessions.get(key);
    let (opening, fresh) = match session.and_then(|session| session.opening.as_ref()) {
        Some(opening) => (load_opening(job, opening.digest).await?, None),
        None => {
            let text = role::opening(job, key).await?;
            let bytes = serde_json::to_vec(&text).map_err(|_| missing_fact("a writable opening"))?;
            let digest = job.ports.artifacts.put(&bytes).await.map_err(ArtifactsError::into_failure)?;
            let tokens = estimate_tokens(&text.system) + estimate_tokens(&text.task);
            (text, Some(Opening { digest, tokens }))
        }
    };
    let mut messages = vec![prompt::user(&opening.task)];
    if let Some(session) = session {
        messages.extend(prompt::messages(job, key, session).await?);
    }
    let request = Request {
        model: model.name.clone(),
        system: opening.system,
        messages,
        tools: job.ports.tools.tools(key.role()),
        tool_choice: miyabi_core::port::model::ToolChoice::Auto,
        output: role::output(key),
        max_output_tokens: model.max_output_tokens,
        effort: None,
        cache_key: cache_key(job.state, key),
    };
    let answer = send(job, &request).await?;
    let judgement = role::judge(job.state, key, &answer);
    let calls = call_refs(job, &answer);
    let bytes = serde_json::to_vec(&answer).map_err(|_| missing_fact("a writable answer"))?;
    let digest = job.ports.artifacts.put(&bytes).await.map_err(ArtifactsError::into_failure)?;
    let tokens = answer.usage.output_tokens.max(estimate_tokens(&answer.text));
    let spent = spent(model, &answer);
    Ok(StepValue::Turn(Turn { answer: digest, tokens, opening: fresh, calls, judgement, spent }))
}

/// A summary of a conversation's older part.
pub(super) async fn compact(job: &Job<'_>, key: &SessionKey) -> Result<StepValue, Failure> {
    let model = model_of(job.state, key)?;
    let session = job.state.sessions.get(key).ok_or_else(|| missing_fact("the conversation"))?;
    let opening = session.opening.as_ref().ok_or_else(|| missing_fact("the conversation's opening"))?;
    let opening = load_opening(job, opening.digest).await?;
    let request = Request {
        model: model.name.clone(),
        system: prompt::compact::SYSTEM.to_owned(),
        messages: vec![prompt::user(&prompt::compact::task(job, key, session, &opening).await?)],
        tools: Vec::new(),
        tool_choice: miyabi_core::port::model::ToolChoice::None,
        output: miyabi_core::port::model::OutputFormat::Text,
        max_output_tokens: model.max_output_tokens.min(prompt::compact::MAX_TOKENS),
        effort: None,
        cache_key: format!("{}/compact", cache_key(job.state, key)),
    };
    let answer = send(job, &request).await?;
    let summary = job.store(&answer.text).await?;
    Ok(StepValue::Compacted { summary, tokens: estimate_tokens(&answer.text), spent: spent(model, &answer) })
}

fn model_of<'a>(state: &'a RunState, key: &SessionKey) -> Result<&'a RoleModel, Failure> {
    let role = key.role();
    let model = state.spec.models.get(role).or_else(|| state.spec.models.get("default"));
    model.ok_or_else(|| {
        Failure::needs_person(ErrorCode::ModelUnknown, format!("no model is set for `{role}`"))
    })
}

/// Stable for a conversation, so that the provider finds its cache and a script its place.
fn cache_key(state: &RunState, key: &SessionKey) -> String {
    format!("{}/{key}", state.run_id)
}

async fn load_opening(job: &Job<'_>, digest: Digest) -> Result<OpeningText, Failure> {
    let bytes = job.ports.artifacts.get(digest).await.map_err(ArtifactsError::into_failure)?;
    serde_json::from_slice(&bytes).map_err(|_| missing_fact("a readable opening"))
}

async fn send(job: &Job<'_>, request: &Request) -> Result<Answer, Failure> {
    job.ports.model.ask(request, &NoPreview, &job.attempt.cancel).await.map_err(|error| model_failure(&error))
}

fn call_refs(job: &Job<'_>, answer: &Answer) -> Vec<CallRef> {
    // An unknown tool is answered by the tool host with an error and changes nothing.
    let harmless = ToolTraits { effect: Effect::Pure, reads_only: true };
    let refs = answer.tool_calls.iter().map(|call| {
        let ToolTraits { effect, reads_only } = job.ports.tools.traits(&call.name).unwrap_or(harmless);
        let arguments = Digest::of_json(&call.arguments);
        CallRef { id: call.id.clone(), tool: call.name.clone(), arguments, effect, reads_only }
    });
    refs.collect()
}

fn spent(model: &RoleModel, answer: &Answer) -> Spent {
    Spent {
        model: answer.model.clone(),
        usage: answer.usage,
        cost_usd_micros: model.price.cost(&answer.usage),
        attempts: answer.attempts,
    }
}

/// What the engine does about a model that did not answer. The adapter has tried again and its fallbacks already.
fn model_failure(error: &ModelError) -> Failure {
    let message = error.to_string();
    match error {
        ModelError::Unknown(_) => Failure::needs_person(ErrorCode::ModelUnknown, message),
        ModelError::Authentication { .. } => Failure::needs_person(ErrorCode::ModelAuthentication, message),
        ModelError::RateLimited { .. } => Failure::retry(ErrorCode::ModelRateLimited, message),
        ModelError::Unavailable { .. } => Failure::retry(ErrorCode::ModelUnavailable, message),
        ModelError::Rejected { .. } => Failure::permanent(ErrorCode::ModelRejected, message),
        ModelError::ContextOverflow { .. } => Failure::permanent(ErrorCode::ModelContextOverflow, message),
        ModelError::Cancelled => Failure::cancelled(),
    }
}
