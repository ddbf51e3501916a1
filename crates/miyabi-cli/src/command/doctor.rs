//! `doctor`: looks at everything a run needs, side by side, and says how to cure what is wrong. `--fix` does only what
//! can be taken back.

mod data;
mod finding;
mod machine;
mod models;
mod repository;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use miyabi_workspace::git::Git;
use miyabi_workspace::repositories::UserCheckout;
use serde::Serialize;
use tokio::time::timeout;

use crate::args::Doctor;
use crate::context::Context;
use crate::input;
use crate::link::{Link, Need};
use crate::outcome::Exit;
use crate::print;
use crate::style::Role;
use crate::userfile;
use crate::wire::find_program;
use finding::{Finding, Fix, Group, Verdict};

pub(super) use repository::detected;

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// All that was found, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Examined {
    checks: Vec<Finding>,
    problems: usize,
}

/// `miyabi doctor`.
///
/// # Errors
/// When output can't be written, or a repair fails.
pub(crate) async fn run(context: &Context, args: &Doctor) -> Result<Exit> {
    let mut findings = Box::pin(examine(context, args.offline)).await;
    if args.fix && repair(context, &findings).await? {
        findings = Box::pin(examine(context, args.offline)).await;
    }
    let problems = findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
    if context.is_json() {
        print::json(context, &Examined { checks: findings, problems })?;
    } else {
        show(context, &findings)?;
        print::note(context, &context.lang().doctor_summary(problems));
        print::note(context, &context.lang().doctor_is_safe());
    }
    Ok(if problems == 0 { Exit::OK } else { Exit::UNHEALTHY })
}

/// All checks. Those that need the data folder's owner share one way to it.
async fn examine(context: &Context, offline: bool) -> Vec<Finding> {
    let root = userfile::repository_root(&context.folder);
    let settings = context.settings.read(root.as_deref());
    let effective = settings.as_ref().ok();
    let link = Link::open(context, Need::Look).await;
    let client = link.as_ref().ok().map(|link| &link.client);
    let owner = link.as_ref().ok().and_then(Link::owner);
    let lang = context.lang();
    let (machine, git, sandbox, data, repository, models) = tokio::join!(
        async { machine::look(context) },
        limited(Group::Machine, "git", context, machine::git(context)),
        limited(Group::Machine, "sandbox", context, machine::sandbox(context, effective, owner)),
        limited(Group::Data, "data folder", context, data::look(context, &link)),
        limited(Group::Repository, "repository", context, repository::look(context, root, effective, client)),
        models::look(lang, effective, client, offline),
    );
    let mut findings = [git, sandbox, machine, data].concat();
    findings.extend(data::configuration(lang, &settings));
    findings.extend(repository);
    findings.extend(models);
    if let Ok(link) = link {
        link.close().await;
    }
    findings
}

/// A check's findings, or the one that it took too long.
async fn limited(
    group: Group,
    name: &str,
    context: &Context,
    check: impl Future<Output = Vec<Finding>>,
) -> Vec<Finding> {
    let late = |_| vec![Finding::warn(group, name, context.lang().doctor_too_slow(PATIENCE.as_secs()))];
    timeout(PATIENCE, check).await.unwrap_or_else(late)
}

fn show(context: &Context, findings: &[Finding]) -> Result<()> {
    if context.global.plain {
        for Finding { group, name, verdict, detail, cure, .. } in findings {
            let cure = cure.as_deref().unwrap_or_default();
            print::line(&format!("{}\t{name}\t{}\t{detail}\t{cure}", group.as_str(), verdict.as_str()))?;
        }
        return Ok(());
    }
    let painter = context.painter();
    let mut group = None;
    for finding in findings {
        if group.replace(finding.group) != Some(finding.group) {
            let heading = context.lang().doctor_group(finding.group.as_str());
            print::line(&painter.paint(Role::Bold, &heading))?;
        }
        let mark = finding.verdict.mark(painter);
        print::line(&format!("  {mark} {}: {}", finding.name, finding.detail))?;
        if let Some(cure) = &finding.cure {
            let label = context.lang().label_fix();
            print::line(&format!("    {} {cure}", painter.paint(Role::Dim, label.trim())))?;
        }
    }
    Ok(())
}

/// Offers each repair; whether one was made.
async fn repair(context: &Context, findings: &[Finding]) -> Result<bool> {
    let mut is_any_made = false;
    for finding in findings {
        let Some(fix) = &finding.fix else { continue };
        let what = fix.words();
        let is_wanted = context.global.yes
            || (context.terminal.may_ask
                && input::confirm(&context.lang().doctor_fix_question(&what), true).await?);
        if !is_wanted {
            print::note(context, &context.lang().doctor_fix_left(&what));
            continue;
        }
        make(context, fix).await?;
        print::note(context, &context.lang().doctor_fixed(&what));
        is_any_made = true;
    }
    Ok(is_any_made)
}

async fn make(context: &Context, fix: &Fix) -> Result<()> {
    match fix {
        Fix::MakePrivate { path, mode } => {
            use std::os::unix::fs::PermissionsExt as _;
            tokio::fs::set_permissions(path, std::fs::Permissions::from_mode(*mode)).await?;
        }
        Fix::SetRemote { root, address } => {
            let git = Git::open(find_program("git", &context.variables)).await?;
            UserCheckout::set_remote(&git, root, REMOTE, Path::new(address)).await?;
        }
    }
    Ok(())
}

/// The name of the remote by which a user gets our branches.
pub(super) const REMOTE: &str = "miyabi";
