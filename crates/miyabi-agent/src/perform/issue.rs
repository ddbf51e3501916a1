//! Steps of stage Issue: the project as it is, plans by rules, labels.

use miyabi_core::detect::detect;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::plan::{Plan, Task, TaskKey};
use miyabi_core::port::repositories::Head;
use miyabi_core::project::{Project, RepositoryConfig};
use miyabi_core::run::StepValue;
use miyabi_core::run::planned::triage_of;
use miyabi_core::run::spec::Engine;
use miyabi_core::run::value::Opened;
use miyabi_core::triage::{Confidence, IssueKind, Risk, Size, Triage};

use super::{Job, missing_fact};

/// The repository's own configuration file.
pub(crate) const CONFIG_FILE: &str = ".miyabi/config.toml";
/// Its largest size, in bytes.
const CONFIG_BYTES: u64 = 64 * 1024;
/// The largest part of an instruction file that is read, in bytes.
const INSTRUCTIONS_BYTES: u64 = 32 * 1024;
/// Files of a repository that are looked at to find out how it is built.
const DETECT_FILES: u32 = 20_000;

pub(super) async fn open(job: &Job<'_>) -> Result<StepValue, Failure> {
    let project = job.project().await?;
    let head = job.ports.repositories.open(&project, &job.state.spec.branch).await?;
    let config = repository_config(job, &project, &head.commit).await?;
    let detected = detect_checks(job, &project, &head).await?;
    let instructions =
        job.ports.repositories.read_file(&project, &head.commit, "AGENTS.md", INSTRUCTIONS_BYTES);
    let instructions = String::from_utf8_lossy(&instructions.await?.unwrap_or_default()).into_owned();
    Ok(StepValue::Opened(Opened {
        base: head.commit,
        tree: head.tree,
        checks: config.checks.or(detected),
        protected_paths: config.protected_paths,
        instructions: job.store(&instructions).await?,
        deployable: config.deploy.is_some(),
    }))
}

/// What the repository says about itself at a commit.
pub(crate) async fn repository_config(
    job: &Job<'_>,
    project: &Project,
    commit: &str,
) -> Result<RepositoryConfig, Failure> {
    let bytes = job.ports.repositories.read_file(project, commit, CONFIG_FILE, CONFIG_BYTES).await?;
    let Some(bytes) = bytes else {
        return Ok(RepositoryConfig::default());
    };
    let text = String::from_utf8_lossy(&bytes);
    toml::from_str(&text).map_err(|error| {
        let message = format!("`{CONFIG_FILE}` at {commit:.12}: {}", error.message());
        Failure::needs_person(ErrorCode::ConfigInvalid, message)
    })
}

async fn detect_checks(
    job: &Job<'_>,
    project: &Project,
    head: &Head,
) -> Result<miyabi_core::gate::Checks, Failure> {
    let files = job.ports.repositories.list_files(project, &head.commit, DETECT_FILES).await?;
    let mut contents = std::collections::BTreeMap::new();
    for name in miyabi_core::detect::FILES_READ.iter().filter(|name| files.iter().any(|file| file == *name)) {
        let bytes = job.ports.repositories.read_file(project, &head.commit, name, CONFIG_BYTES).await?;
        contents.insert((*name).to_owned(), String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned());
    }
    Ok(detect(&files, &|name| contents.get(name).cloned()))
}

/// For engines without a model: the issue is what its patch or recipe does.
pub(super) async fn plan_by_rules(job: &Job<'_>) -> Result<StepValue, Failure> {
    let spec = &job.state.spec;
    let goal = match &spec.engine {
        Engine::Patch { .. } => "The issue's patch is applied.",
        Engine::Recipe { .. } => "The recipe has run.",
        Engine::Loop => return Err(missing_fact("an engine without a model")),
    };
    let kind = if is_labelled_bug(job).await? { IssueKind::Bug } else { IssueKind::Chore };
    let triage = Triage {
        kind,
        areas: Vec::new(),
        size: Size::Small,
        acceptance: vec!["the project's own tests pass".into()],
        duplicates: Vec::new(),
        missing: Vec::new(),
        risk: Risk::Medium,
        confidence: Confidence { kind: 100, size: 100, acceptance: 100, risk: 100 },
        runnable: true,
    };
    let task = Task {
        key: TaskKey("t1".into()),
        title: spec.title.clone(),
        goal: goal.into(),
        touches: vec!["**".into()],
        depends_on: Vec::new(),
        covers: vec![0],
        budget_percent: 100,
    };
    Ok(StepValue::Planned { triage, plan: Plan { tasks: vec![task] } })
}

/// Whether a person called it a bug; then its reproduction is asked for.
async fn is_labelled_bug(job: &Job<'_>) -> Result<bool, Failure> {
    let Some(number) = job.state.spec.issue else {
        return Ok(false);
    };
    let issue = job.ports.forge.get_issue(&job.project().await?, number).await?;
    Ok(issue.labels.iter().any(|label| label == IssueKind::Bug.as_str()))
}

/// Labels from an allow-list: the kind of the issue, and areas that the operator named as labels.
pub(super) async fn label(job: &Job<'_>) -> Result<StepValue, Failure> {
    let number = job.state.spec.issue.ok_or_else(|| missing_fact("the issue"))?;
    let triage = triage_of(job.state).ok_or_else(|| missing_fact("the triage"))?;
    let project = job.project().await?;
    let mut labels = vec![triage.kind.as_str().to_owned()];
    let allowed = |area: &&String| job.settings.labels.iter().any(|label| label == *area);
    labels.extend(triage.areas.iter().filter(allowed).cloned());
    job.ports.forge.add_labels(&project, number, &labels, job.ports.clock.now()).await?;
    Ok(StepValue::Done)
}
