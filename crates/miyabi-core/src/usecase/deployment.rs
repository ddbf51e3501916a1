//! Releases of a project: see them, bring an earlier one back.

use super::{Act, Caller, Error, Runs, may};
use crate::error::{ErrorCode, Failure};
use crate::port::deploy_target::{DeployTarget, Release, Sample};
use crate::port::journal::RunFilter;
use crate::project::Project;
use crate::run::Stage;
use crate::stop::Status;

/// A release that was brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// The release, current now.
    pub release: Release,
    /// The one that was current before.
    pub previous: Option<String>,
    /// The last look at its health.
    pub health: Sample,
}

/// All releases, newest first.
///
/// # Errors
/// Those of the target.
pub async fn list_releases(
    target: &dyn DeployTarget,
    caller: &Caller,
    project: &Project,
) -> Result<Vec<Release>, Error> {
    may(caller, Act::ReadDeployments)?;
    Ok(target.list(project).await?)
}

/// A release by name.
///
/// # Errors
/// [`Error::NotFound`], and those of the target.
pub async fn get_release(
    target: &dyn DeployTarget,
    caller: &Caller,
    project: &Project,
    name: &str,
) -> Result<Release, Error> {
    let all = list_releases(target, caller, project).await?;
    all.into_iter().find(|release| release.name == name).ok_or_else(|| Error::not_found("release", name))
}

/// Brings an earlier release back: the named one, or the newest before the current. It is checked before anything
/// moves, and looked at afterwards until it is healthy.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Conflict`] when a run deploys at this moment, `ROLLBACK_FAILED` when the release is
/// damaged, `UNHEALTHY` when it is current now and does not answer.
pub async fn roll_back(
    runs: &Runs,
    target: &dyn DeployTarget,
    caller: &Caller,
    project: &Project,
    to: Option<&str>,
) -> Result<RolledBack, Error> {
    may(caller, Act::RollBack)?;
    refuse_deploying_run(runs, caller, project).await?;
    let all = target.list(project).await?;
    let previous = all.iter().find(|release| release.is_current).map(|release| release.name.clone());
    let wanted = choose(&all, to)?;
    if !target.is_restorable(project, &wanted.name).await? {
        let message =
            format!("release `{}` is damaged and can't be brought back; nothing was changed", wanted.name);
        return Err(Failure::permanent(ErrorCode::RollbackFailed, message).into());
    }
    let url = target.activate(project, &wanted.name).await?;
    let health = wait_until_healthy(runs, target, project, wanted).await?;
    if !health.is_healthy {
        let message = format!("release `{}` is current now and not healthy: {}", wanted.name, health.detail);
        return Err(Failure::permanent(ErrorCode::Unhealthy, message).into());
    }
    let release = Release { is_current: true, url, ..wanted.clone() };
    Ok(RolledBack { release, previous, health })
}

/// The release to bring back.
fn choose<'a>(all: &'a [Release], to: Option<&str>) -> Result<&'a Release, Error> {
    if let Some(name) = to {
        return all
            .iter()
            .find(|release| release.name == name)
            .ok_or_else(|| Error::not_found("release", name));
    }
    let mut from_current = all.iter().skip_while(|release| !release.is_current);
    from_current.nth(1).ok_or_else(|| Error::Conflict {
        message: "there is no release before the current one".into(),
        remedy: Some("name the release to bring back".into()),
    })
}

/// Looks at the current release until it is healthy as often as its configuration wants, or its time is up.
async fn wait_until_healthy(
    runs: &Runs,
    target: &dyn DeployTarget,
    project: &Project,
    release: &Release,
) -> Result<Sample, Error> {
    let check = &release.config.health;
    let deadline = runs.clock.now().plus_millis(check.start_timeout_ms);
    let mut in_a_row = 0;
    loop {
        let sample = target.sample(project).await?;
        in_a_row = if sample.is_healthy { in_a_row + 1 } else { 0 };
        if in_a_row >= check.samples || runs.clock.now() >= deadline {
            return Ok(sample);
        }
        // At least a moment between two looks, so that an interval of zero can't stop the clock.
        runs.clock.sleep_until(runs.clock.now().plus_millis(check.interval_ms.max(1))).await;
    }
}

/// Two hands on the target would undo each other.
async fn refuse_deploying_run(runs: &Runs, caller: &Caller, project: &Project) -> Result<(), Error> {
    let filter = RunFilter {
        project: Some(project.id),
        statuses: vec![Status::Running, Status::Waiting],
        limit: 1_000,
        ..RunFilter::default()
    };
    let active = runs.journal.list(caller.tenant, &filter).await?;
    match active.iter().find(|row| row.stage == Some(Stage::Deploy)) {
        None => Ok(()),
        Some(row) => Err(Error::Conflict {
            message: format!("run `{}` deploys at this moment", row.run_id),
            remedy: Some(format!("stop it first: `miyabi stop {}`", row.run_id)),
        }),
    }
}
