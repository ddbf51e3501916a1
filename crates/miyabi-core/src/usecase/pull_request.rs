//! Pull requests of the forge.
//!
//! A run merges its own pull request, after gates on the merged files. What a person merges here are those whose run
//! has ended, and those that take a change back; and only when the branch has not moved since their files were
//! checked, for nobody checks them anew.

use super::issue::named;
use super::{Act, Caller, Error, Page, Runs, may, page_size};
use crate::forge::{Openness, PullRequest, PullRequestState};
use crate::id::RunId;
use crate::port::forge::Forge;
use crate::port::repositories::{Change, Replant, Repositories};
use crate::project::Project;
use crate::run::value::Candidate;

/// The largest diff, in bytes; longer ones are cut and say so.
pub const MAX_DIFF_BYTES: u64 = 8 * 1024 * 1024;

/// The run that made a pull request, by its marker (`miyabi:<run>`, or `miyabi:<run>:revert`).
pub fn run_of(pull_request: &PullRequest) -> Option<RunId> {
    pull_request.marker.split(':').nth(1)?.parse().ok()
}

/// Whether a pull request takes a change back.
fn is_revert(pull_request: &PullRequest) -> bool {
    pull_request.marker.ends_with(":revert")
}

/// Pull requests, newest first.
///
/// # Errors
/// Those of the forge.
pub async fn list_pull_requests(
    forge: &dyn Forge,
    caller: &Caller,
    project: &Project,
    openness: Openness,
    before: Option<u64>,
    limit: u32,
) -> Result<Page<PullRequest, u64>, Error> {
    may(caller, Act::ReadPullRequests)?;
    let limit = page_size(limit);
    let found = forge.list_pull_requests(project, openness, before, limit + 1).await?;
    Ok(Page::cut(found, limit, |pull_request| pull_request.number))
}

/// A pull request.
///
/// # Errors
/// [`Error::NotFound`], and those of the forge.
pub async fn get_pull_request(
    forge: &dyn Forge,
    caller: &Caller,
    project: &Project,
    number: u64,
) -> Result<PullRequest, Error> {
    may(caller, Act::ReadPullRequests)?;
    find(forge, project, number).await
}

/// What a pull request changes: the difference to the last commit that it shares with its base branch.
///
/// # Errors
/// [`Error::NotFound`], and those of forge and repository.
pub async fn diff_pull_request(
    forge: &dyn Forge,
    repositories: &dyn Repositories,
    caller: &Caller,
    project: &Project,
    number: u64,
) -> Result<(String, String, Change), Error> {
    may(caller, Act::ReadPullRequests)?;
    let pull_request = find(forge, project, number).await?;
    let head = pull_request.head;
    // Merging makes a new commit, so that the head itself stays beside the branch and this holds afterwards too.
    let base = repositories.head(project, &pull_request.base_branch).await?;
    let base = base.map(|base| base.commit).unwrap_or_else(|| head.clone());
    let common = repositories.merge_base(project, &base, &head).await?.unwrap_or(base);
    let change = repositories.diff(project, &common, &head, MAX_DIFF_BYTES).await?;
    Ok((common, head, change))
}

/// Merges a pull request. Repeating it is harmless. With `head`, only if that is still its commit.
///
/// # Errors
/// [`Error::Conflict`] when it was closed, when its run is at work, when it or its base branch has moved.
pub async fn merge_pull_request(
    runs: &Runs,
    forge: &dyn Forge,
    repositories: &dyn Repositories,
    caller: &Caller,
    project: &Project,
    number: u64,
    head: Option<&str>,
) -> Result<PullRequest, Error> {
    may(caller, Act::WritePullRequests)?;
    let found = find(forge, project, number).await?;
    match found.state {
        PullRequestState::Merged => return Ok(found),
        PullRequestState::Closed => return Err(conflict(format!("pull request #{number} is closed"), None)),
        PullRequestState::Open => {}
    }
    if head.is_some_and(|head| head.len() < 7 || !found.head.starts_with(head)) {
        let message = format!("pull request #{number} has another commit than the one you looked at");
        return Err(conflict(message, Some("look at its diff again")));
    }
    refuse_working_run(runs, caller, &found).await?;
    let base = repositories.head(project, &found.base_branch).await?;
    let base = base.ok_or_else(|| Error::not_found("branch", &found.base_branch))?;
    let moved = || {
        let message = format!("`{}` has moved since the change was checked", found.base_branch);
        conflict(message, Some("run its issue again: the new run starts from the branch as it is now"))
    };
    let common = repositories.merge_base(project, &base.commit, &found.head).await?.ok_or_else(moved)?;
    let at = runs.clock.now();
    let message = format!("{} (#{number})\n", found.title);
    let replant = Replant { commit: &found.head, base: &common, onto: &base.commit, message: &message, at };
    let Candidate::Clean { commit, same_tree: true, .. } = repositories.replant(project, &replant).await?
    else {
        return Err(moved());
    };
    if !forge.merge(project, number, &commit, &base.commit, at).await? {
        return Err(moved());
    }
    find(forge, project, number).await
}

/// Closes a pull request without merging it; doing so twice is the same as once.
///
/// # Errors
/// [`Error::Conflict`] when it is merged, or its run is at work.
pub async fn close_pull_request(
    runs: &Runs,
    forge: &dyn Forge,
    caller: &Caller,
    project: &Project,
    number: u64,
) -> Result<PullRequest, Error> {
    may(caller, Act::WritePullRequests)?;
    let found = find(forge, project, number).await?;
    match found.state {
        PullRequestState::Closed => return Ok(found),
        PullRequestState::Merged => {
            return Err(conflict(format!("pull request #{number} is merged already"), None));
        }
        PullRequestState::Open => {}
    }
    refuse_working_run(runs, caller, &found).await?;
    forge.close_pull_request(project, number, runs.clock.now()).await?;
    find(forge, project, number).await
}

async fn find(forge: &dyn Forge, project: &Project, number: u64) -> Result<PullRequest, Error> {
    let found = forge.get_pull_request(project, number).await;
    found.map_err(|failure| named(failure, "pull request", number))
}

/// A run that has not ended merges its pull request itself; two hands on it would do it twice.
async fn refuse_working_run(runs: &Runs, caller: &Caller, found: &PullRequest) -> Result<(), Error> {
    let Some(run) = run_of(found).filter(|_| !is_revert(found)) else {
        return Ok(());
    };
    let row = runs.journal.find(caller.tenant, run).await?;
    match row.filter(|row| !row.status.has_ended()) {
        None => Ok(()),
        Some(row) => Err(Error::Conflict {
            message: format!("run `{run}` is at work on pull request #{}", found.number),
            remedy: Some(if row.waits_for.is_empty() {
                format!("follow it with `miyabi watch {run}`, or stop it with `miyabi stop {run}`")
            } else {
                format!("decide with `miyabi approve {run}` or `miyabi reject {run}`")
            }),
        }),
    }
}

fn conflict(message: String, remedy: Option<&str>) -> Error {
    Error::Conflict { message, remedy: remedy.map(str::to_owned) }
}
