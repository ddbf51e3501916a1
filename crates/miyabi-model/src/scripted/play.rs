//! Turns a script's answer into the port's, and refuses conversations that a real provider would refuse.

use std::collections::BTreeSet;

use miyabi_core::port::model::{Answer, Finish, Message, Request, Usage};

use super::rule::{ScriptedAnswer, ScriptedError, ScriptedErrorKind};
use crate::dialect::Dialect;
use crate::dialect::draft::{Draft, DraftCall};
use crate::failure::{Failure, from_response};

/// The answer that a script gives, or its failure.
pub(super) fn answer(scripted: &ScriptedAnswer, request: &Request) -> Result<Answer, Failure> {
    if let Some(error) = &scripted.error {
        return Err(failure(error));
    }
    let text = match &scripted.json {
        Some(value) => value.to_string(),
        None => scripted.text.clone().unwrap_or_default(),
    };
    let calls = scripted.tool_calls.iter().map(|call| {
        let arguments = match (&call.arguments, &call.broken) {
            (_, Some(broken)) => broken.clone(),
            (Some(arguments), None) => arguments.to_string(),
            (None, None) => String::new(),
        };
        DraftCall { id: call.id.clone(), name: call.name.clone(), arguments }
    });
    let usage = scripted.usage.map(|usage| Usage {
        input_tokens: usage.input_tokens,
        cached_input_tokens: usage.cached_input_tokens,
        output_tokens: usage.output_tokens,
        reasoning_tokens: usage.reasoning_tokens,
        estimated: false,
    });
    let draft = Draft {
        text,
        reasoning: scripted.reasoning.clone(),
        calls: calls.collect(),
        state: None,
        finish: Some(scripted.finish.unwrap_or(Finish::Stop)),
        usage,
    };
    // Without state the dialect leaves no trace in the answer.
    Ok(draft.into_answer(request, Dialect::Chat, 1))
}

fn failure(error: &ScriptedError) -> Failure {
    match error.kind {
        None => {
            // A script in code may leave out the status; any server fault will do.
            let status = error.status.unwrap_or(500);
            from_response(status, error.message.as_bytes(), error.retry_after_ms)
        }
        Some(ScriptedErrorKind::Disconnect) => Failure::broken_stream("it ended before the answer did"),
        Some(ScriptedErrorKind::Timeout) => Failure::unavailable("time-out: waited for the next byte"),
        Some(ScriptedErrorKind::ContextOverflow) => Failure::ContextOverflow,
        Some(ScriptedErrorKind::Quota) => Failure::QuotaExhausted,
    }
}

/// What every provider demands: each tool call is answered exactly once, before the assistant speaks again.
pub(super) fn check_conversation(request: &Request) -> Result<(), Failure> {
    let refuse = |message: String| Err(Failure::Rejected { status: 400, message });
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for (index, message) in request.messages.iter().enumerate() {
        match message {
            Message::Tool { call_id, .. } => {
                if !open.remove(call_id.as_str()) {
                    return refuse(format!(
                        "message {index} answers `{call_id}`, which is no open tool call"
                    ));
                }
            }
            Message::Assistant { .. } | Message::User { .. } => {
                if let Some(call) = open.first() {
                    return refuse(format!("message {index} comes before the result of tool call `{call}`"));
                }
                if let Message::Assistant { tool_calls, .. } = message {
                    for call in tool_calls {
                        if !open.insert(&call.id) {
                            return refuse(format!(
                                "message {index} has the tool call id `{}` twice",
                                call.id
                            ));
                        }
                    }
                }
            }
        }
    }
    match open.first() {
        Some(call) => refuse(format!("the tool call `{call}` has no result")),
        None => Ok(()),
    }
}
