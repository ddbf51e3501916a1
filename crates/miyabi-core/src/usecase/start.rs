//! Start a run: from an issue, from a text that becomes one, or as a headless task.

pub(super) mod models;
mod wishes;

pub use wishes::{EngineWish, Wishes};

use super::{Act, Caller, Error, FieldProblem, Intake, Runs, may, patch};
use crate::config::Config;
use crate::digest::Digest;
use crate::error::ErrorCode;
use crate::forge::NewIssue;
use crate::id::{ProjectId, RunId};
use crate::label::Label;
use crate::policy::Policy;
use crate::port::journal::{RunFilter, RunRow};
use crate::project::Project;
use crate::run::event::VERSION;
use crate::run::spec::{Engine, RunSpec, Template};
use crate::run::{Event, EventBody, RunState};
use crate::stop::Status;
use wishes::Order;

/// What a run shall solve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// An issue of the forge.
    Issue(u64),
    /// A text; an issue is made of it.
    Text(String),
    /// A headless task: CodeGen and gates only, no issue and no pull request.
    Exec(String),
}

/// An order for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// The repository.
    pub project: ProjectId,
    /// What it shall solve.
    pub task: Task,
    /// What the caller wants otherwise than configured.
    pub wishes: Wishes,
}

/// A task as it will stand in the run's order.
pub(super) struct Brief {
    pub(super) issue: Option<u64>,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) label: Label,
}

/// The longest title, in characters.
const MAX_TITLE_CHARS: usize = 72;

/// The longest text of a task, in bytes.
pub const MAX_TEXT_BYTES: usize = 512 * 1024;

/// Starts a run. It waits as `queued` until a worker takes it up.
///
/// # Errors
/// Everything that is wrong with the wishes at once ([`Error::Invalid`]), [`Error::Config`],
/// [`Error::ModelUnknown`], [`Error::PatchMissing`], [`Error::Conflict`] when another run works on the issue.
pub async fn start_run(
    runs: &Runs,
    intake: &Intake,
    caller: &Caller,
    new: &NewRun,
) -> Result<RunState, Error> {
    may(caller, Act::StartRun)?;
    if !caller.actor.label.may_steer() {
        return Err(Error::Permission { name: caller.actor.name.clone(), act: Act::StartRun.words() });
    }
    let project = intake.projects.find(caller.tenant, new.project).await?;
    let project = project.ok_or_else(|| Error::not_found("project", new.project))?;
    let config = intake.settings.load(Some(&project)).await?.config;
    let template = match new.task {
        Task::Exec(_) => Template::Exec,
        Task::Issue(_) | Task::Text(_) => Template::Issue,
    };
    let order = new.wishes.order(&config, &project, template).map_err(Error::Invalid)?;
    let mut brief = brief(runs, intake, caller, &project, &new.task).await?;
    let engine = engine(runs, &config, &new.wishes.engine, &brief.text).await?;
    let models = models::of(intake, &config, template, &engine, &new.wishes.models)?;
    if matches!(new.task, Task::Text(_)) {
        brief.issue = Some(create_issue(runs, intake, caller, &project, &brief).await?);
    }
    let text = runs.artifacts.put(brief.text.as_bytes()).await?;
    let Order { autonomy, mode, sandbox, budget, limits, branch, apply, gates, attended } = order;
    let spec = RunSpec {
        tenant: caller.tenant,
        project: project.id,
        issue: brief.issue,
        title: brief.title,
        text,
        label: brief.label,
        template,
        autonomy,
        attended,
        policy: Policy { mode, ..config.policy.rules() },
        budget,
        engine,
        models,
        sandbox,
        branch,
        apply_to_checkout: apply,
        gates,
        limits,
        retry_of: None,
    };
    create(runs, spec).await
}

/// Writes a new run's first event.
pub(super) async fn create(runs: &Runs, spec: RunSpec) -> Result<RunState, Error> {
    let at = runs.clock.now();
    let run = RunId::mint(at, runs.entropy.draw());
    let body = EventBody::RunCreated { spec: Box::new(spec.clone()) };
    let event = Event { v: VERSION, run_id: run, seq: 1, at, body };
    let mut state = RunState::new(run, spec, at);
    state.seq = event.seq;
    runs.journal.create(&[event], &RunRow::of(&state)).await?;
    Ok(state)
}

async fn brief(
    runs: &Runs,
    intake: &Intake,
    caller: &Caller,
    project: &Project,
    task: &Task,
) -> Result<Brief, Error> {
    match task {
        Task::Issue(number) => issue_brief(runs, intake, caller, project, *number).await,
        Task::Text(text) | Task::Exec(text) => {
            if text.trim().is_empty() || text.len() > MAX_TEXT_BYTES {
                return Err(Error::invalid("text", format!("must have 1 to {MAX_TEXT_BYTES} bytes")));
            }
            Ok(Brief { issue: None, title: title_of(text), text: text.clone(), label: caller.actor.label })
        }
    }
}

