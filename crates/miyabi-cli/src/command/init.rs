//! `init`: connects the repository, and proposes what the two configuration files should say. Nothing is written
//! before it was shown; repeating it proposes only what is missing.

mod propose;
mod wish;

use anyhow::Result;
use miyabi_core::error::ErrorCode;
use miyabi_dashboard::api::{ConnectProject, Problem, Project};
use miyabi_workspace::git::Git;
use miyabi_workspace::repositories::UserCheckout;
use serde::Serialize;

use super::doctor::REMOTE;
use super::project;
use crate::args::Init;
use crate::context::Context;
use crate::input;
use crate::link::{Link, Need};
use crate::outcome::{Exit, usage};
use crate::print;
use crate::userfile;
use crate::wire::find_program;
use propose::Proposal;
use wish::Wish;

/// What `init --print --json` prints.
#[derive(Debug, Serialize)]
struct Planned<'a> {
    path: String,
    name: Option<&'a str>,
    branch: &'a str,
    files: Vec<propose::Shown>,
}

/// `miyabi init`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, args: &Init) -> Result<Exit> {
    let git = Git::open(find_program("git", &context.variables)).await?;
    let seen = find(context, &git).await?;
    let known = known(context, &seen).await?;
    let effective = context.settings.read(Some(&seen.root))?;
    let wish = Wish::gather(context, args, &seen, known.as_ref(), &effective).await?;
    let proposal = Proposal::new(context, &wish, &seen, &effective, args.force)?;
    if args.print {
        show(context, &seen, &wish, &proposal, context.is_json())?;
        return Ok(Exit::OK);
    }
    show(context, &seen, &wish, &proposal, false)?;
    let is_settled = known.as_ref().is_some_and(|project| {
        let has_remote = seen.remotes.get(REMOTE).is_some_and(|has| *has == address(context, project));
        project.branch == wish.branch && has_remote && proposal.is_empty()
    });
    if is_settled {
        print::note(context, &context.lang().init_is_done());
    } else if !agreed(context).await? {
        return Ok(Exit::FAILED);
    }
    let project = carry_out(context, &seen, &wish, &proposal).await?;
    set_remote(context, &git, &seen, &project).await?;
    conclude(context, &project, &effective.config.models, &wish).await
}

/// The checkout around the folder.
async fn find(context: &Context, git: &Git) -> Result<UserCheckout> {
    let root = userfile::repository_root(&context.folder).ok_or_else(|| {
        let detail = format!("`{}` is not in a git repository", context.folder.display());
        Problem::new(ErrorCode::NotARepository, detail).with_hint("make it one", Some("git init"))
    })?;
    let seen = UserCheckout::look(git, &root).await?;
    if !seen.has_commits {
        let detail = format!("the repository `{}` has no commit yet", root.display());
        let problem = Problem::new(ErrorCode::RevisionInvalid, detail);
        return Err(problem.with_hint("make the first one", Some("git commit -m \"Begin\"")).into());
    }
    Ok(seen)
}

/// The project that this checkout is already. Looking does not make a data folder.
async fn known(context: &Context, seen: &UserCheckout) -> Result<Option<Project>> {
    let Some(link) = project::link_if_used(context).await? else { return Ok(None) };
    let all = project::all(&link).await;
    link.close().await;
    Ok(all?.into_iter().find(|project| *project.path == *seen.root.to_string_lossy()))
}

/// What will be true afterwards.
fn show(
    context: &Context,
    seen: &UserCheckout,
    wish: &Wish,
    proposal: &Proposal,
    as_json: bool,
) -> Result<()> {
    if as_json {
        let path = seen.root.display().to_string();
        let (name, branch) = (wish.name.as_deref(), wish.branch.as_str());
        return print::json(context, &Planned { path, name, branch, files: proposal.shown() });
    }
    let lang = context.lang();
    print::note(context, &lang.init_connects(seen.root.display(), &wish.branch));
    for kept in &proposal.kept {
        print::note(context, &lang.init_keeps(&kept.key, &kept.value));
    }
    if context.is_json() {
        return Ok(());
    }
    for file in &proposal.files {
        file.diff().lines().try_for_each(|line| print::line(&print::diff_line(context, line)))?;
    }
    Ok(())
}

async fn agreed(context: &Context) -> Result<bool> {
    if context.global.yes {
        return Ok(true);
    }
    if !context.terminal.may_ask {
        return Err(usage("nobody is here to confirm this", "miyabi init --yes, or --print to look at it"));
    }
    input::confirm(&context.lang().init_question(), true).await
}

async fn carry_out(
    context: &Context,
    seen: &UserCheckout,
    wish: &Wish,
    proposal: &Proposal,
) -> Result<Project> {
    let link = Link::open(context, Need::Look).await?;
    let request = ConnectProject {
        path: seen.root.to_string_lossy().into_owned(),
        branch: wish.branch.clone(),
        name: wish.name.clone(),
    };
    let project: Result<Project, Problem> = link.client.post("/projects", &request).await;
    link.close().await;
    let project = project?;
    proposal.write()?;
    Ok(project)
}

/// Where the project's own repository is, as a remote's address.
fn address(context: &Context, project: &Project) -> String {
    project::repository(context, project).display().to_string()
}

/// Offers the remote by which `git pull` brings merged changes.
async fn set_remote(context: &Context, git: &Git, seen: &UserCheckout, project: &Project) -> Result<()> {
    let wanted = address(context, project);
    let is_wanted = match seen.remotes.get(REMOTE) {
        Some(has) if *has == wanted => return Ok(()),
        _ if context.global.yes => true,
        _ => {
            context.terminal.may_ask
                && input::confirm(&context.lang().init_remote_question(REMOTE), true).await?
        }
    };
    if is_wanted {
        UserCheckout::set_remote(git, &seen.root, REMOTE, wanted.as_ref()).await?;
        print::note(context, &context.lang().init_remote_set(REMOTE, &project.branch));
    }
    Ok(())
}

/// Says what is now true, and the one command that comes next.
async fn conclude(
    context: &Context,
    project: &Project,
    before: &miyabi_core::config::Models,
    wish: &Wish,
) -> Result<Exit> {
    if context.is_json() {
        print::json(context, project)?;
    }
    let lang = context.lang();
    print::note(context, &lang.init_connected(&project.name));
    let has_model = wish.model.is_some() || before.default.is_some();
    let next =
        if has_model { first_run(context, project).await? } else { "miyabi model add openai".to_owned() };
    print::note(context, &lang.next(next));
    Ok(Exit::OK)
}

/// The newest open issue, or words.
async fn first_run(context: &Context, project: &Project) -> Result<String> {
    let link = Link::open(context, Need::Look).await?;
    let number = super::issues::newest_open(&link, project).await;
    link.close().await;
    Ok(match number? {
        Some(number) => format!("miyabi run \"#{number}\""),
        None => "miyabi run \"describe a small change\"".to_owned(),
    })
}
