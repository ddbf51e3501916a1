//! Requests to models: append-only, built from artifacts, each piece with its label.
//!
//! A conversation's request is always the last one plus what came since. The one exception is deliberate and rare:
//! when old tool output is left out, or a summary takes the place of the older part.

pub(crate) mod compact;
mod report;
pub(crate) mod text;

use miyabi_core::error::Failure;
use miyabi_core::label::Label;
use miyabi_core::port::artifacts::Error as ArtifactsError;
use miyabi_core::port::model::{Answer, Message};
use miyabi_core::run::session::{CallResult, Entry, Session};
use miyabi_core::run::step::SessionKey;
use serde::{Deserialize, Serialize};

use crate::perform::{Job, missing_fact};

/// The beginning of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpeningText {
    /// Standing instructions: the same for all conversations of a role.
    pub(crate) system: String,
    /// The task, with everything known about it.
    pub(crate) task: String,
}

pub(crate) fn user(text: &str) -> Message {
    Message::User { text: text.to_owned() }
}

/// Everything that was said after the opening.
pub(crate) async fn messages(
    job: &Job<'_>,
    key: &SessionKey,
    session: &Session,
) -> Result<Vec<Message>, Failure> {
    let mut messages = Vec::with_capacity(session.entries.len());
    for (index, entry) in session.entries.iter().enumerate() {
        messages.push(match entry {
            Entry::Answer { digest, .. } => {
                let bytes = job.ports.artifacts.get(*digest).await.map_err(ArtifactsError::into_failure)?;
                let answer: Answer =
                    serde_json::from_slice(&bytes).map_err(|_| missing_fact("a readable answer"))?;
                let Answer { text, tool_calls, provider_state, .. } = answer;
                Message::Assistant { text, tool_calls, provider_state }
            }
            Entry::Result { call, result } => {
                let is_masked = index < session.masked_before;
                let (content, is_error) = result_text(job, result, is_masked).await?;
                Message::Tool { call_id: call.id.clone(), name: call.tool.clone(), content, is_error }
            }
            Entry::Guidance { text, .. } => {
                let words = text::block("guidance", Label::Writer, &job.text(*text).await?);
                user(&words)
            }
            Entry::Note { text } => user(text),
            Entry::Summary { digest, .. } => {
                let summary = job.text(*digest).await?;
                user(&compact::render(job, key, &summary))
            }
        });
    }
    Ok(messages)
}

/// What the model is told about a call, and whether it failed.
async fn result_text(job: &Job<'_>, result: &CallResult, is_masked: bool) -> Result<(String, bool), Failure> {
    Ok(match result {
        CallResult::Tool { digest, tokens, is_error } if is_masked => {
            (format!("[{tokens} tokens of output left out; `recall` {digest} shows them]"), *is_error)
        }
        CallResult::Tool { digest, is_error, .. } => (job.text(*digest).await?, *is_error),
        CallResult::Host { text, is_error } => (text.clone(), *is_error),
        CallResult::Person { text, .. } => {
            (text::block("answer", Label::Writer, &job.text(*text).await?), false)
        }
        CallResult::Gates { target } => (report::gates(job, target).await?, true),
        CallResult::Refresh { step } => (report::refresh(job, step).await?, true),
    })
}
