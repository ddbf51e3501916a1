//! `gc`: removes what the policy says may go, and nothing whose change would be lost.

use std::collections::BTreeSet;

use anyhow::Result;
use miyabi_dashboard::api::{Collected, GcRequest};

use crate::args::Gc;
use crate::context::Context;
use crate::format::bytes;
use crate::input;
use crate::link::{Link, Need};
use crate::outcome::Exit;
use crate::print;

/// `miyabi gc`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, args: &Gc) -> Result<Exit> {
    let link = Link::open(context, Need::Look).await?;
    let collected = collect(context, &link, args).await;
    link.close().await;
    let Some(collected) = collected? else { return Ok(Exit::FAILED) };
    if context.is_json() {
        print::json(context, &collected)?;
    } else {
        show(context, &collected)?;
    }
    Ok(Exit::OK)
}

/// Cleans up; `None` when somebody was asked and said no.
async fn collect(context: &Context, link: &Link, args: &Gc) -> Result<Option<Collected>> {
    let mut discard = BTreeSet::new();
    for run in &args.discard {
        discard.insert(link.client.get_run(run).await?.run.id);
    }
    if !args.dry_run && !discard.is_empty() {
        let question = context.lang().gc_discard_question(discard.len());
        let again = format!("miyabi gc --discard {}", args.discard.join(" --discard "));
        if !input::agreed(context, &question, &again).await? {
            return Ok(None);
        }
    }
    let request = GcRequest { dry_run: args.dry_run, discard };
    Ok(Some(link.client.post("/store/gc", &request).await?))
}

fn show(context: &Context, collected: &Collected) -> Result<()> {
    let lang = context.lang();
    for run in &collected.runs {
        print::line(&lang.gc_run(run))?;
    }
    for checkout in &collected.checkouts {
        print::line(&lang.gc_checkout(checkout))?;
    }
    let (runs, checkouts) = (collected.runs.len(), collected.checkouts.len());
    let said = if collected.dry_run {
        lang.gc_would_go(runs, checkouts)
    } else {
        lang.gc_went(runs, checkouts, collected.releases)
    };
    print::note(context, &said);
    if let Some(removed) = collected.artifacts_removed {
        print::note(context, &lang.gc_contents(removed.count, bytes(removed.size_bytes)));
    }
    if let Some(first) = collected.kept_for_their_change.first() {
        let count = collected.kept_for_their_change.len();
        print::note(context, &lang.gc_kept(count, format!("miyabi gc --discard {first}")));
    }
    Ok(())
}
