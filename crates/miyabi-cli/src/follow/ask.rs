//! Puts a run's question to the user at the terminal.

use anyhow::Result;
use miyabi_core::id::RunId;
use miyabi_core::run::event::ApprovalSubject;
use miyabi_core::run::state::Approval;
use miyabi_dashboard::api::{DecideRequest, DecisionWord};

use super::Ended;
use crate::command::diff;
use crate::context::Context;
use crate::input;
use crate::link::Link;
use crate::outcome::report;

/// Approves by itself.
pub(super) async fn approve(context: &Context, link: &Link, run: RunId, name: &str) -> Result<()> {
    let request = DecideRequest {
        approval: Some(name.to_owned()),
        head: None,
        decision: DecisionWord::Approve,
        note: Some(context.lang().approved_by_itself()),
    };
    link.client.decide(&run.to_string(), &request).await?;
    Ok(())
}

/// Asks until there is an answer that decides something.
pub(super) async fn ask(
    context: &Context,
    link: &Link,
    run: RunId,
    name: &str,
    approval: &Approval,
) -> Result<Option<Ended>> {
    if matches!(approval.request.subject, ApprovalSubject::Question { .. }) {
        return answer(context, link, run).await;
    }
    loop {
        let Some(line) = input::line(&context.lang().decide_prompt()).await? else {
            return Ok(Some(Ended::Waiting));
        };
        let decision = match line.trim().to_lowercase().as_str() {
            "d" | "diff" => {
                // A change that can't be shown must not take the decision away.
                if let Err(error) = diff::show(context, link, &run.to_string(), diff::Form::Patch).await {
                    report(Some(context), &error);
                }
                continue;
            }
            "a" | "approve" | "y" | "yes" => (DecisionWord::Approve, None),
            "r" | "changes" => {
                let Some(note) = input::line(&context.lang().changes_prompt()).await? else { continue };
                (DecisionWord::RequestChanges, Some(note).filter(|note| !note.trim().is_empty()))
            }
            "s" | "stop" => (DecisionWord::Reject, None),
            _ => continue,
        };
        let request = DecideRequest {
            approval: Some(name.to_owned()),
            head: None,
            decision: decision.0,
            note: decision.1,
        };
        link.client.decide(&run.to_string(), &request).await?;
        return Ok(None);
    }
}

async fn answer(context: &Context, link: &Link, run: RunId) -> Result<Option<Ended>> {
    loop {
        let Some(line) = input::line(&context.lang().answer_prompt()).await? else {
            return Ok(Some(Ended::Waiting));
        };
        if !line.trim().is_empty() {
            link.client.steer(&run.to_string(), line.trim()).await?;
            return Ok(None);
        }
    }
}
