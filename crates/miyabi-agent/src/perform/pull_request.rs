//! Steps of stage Pull request: push, open, merge, and what follows from a merge.

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::repositories::Replant;
use miyabi_core::run::spec::Template;
use miyabi_core::run::value::Candidate;
use miyabi_core::run::{RunState, Step, StepValue};

use super::{Job, missing_fact};
use crate::role::pr::{marker, render};

/// The author name under which the product writes.
pub(crate) const AUTHOR: &str = "miyabi";

/// The run's own branch: nothing in it comes from outside.
pub(crate) fn branch(state: &RunState) -> String {
    format!("miyabi/{}", state.run_id)
}

pub(super) async fn push(job: &Job<'_>) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let head = job.state.head().ok_or_else(|| missing_fact("the run's head"))?;
    job.ports.forge.push(&project, &branch(job.state), head).await?;
    Ok(StepValue::Done)
}

pub(super) async fn open(job: &Job<'_>) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let (head, base) = (branch(job.state), &job.state.spec.branch);
    let (text, now) = (render(job.state), job.ports.clock.now());
    let opened =
        job.ports.forge.open_pull_request(&project, &marker(job.state), &head, base, &text, now).await?;
    let url = job.ports.forge.pull_request_url(&project, opened.number);
    Ok(StepValue::PullRequest { number: opened.number, url })
}

pub(super) async fn candidate(job: &Job<'_>) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let onto = job.ports.repositories.head(&project, &job.state.spec.branch).await?;
    let onto = onto.ok_or_else(|| missing_fact("the branch"))?.commit;
    let base = &job.state.opened().ok_or_else(|| missing_fact("the project"))?.base;
    let head = job.state.head().ok_or_else(|| missing_fact("the run's head"))?;
    // Nothing was merged meanwhile: the reviewed commits themselves become the branch.
    if onto == *base {
        return Ok(StepValue::Candidate(Candidate::Clean { commit: head.to_owned(), onto, same_tree: true }));
    }
    let number = job.state.pull_request().map(|(number, _)| number).unwrap_or_default();
    let message = format!("{} (#{number})\n\nMiyabi-Run: {}\n", render(job.state).title, job.state.run_id);
    let replant = Replant { commit: head, base, onto: &onto, message: &message, at: job.state.created_at };
    job.ports.repositories.replant(&project, &replant).await.map(StepValue::Candidate)
}

pub(super) async fn merge(job: &Job<'_>, round: u32) -> Result<StepValue, Failure> {
    let candidate = job.state.value(&Step::MergeCandidate { round });
    let Some(StepValue::Candidate(Candidate::Clean { commit, onto, .. })) = candidate else {
        return Err(missing_fact("the merge candidate"));
    };
    let (number, _) = job.state.pull_request().ok_or_else(|| missing_fact("the pull request"))?;
    let project = job.project().await?;
    let merged = job.ports.forge.merge(&project, number, commit, onto, job.ports.clock.now()).await?;
    Ok(StepValue::Merged { commit: merged.then(|| commit.clone()) })
}

pub(super) async fn close_issue(job: &Job<'_>) -> Result<StepValue, Failure> {
    let number = job.state.spec.issue.ok_or_else(|| missing_fact("the issue"))?;
    let commit = job.state.merged_commit().ok_or_else(|| missing_fact("the merge"))?;
    let (pull_request, _) = job.state.pull_request().ok_or_else(|| missing_fact("the pull request"))?;
    let project = job.project().await?;
    let now = job.ports.clock.now();
    let said =
        format!("Solved by #{pull_request}, merged as {commit:.12}. The proof is in the pull request.");
    let once = format!("{}:closed", marker(job.state));
    job.ports.forge.comment(&project, number, AUTHOR, &said, Some(&once), now).await?;
    job.ports.forge.set_issue_open(&project, number, false, now).await?;
    Ok(StepValue::Done)
}

/// Brings the change to the user's own checkout: the merged branch, or a headless task's patch.
pub(super) async fn apply_to_checkout(job: &Job<'_>) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let repositories = &job.ports.repositories;
    let skipped = if job.state.spec.template == Template::Exec {
        let base = &job.state.opened().ok_or_else(|| missing_fact("the project"))?.base;
        let head = job.state.head().ok_or_else(|| missing_fact("the run's head"))?;
        let skipped = repositories.apply_patch_to_checkout(&project, base, head).await?;
        // A headless task was asked for nothing else: leaving it out is not a success.
        if let Some(reason) = skipped {
            return Err(Failure::permanent(ErrorCode::CheckoutDirty, reason));
        }
        None
    } else {
        let commit = job.state.merged_commit().ok_or_else(|| missing_fact("the merge"))?;
        repositories.apply_to_checkout(&project, &job.state.spec.branch, commit).await?
    };
    Ok(StepValue::Applied { skipped })
}
