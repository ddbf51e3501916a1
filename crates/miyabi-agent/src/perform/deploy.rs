//! Steps of stage Deploy: build, activate, look, and back.

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::deploy_target::Release;
use miyabi_core::project::HealthCheck;
use miyabi_core::run::step::{HealthPhase, SessionKey};
use miyabi_core::run::value::{Candidate, Health, Judgement};
use miyabi_core::run::{Step, StepValue};

use super::commands::{At, run_all};
use super::issue::repository_config;
use super::pull_request::AUTHOR;
use super::{Job, missing_fact};
use crate::role;

/// Failing samples in a row that end a watch.
const BAD_SAMPLES: u32 = 2;

pub(super) async fn build(job: &Job<'_>) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let commit = job.state.merged_commit().ok_or_else(|| missing_fact("the merge"))?;
    let Some(config) = repository_config(job, &project, commit).await?.deploy else {
        return Ok(StepValue::Built { release: None, evidence: Vec::new() });
    };
    let name = release_name(job, commit);
    let id = job.checkout("deploy");
    job.ports.checkouts.create(&id, &project, commit).await?;
    let at = At { commit: commit.to_owned(), tree: job.ports.repositories.tree(&project, commit).await? };
    let opened = job.state.opened().ok_or_else(|| missing_fact("the project"))?;
    let commands: Vec<_> = opened.checks.setup.iter().chain(&config.build).cloned().collect();
    let (limits, network) = (&job.settings.gate_limits, job.settings.set_up_network);
    let ran = run_all(job, &id, &at, &commands, limits, network).await?;
    if let Some(failed) = ran.last().filter(|ran| !ran.evidence.succeeded()) {
        let message = format!("the release can't be built: {}", failed.verdict());
        return Err(Failure::permanent(ErrorCode::BuildFailed, message));
    }
    let now = job.ports.clock.now();
    job.ports.target.stage(&project, &name, commit, &config, &id, now).await?;
    job.ports.checkouts.remove(&id).await?;
    let evidence = ran.into_iter().map(|ran| ran.evidence).collect();
    Ok(StepValue::Built { release: Some(name), evidence })
}

pub(super) async fn record_previous(job: &Job<'_>) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let current = job.ports.target.current(&project).await?;
    // A try before this one may have gone as far as activating: the release before ours is what counts.
    let current = current.filter(|release| Some(release.name.as_str()) != built(job));
    if let Some(release) = &current
        && !job.ports.target.is_restorable(&project, &release.name).await?
    {
        let message = format!(
            "release `{}` is damaged and could not be brought back; nothing was deployed",
            release.name
        );
        return Err(Failure::needs_person(ErrorCode::RollbackFailed, message));
    }
    Ok(StepValue::Previous { release: current.map(|release| release.name) })
}

pub(super) async fn activate(job: &Job<'_>) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let name = built(job).ok_or_else(|| missing_fact("the release"))?;
    let url = job.ports.target.activate(&project, name).await?;
    Ok(StepValue::Activated { url })
}

pub(super) async fn roll_back(job: &Job<'_>) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    match previous(job) {
        Some(name) => {
            let url = job.ports.target.activate(&project, name).await?;
            Ok(StepValue::Activated { url })
        }
        None => {
            job.ports.target.deactivate(&project).await?;
            Ok(StepValue::Activated { url: None })
        }
    }
}

pub(super) async fn check_health(job: &Job<'_>, phase: HealthPhase) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let current = job.ports.target.current(&project).await?;
    let Some(Release { config, .. }) = current else {
        let nothing = "nothing is deployed, as before".to_owned();
        let healthy = phase == HealthPhase::Rollback && previous(job).is_none();
        return Ok(StepValue::Health(Health { healthy, healthy_samples: 0, samples: 0, detail: nothing }));
    };
    let health = match phase {
        HealthPhase::Start | HealthPhase::Rollback => become_healthy(job, &config.health).await?,
        HealthPhase::Watch => stay_healthy(job, &config.health).await?,
    };
    Ok(StepValue::Health(health))
}

/// Samples until enough in a row are healthy, or the time for that is over.
async fn become_healthy(job: &Job<'_>, check: &HealthCheck) -> Result<Health, Failure> {
    let project = job.project().await?;
    let until = job.ports.clock.now().plus_millis(check.start_timeout_ms);
    let (mut in_row, mut good, mut all) = (0, 0, 0);
    loop {
        let sample = job.ports.target.sample(&project).await?;
        all += 1;
        in_row = if sample.is_healthy { in_row + 1 } else { 0 };
        good += u32::from(sample.is_healthy);
        let is_over = sample.has_ended || job.ports.clock.now() >= until;
        let healthy = in_row >= check.samples.max(1);
        if healthy || is_over {
            return Ok(Health { healthy, healthy_samples: good, samples: all, detail: sample.detail });
        }
        pause(job, check).await?;
    }
}

