//! A run in full.

use miyabi_core::digest::Digest;
use miyabi_core::id::RunId;
use miyabi_core::policy::Mode;
use miyabi_core::port::model::ModelName;
use miyabi_core::run::planned::triage_of;
use miyabi_core::run::review::review_of;
use miyabi_core::run::spec::{self, Autonomy, Template};
use miyabi_core::run::{RunState, Step, StepValue};
use miyabi_core::sandbox::SandboxLevel;
use miyabi_core::usecase::run;
use serde::{Deserialize, Serialize};

use super::{
    Approval, Budget, Evidence, GateReport, ModelCost, Review, Run, StageView, StepView, TaskView, Triage,
};

/// What writes a run's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Engine {
    /// A model with tools.
    Loop,
    /// The patch that the task carries.
    Patch,
    /// A recipe of the operator.
    Recipe {
        /// Its name.
        name: String,
    },
}

/// The model of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleModel {
    /// The role.
    pub role: String,
    /// Its model.
    pub model: ModelName,
    /// Whether it plays a script.
    pub is_scripted: bool,
}

/// A run with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDetail {
    /// What lists show.
    #[serde(flatten)]
    pub run: Run,
    /// The whole text of the task, as an artifact.
    pub text: Digest,
    /// The sequence of stages.
    pub template: Template,
    /// The last stage it enters by itself.
    pub autonomy: Autonomy,
    /// How much a person wants to be asked.
    pub policy: Mode,
    /// The cage for its commands.
    pub sandbox: SandboxLevel,
    /// What writes the change.
    pub engine: Engine,
    /// Whether somebody can be asked.
    pub is_attended: bool,
    /// Whether somebody wants it to stop.
    pub is_stopping: bool,
    /// The branch it starts from and merges into.
    pub branch: String,
    /// The commit it started from.
    pub base: Option<String>,
    /// The change so far: the last integrated commit.
    pub head: Option<String>,
    /// The branch's commit that carries the change.
    pub merged_commit: Option<String>,
    /// The pull request's address.
    pub pull_request_url: Option<String>,
    /// The release that was built.
    pub release: Option<String>,
    /// Where the release answers.
    pub release_url: Option<String>,
    /// The run before this one.
    pub retry_of: Option<RunId>,
    /// Models by role.
    pub models: Vec<RoleModel>,
    /// What it may use, and used.
    pub budget: Budget,
    /// What each model used.
    pub costs: Vec<ModelCost>,
    /// What is asked.
    pub triage: Option<Triage>,
    /// The stages.
    pub stages: Vec<StageView>,
    /// The tasks.
    pub tasks: Vec<TaskView>,
    /// Tries of steps, oldest first.
    pub steps: Vec<StepView>,
    /// Questions to people, oldest first.
    pub approvals: Vec<Approval>,
    /// What the gates said.
    pub gates: Vec<GateReport>,
    /// Commands that were run beside the gates: set-up, recipes, builds.
    pub evidence: Vec<Evidence>,
    /// What the reviewers said.
    pub reviews: Vec<Review>,
    /// The place of the last event that this view knows: where a stream goes on without a gap.
    pub event_id: u64,
}

impl From<run::RunDetail> for RunDetail {
    fn from(detail: run::RunDetail) -> Self {
        let state = &detail.state;
        let spec = &state.spec;
        let triage = triage_of(state);
        let released = released(state);
        Self {
            run: state.into(),
            text: spec.text,
            template: spec.template,
            autonomy: spec.autonomy,
            policy: spec.policy.mode,
            sandbox: spec.sandbox,
            engine: engine(&spec.engine),
            is_attended: spec.attended,
            is_stopping: state.cancelled_by.is_some() && state.stop.is_none(),
            branch: spec.branch.clone(),
            base: state.opened().map(|opened| opened.base.clone()),
            head: state.head().map(str::to_owned),
            merged_commit: state.merged_commit().map(str::to_owned),
            pull_request_url: state.pull_request().and_then(|(_, url)| url.map(str::to_owned)),
            release: released.0,
            release_url: released.1,
            retry_of: spec.retry_of,
            models: spec.models.iter().map(role_model).collect(),
            budget: state.into(),
            costs: detail.costs().into_iter().map(ModelCost::from).collect(),
            triage: triage.as_ref().map(|triage| Triage::new(state, triage)),
            stages: StageView::all(state),
            tasks: TaskView::all(state),
            steps: StepView::all(&detail),
            approvals: approvals(state),
            gates: gates(&detail),
            evidence: evidence(&detail),
            reviews: reviews(&detail),
            event_id: detail.global_seq,
        }
    }
}

fn engine(engine: &spec::Engine) -> Engine {
    match engine {
        spec::Engine::Loop => Engine::Loop,
        spec::Engine::Patch { .. } => Engine::Patch,
        spec::Engine::Recipe { name, .. } => Engine::Recipe { name: name.clone() },
    }
}

fn role_model((role, model): (&String, &spec::RoleModel)) -> RoleModel {
    RoleModel { role: role.clone(), model: model.name.clone(), is_scripted: model.scripted }
}

fn released(state: &RunState) -> (Option<String>, Option<String>) {
    let release = match state.value(&Step::Build) {
        Some(StepValue::Built { release, .. }) => release.clone(),
        _ => None,
    };
    let url = match state.value(&Step::Activate) {
        Some(StepValue::Activated { url }) => url.clone(),
        _ => None,
    };
    (release, url)
}

fn approvals(state: &RunState) -> Vec<Approval> {
    let mut approvals: Vec<_> =
        state.approvals.iter().map(|(name, approval)| Approval::new(name, approval)).collect();
    approvals.sort_by_key(|approval| approval.requested_at);
    approvals
}

fn finished(detail: &run::RunDetail) -> impl Iterator<Item = (&Step, &StepValue)> {
    detail.steps.iter().filter_map(|record| match &record.outcome {
        run::StepOutcome::Finished(value) => Some((&record.step, value.as_ref())),
        _ => None,
    })
}

fn gates(detail: &run::RunDetail) -> Vec<GateReport> {
    let report = |(step, value): (&Step, &StepValue)| match value {
        StepValue::Gated(report) => Some(GateReport::new(step.to_string(), report)),
        _ => None,
    };
    finished(detail).filter_map(report).collect()
}

fn evidence(detail: &run::RunDetail) -> Vec<Evidence> {
    let own = finished(detail).filter_map(|(_, value)| match value {
        StepValue::Ran { evidence, .. } | StepValue::Built { evidence, .. } => Some(evidence),
        _ => None,
    });
    own.flatten().map(Evidence::from).collect()
}

/// The judgement of each round that is complete.
fn reviews(detail: &run::RunDetail) -> Vec<Review> {
    let state = &detail.state;
    let Some(triage) = triage_of(state) else {
        return Vec::new();
    };
    let rounds = finished(detail).filter_map(|(step, value)| match (step, value) {
        (Step::Analyse { round }, StepValue::Analysed { diff, .. }) => Some((*round, *diff)),
        _ => None,
    });
    let head = state.head().unwrap_or_default();
    rounds
        .filter_map(|(round, diff)| Some(Review::new(round, diff, &review_of(state, &triage, round, head)?)))
        .collect()
}
