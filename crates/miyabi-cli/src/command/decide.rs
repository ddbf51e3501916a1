//! `approve`, `reject`, `steer` and `stop`: a person's word to a run.

use anyhow::Result;
use miyabi_core::stop::Status;
use miyabi_dashboard::api::{self, Approval, DecideRequest, DecisionWord, List};

use super::diff;
use super::run::{conclude, text_or_stdin, timeout, view};
use super::runs::the_waiting_one;
use crate::args::{Approve, Reject, Steer, Stop};
use crate::context::Context;
use crate::follow::{self, OnWait};
use crate::input;
use crate::link::{Link, Need};
use crate::outcome::Exit;
use crate::print;

/// `miyabi approve`.
///
/// # Errors
/// As every command.
pub(crate) async fn approve(context: &Context, args: Approve) -> Result<Exit> {
    let word = Word { decision: DecisionWord::Approve, head: args.head, note: args.message };
    decide(context, args.run.as_deref(), word, args.detach).await
}

/// `miyabi reject`.
///
/// # Errors
/// As every command.
pub(crate) async fn reject(context: &Context, args: Reject) -> Result<Exit> {
    let decision = if args.changes { DecisionWord::RequestChanges } else { DecisionWord::Reject };
    let word = Word { decision, head: args.head, note: args.message };
    decide(context, args.run.as_deref(), word, args.detach).await
}

struct Word {
    decision: DecisionWord,
    head: Option<String>,
    note: Option<String>,
}

async fn decide(context: &Context, run: Option<&str>, word: Word, detach: bool) -> Result<Exit> {
    let link = Link::open(context, Need::Drive).await?;
    let run = match run {
        Some(run) => link.client.get_run(run).await?.run.id.to_string(),
        None => the_waiting_one(&link).await?.id.to_string(),
    };
    let approvals: List<Approval> = link.client.list_approvals(&run).await?;
    let pending = approvals.items.into_iter().find(|approval| approval.decision.is_none());
    if let Some(approval) = &pending
        && context.terminal.may_ask
        && !context.global.yes
    {
        show(context, &link, &run, approval).await?;
        if !input::confirm(&format!("{:?} this?", word.decision), word.decision == DecisionWord::Approve)
            .await?
        {
            link.close().await;
            return Ok(Exit::FAILED);
        }
    }
    // What the person looked at is what they decide about, also if it changes in this very moment.
    let head = word.head.or_else(|| pending.as_ref().and_then(|approval| approval.version.clone()));
    let approval = pending.map(|approval| approval.name);
    let request = DecideRequest { decision: word.decision, approval, note: word.note, head };
    let decided = link.client.decide(&run, &request).await?;
    go_on(context, link, &decided, detach).await
}

async fn show(context: &Context, link: &Link, run: &str, approval: &Approval) -> Result<()> {
    print::note(context, &context.lang().waits(&approval.reason));
    if approval.version.is_some()
        && matches!(approval.kind, api::ApprovalKind::Change | api::ApprovalKind::DisputedReview)
    {
        diff::show(context, link, run, diff::Form::Stat).await?;
    }
    Ok(())
}

/// `miyabi steer`.
///
/// # Errors
/// As every command.
pub(crate) async fn steer(context: &Context, args: &Steer) -> Result<Exit> {
    let text = text_or_stdin(&args.text).await?;
    let link = Link::open(context, Need::Drive).await?;
    let steered = link.client.steer(&args.run, &text).await?;
    go_on(context, link, &steered, args.detach).await
}

/// `miyabi stop`.
///
/// # Errors
/// As every command.
pub(crate) async fn stop(context: &Context, args: &Stop) -> Result<Exit> {
    let mut link = Link::open(context, Need::Drive).await?;
    let stopped = link.client.stop_run(&args.run).await?;
    let options = follow::Options {
        view: follow::View::Nothing,
        on_wait: OnWait::Block,
        until: None,
        timeout: timeout(context)?,
    };
    let followed = follow::follow(context, &mut link, stopped.id, &options).await?;
    if context.is_json() {
        let run = link.client.get_run(&stopped.id.to_string()).await?.run;
        print::json(context, &run)?;
    } else if let Some(stop) = &followed.state.stop {
        print::note(context, &context.lang().not_done(stop.kind.as_str(), &stop.cause));
    }
    link.close().await;
    Ok(Exit::OK)
}

/// After a word to a run: whoever owns the data folder drives it on, so this command stays with it.
async fn go_on(context: &Context, mut link: Link, run: &api::Run, detach: bool) -> Result<Exit> {
    if detach || !link.drives() || run.state.has_ended() || run.state == Status::Waiting {
        if context.is_json() {
            print::json(context, run)?;
        }
        link.close().await;
        return Ok(Exit::OK);
    }
    let on_wait = if context.terminal.may_ask { OnWait::Prompt } else { OnWait::Return };
    let options = follow::Options { view: view(context), on_wait, until: None, timeout: timeout(context)? };
    let followed = follow::follow(context, &mut link, run.id, &options).await?;
    let exit = conclude(context, &link, &followed).await?;
    link.close().await;
    Ok(exit)
}