/// The task of an issue as it stands now.
pub(super) async fn issue_brief(
    runs: &Runs,
    intake: &Intake,
    caller: &Caller,
    project: &Project,
    number: u64,
) -> Result<Brief, Error> {
    let issue = match intake.forge.get_issue(project, number).await {
        Ok(issue) => issue,
        Err(failure) if failure.code == ErrorCode::NotFound => {
            return Err(Error::not_found("issue", format!("#{number}")));
        }
        Err(failure) => return Err(failure.into()),
    };
    if !issue.is_open {
        return Err(Error::Conflict {
            message: format!("issue #{number} is closed"),
            remedy: Some("open it again, or describe what is left in a new one".into()),
        });
    }
    refuse_second_run(runs, caller, project, number).await?;
    let mut text = format!("{}\n\n{}", issue.title, issue.body);
    text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
    Ok(Brief { issue: Some(number), title: title_of(&issue.title), text, label: issue.author_label })
}

/// Two runs on one issue would make the same change twice.
async fn refuse_second_run(
    runs: &Runs,
    caller: &Caller,
    project: &Project,
    number: u64,
) -> Result<(), Error> {
    let filter = RunFilter {
        project: Some(project.id),
        statuses: Status::ALL.into_iter().filter(|status| !status.has_ended()).collect(),
        limit: 1_000,
        ..RunFilter::default()
    };
    let active = runs.journal.list(caller.tenant, &filter).await?;
    match active.iter().find(|row| row.issue == Some(number)) {
        None => Ok(()),
        Some(row) => Err(Error::Conflict {
            message: format!("run `{}` works on issue #{number} already", row.run_id),
            remedy: Some(format!(
                "follow it with `miyabi watch {0}`, or stop it with `miyabi stop {0}`",
                row.run_id
            )),
        }),
    }
}

async fn create_issue(
    runs: &Runs,
    intake: &Intake,
    caller: &Caller,
    project: &Project,
    brief: &Brief,
) -> Result<u64, Error> {
    let body = if brief.text.trim() == brief.title { String::new() } else { brief.text.clone() };
    let new = NewIssue {
        title: brief.title.clone(),
        body,
        author: caller.actor.name.clone(),
        author_label: caller.actor.label,
        labels: Vec::new(),
    };
    Ok(intake.forge.create_issue(project, &new, runs.clock.now()).await?.number)
}

async fn engine(runs: &Runs, config: &Config, wish: &EngineWish, text: &str) -> Result<Engine, Error> {
    match wish {
        EngineWish::Loop => Ok(Engine::Loop),
        EngineWish::Patch { patch } => {
            let patch = patch.as_deref().map_or_else(|| patch::extract(text), patch::extract);
            let patch: Digest = runs.artifacts.put(patch.ok_or(Error::PatchMissing)?.as_bytes()).await?;
            Ok(Engine::Patch { patch })
        }
        EngineWish::Recipe { name } => match config.recipes.get(name) {
            Some(recipe) => Ok(Engine::Recipe { name: name.clone(), commands: recipe.commands.clone() }),
            None => {
                let near = crate::config::nearest(name, config.recipes.keys().map(String::as_str));
                let message = match near {
                    Some(near) => format!("names no configured recipe; did you mean `{near}`?"),
                    None => "names no configured recipe".to_owned(),
                };
                Err(Error::Invalid(vec![FieldProblem { field: "engine.name".into(), message }]))
            }
        },
    }
}

/// A few words out of a text: its first line that has any, without Markdown's heading mark.
fn title_of(text: &str) -> String {
    let line = text.lines().map(|line| line.trim_start_matches('#').trim()).find(|line| !line.is_empty());
    let line = line.unwrap_or_default().replace(char::is_control, " ");
    if line.chars().count() <= MAX_TITLE_CHARS {
        return line;
    }
    let kept: String = line.chars().take(MAX_TITLE_CHARS - 1).collect();
    let kept = kept.rsplit_once(' ').map_or(kept.as_str(), |(whole, _)| whole);
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::title_of;

    #[test]
    fn titles_are_one_short_line() {
        assert_eq!(title_of("\n## Fix the cursor\n\nIt is wrong."), "Fix the cursor");
        assert_eq!(title_of("a\tb"), "a b");
        let long = title_of(&"word ".repeat(40));
        assert!(long.ends_with("word…") && long.chars().count() <= 72, "{long}");
        let japanese = title_of(&"修正".repeat(60));
        assert_eq!(japanese.chars().count(), 72);
    }
}