/// Samples for the time of the watch; some failures in a row end it.
async fn stay_healthy(job: &Job<'_>, check: &HealthCheck) -> Result<Health, Failure> {
    let project = job.project().await?;
    let until = job.ports.clock.now().plus_millis(check.watch_ms);
    let (mut bad_in_row, mut good, mut all) = (0, 0, 0);
    loop {
        let sample = job.ports.target.sample(&project).await?;
        all += 1;
        bad_in_row = if sample.is_healthy { 0 } else { bad_in_row + 1 };
        good += u32::from(sample.is_healthy);
        let is_over = sample.has_ended || job.ports.clock.now() >= until;
        if bad_in_row >= BAD_SAMPLES || is_over {
            let healthy = bad_in_row == 0;
            return Ok(Health { healthy, healthy_samples: good, samples: all, detail: sample.detail });
        }
        pause(job, check).await?;
    }
}

async fn pause(job: &Job<'_>, check: &HealthCheck) -> Result<(), Failure> {
    let until = job.ports.clock.now().plus_millis(check.interval_ms.max(10));
    tokio::select! {
        () = job.attempt.cancel.cancelled() => Err(Failure::cancelled()),
        () = job.ports.clock.sleep_until(until) => Ok(()),
    }
}

pub(super) async fn open_revert(job: &Job<'_>) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let commit = job.state.merged_commit().ok_or_else(|| missing_fact("the merge"))?;
    let head = job.ports.repositories.head(&project, &job.state.spec.branch).await?;
    let onto = head.ok_or_else(|| missing_fact("the branch"))?.commit;
    let title = format!("Revert \"{}\"", role::pr::render(job.state).title);
    let message = format!(
        "{title}\n\nThis takes back {commit}: its release was not healthy.\n\nMiyabi-Run: {}\n",
        job.state.run_id
    );
    let base = &job.state.opened().ok_or_else(|| missing_fact("the project"))?.base;
    let replant = miyabi_core::port::repositories::Replant {
        commit: base,
        base: commit,
        onto: &onto,
        message: &message,
        at: job.state.created_at,
    };
    let reverted = job.ports.repositories.replant(&project, &replant).await?;
    let Candidate::Clean { commit: reverted, .. } = reverted else {
        let message =
            "the change can't be taken back by itself: the branch has gone on in the same places".to_owned();
        return Err(Failure::permanent(ErrorCode::MergeConflict, message));
    };
    let branch = format!("miyabi/{}-revert", job.state.run_id);
    job.ports.forge.push(&project, &branch, &reverted).await?;
    let body = format!("{}\n\nFacts:\n\n{}", note(job), role::deployment_facts(job));
    let text = miyabi_core::forge::PullRequestText { title, body };
    let marker = format!("{}:revert", role::pr::marker(job.state));
    let (target, now) = (&job.state.spec.branch, job.ports.clock.now());
    let opened = job.ports.forge.open_pull_request(&project, &marker, &branch, target, &text, now).await?;
    let url = job.ports.forge.pull_request_url(&project, opened.number);
    Ok(StepValue::PullRequest { number: opened.number, url })
}

pub(super) async fn reopen_issue(job: &Job<'_>) -> Result<StepValue, Failure> {
    let number = job.state.spec.issue.ok_or_else(|| missing_fact("the issue"))?;
    let project = job.project().await?;
    let now = job.ports.clock.now();
    let revert = match job.state.value(&Step::OpenRevert) {
        Some(StepValue::PullRequest { number, .. }) => format!("#{number} takes the change back."),
        _ => String::new(),
    };
    let said = format!("{}\n\n{}\n\n{revert}", note(job), role::deployment_facts(job));
    let once = format!("{}:reopened", role::pr::marker(job.state));
    job.ports.forge.comment(&project, number, AUTHOR, &said, Some(&once), now).await?;
    job.ports.forge.set_issue_open(&project, number, true, now).await?;
    Ok(StepValue::Done)
}

/// The agent's note, or the plain fact.
fn note(job: &Job<'_>) -> String {
    let session = job.state.sessions.get(&SessionKey::Incident).and_then(|session| session.accepted.as_ref());
    match session {
        Some(Judgement::Wording { title, summary }) => format!("{title}\n\n{summary}"),
        _ => "The release was not healthy and was taken back.".to_owned(),
    }
}

/// Made of run and commit alone: nothing in it comes from outside.
fn release_name(job: &Job<'_>, commit: &str) -> String {
    let run = job.state.run_id.to_string();
    format!("{}-{:.12}", run.trim_start_matches("run_"), commit)
}

fn built<'a>(job: &Job<'a>) -> Option<&'a str> {
    match job.state.value(&Step::Build)? {
        StepValue::Built { release, .. } => release.as_deref(),
        _ => None,
    }
}

fn previous<'a>(job: &Job<'a>) -> Option<&'a str> {
    match job.state.value(&Step::RecordPrevious)? {
        StepValue::Previous { release } => release.as_deref(),
        _ => None,
    }
}
