//! Carries out tool calls of a conversation.

use miyabi_core::budget::estimate_tokens;
use miyabi_core::digest::Digest;
use miyabi_core::error::Failure;
use miyabi_core::plan::TaskKey;
use miyabi_core::port::artifacts::Error as ArtifactsError;
use miyabi_core::port::model::{Answer, Arguments};
use miyabi_core::port::tool_host::{ToolResult, ToolScope};
use miyabi_core::run::planned::task_of;
use miyabi_core::run::session::{CallResult, Entry, Session};
use miyabi_core::run::step::SessionKey;
use miyabi_core::run::value::Called;
use miyabi_core::run::{RunState, StepValue};

use super::{Job, missing_fact};

pub(super) async fn call(job: &Job<'_>, key: &SessionKey, index: u32) -> Result<StepValue, Failure> {
    let session = job.state.sessions.get(key).ok_or_else(|| missing_fact("the conversation"))?;
    let open = session.calls.get(index as usize).ok_or_else(|| missing_fact("the tool call"))?;
    let SessionKey::Generate { task } = key else {
        return Err(missing_fact("a conversation with tools"));
    };
    let scope = scope(job, task, session).await?;
    let result = match arguments(job, session, index).await? {
        Arguments::Json(arguments) => {
            let tools = &job.ports.tools;
            tools
                .call(&scope, &open.call.tool, &arguments, job.attempt.is_repeat, &job.attempt.cancel)
                .await?
        }
        Arguments::Broken(text) => broken_arguments(&text),
    };
    job.check_cancelled()?;
    let snapshot = if result.may_have_changed {
        Some(job.ports.checkouts.snapshot(&scope.checkout).await?)
    } else {
        None
    };
    let tokens = estimate_tokens(&result.text);
    let ToolResult { text, is_error, control, .. } = result;
    Ok(StepValue::Called(Called { result: job.store(&text).await?, tokens, is_error, snapshot, control }))
}

async fn scope(job: &Job<'_>, task: &TaskKey, session: &Session) -> Result<ToolScope, Failure> {
    let opened = job.state.opened().ok_or_else(|| missing_fact("the project"))?;
    let touches = task_of(job.state, task).map_or_else(Vec::new, |task| task.touches);
    Ok(ToolScope {
        checkout: job.checkout(&task.0),
        project: job.project().await?,
        checks: opened.checks.clone(),
        touches,
        limits: job.settings.command_limits.clone(),
        recallable: recallable(job, session).await?,
    })
}

/// Artifacts that results of this conversation named: the model may page through what it was shown, nothing else.
async fn recallable(job: &Job<'_>, session: &Session) -> Result<Vec<Digest>, Failure> {
    let mut all = gate_logs(job.state);
    for entry in &session.entries {
        let Entry::Result { result: CallResult::Tool { digest, .. }, .. } = entry else {
            continue;
        };
        all.push(*digest);
        let text = job.text(*digest).await?;
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':');
        all.extend(words.filter_map(|word| word.parse::<Digest>().ok()));
    }
    Ok(all)
}

fn gate_logs(state: &RunState) -> Vec<Digest> {
    let reports = state.ended.values().filter_map(|ended| match &ended.result {
        Ok(StepValue::Gated(report)) => Some(report),
        _ => None,
    });
    reports
        .flat_map(|report| &report.results)
        .flat_map(|result| &result.evidence)
        .map(|run| run.log)
        .collect()
}

/// The arguments of an open call, from the answer that made it.
async fn arguments(job: &Job<'_>, session: &Session, index: u32) -> Result<Arguments, Failure> {
    let answer = session.entries.iter().rev().find_map(|entry| match entry {
        Entry::Answer { digest, .. } => Some(*digest),
        _ => None,
    });
    let answer = answer.ok_or_else(|| missing_fact("the answer"))?;
    let bytes = job.ports.artifacts.get(answer).await.map_err(ArtifactsError::into_failure)?;
    let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| missing_fact("a readable answer"))?;
    let call = answer.tool_calls.into_iter().nth(index as usize);
    call.map(|call| call.arguments).ok_or_else(|| missing_fact("the tool call"))
}

fn broken_arguments(text: &str) -> ToolResult {
    let shown: String = text.chars().take(200).collect();
    ToolResult {
        text: format!("the arguments are not JSON; send one JSON object. They began with: {shown}"),
        structured: None,
        is_error: true,
        may_have_changed: false,
        control: None,
    }
}
