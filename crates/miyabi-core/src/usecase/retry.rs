//! Start an ended run again, as a new run that names the old one.

use super::start::{self, EngineWish, Wishes};
use super::{Act, Caller, Error, Intake, Runs, may, patch, record};
use crate::id::RunId;
use crate::policy::Policy;
use crate::run::RunState;
use crate::run::spec::{Engine, RunSpec};

/// Starts an ended run again: the same order but for what the caller wishes otherwise, with the issue's text, the
/// models' facts and the operator's rules as they are now.
///
/// # Errors
/// [`Error::RunActive`] while the old run goes on; else as for a new run.
pub async fn retry_run(
    runs: &Runs,
    intake: &Intake,
    caller: &Caller,
    run: RunId,
    wishes: &Wishes,
) -> Result<RunState, Error> {
    may(caller, Act::StartRun)?;
    let (_, old) = record::load(runs, caller, run).await?;
    if old.stop.is_none() {
        return Err(Error::RunActive { run });
    }
    let mut spec = RunSpec { retry_of: Some(run), ..old.spec };
    if wishes.engine != EngineWish::Loop {
        return Err(Error::invalid("engine", "can't be changed by a retry; start a new run"));
    }
    wishes.change(&mut spec).map_err(Error::Invalid)?;
    let project = intake.projects.find(caller.tenant, spec.project).await?;
    let project = project.ok_or_else(|| Error::not_found("project", spec.project))?;
    let config = intake.settings.load(Some(&project)).await?.config;
    spec.policy = Policy { mode: spec.policy.mode, ..config.policy.rules() };
    for (role, model) in &mut spec.models {
        let wish = wishes.models.get(role).or_else(|| wishes.models.get("default"));
        let name = wish.unwrap_or(&model.name).clone();
        *model = start::models::describe(intake, &config, role, &name)?;
    }
    if let Some(number) = spec.issue {
        let brief = start::issue_brief(runs, intake, caller, &project, number).await?;
        spec.text = runs.artifacts.put(brief.text.as_bytes()).await?;
        (spec.title, spec.label) = (brief.title, brief.label);
        if let Engine::Patch { patch } = &mut spec.engine
            && let Some(newer) = patch::extract(&brief.text)
        {
            *patch = runs.artifacts.put(newer.as_bytes()).await?;
        }
    }
    start::create(runs, spec).await
}
