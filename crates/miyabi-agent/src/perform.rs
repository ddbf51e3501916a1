//! Performs steps: each through the ports, none with a will of its own. What a step means is decided elsewhere.

mod checkout;
mod commands;
mod conversation;
mod deploy;
mod gates;
mod issue;
mod pull_request;
mod review;
mod tool;

use std::sync::Arc;

use miyabi_core::budget::Reserve;
use miyabi_core::digest::Digest;
use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::artifacts::{Artifacts, Error as ArtifactsError};
use miyabi_core::port::checkouts::{CheckoutId, Checkouts};
use miyabi_core::port::clock::{Clock, Entropy};
use miyabi_core::port::deploy_target::DeployTarget;
use miyabi_core::port::forge::Forge;
use miyabi_core::port::model::Model;
use miyabi_core::port::records::Projects;
use miyabi_core::port::repositories::Repositories;
use miyabi_core::port::tool_host::ToolHost;
use miyabi_core::project::Project;
use miyabi_core::run::{RunState, Step, StepValue};
use miyabi_core::sandbox::SandboxLimits;
use tokio_util::sync::CancellationToken;

/// The outside, as steps need it. Wired once, by the program.
#[derive(Clone)]
pub struct Ports {
    /// Contents by digest.
    pub artifacts: Arc<dyn Artifacts>,
    /// Private clones.
    pub checkouts: Arc<dyn Checkouts>,
    /// Projects' repositories.
    pub repositories: Arc<dyn Repositories>,
    /// Issues and pull requests.
    pub forge: Arc<dyn Forge>,
    /// Where releases lie and answer.
    pub target: Arc<dyn DeployTarget>,
    /// Language models.
    pub model: Arc<dyn Model>,
    /// Tools.
    pub tools: Arc<dyn ToolHost>,
    /// The connected repositories.
    pub projects: Arc<dyn Projects>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// What the operator sets for all runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Ceilings for a command of an agent.
    pub command_limits: SandboxLimits,
    /// Ceilings for a command of a gate, a set-up or a build.
    pub gate_limits: SandboxLimits,
    /// Whether set-up commands may use the network.
    pub set_up_network: bool,
    /// Labels that may be set beside the kinds of issues.
    pub labels: Vec<String>,
    /// Changed lines from which on a change is too large.
    pub max_changed_lines: u32,
    /// Files larger than this are refused in a commit, in bytes.
    pub max_file_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        const GATE_WALL_MS: u64 = 15 * 60 * 1000;
        let command_limits = SandboxLimits::default();
        let gate_limits =
            SandboxLimits { wall_ms: GATE_WALL_MS, cpu_ms: 4 * GATE_WALL_MS, ..command_limits.clone() };
        Self {
            command_limits,
            gate_limits,
            set_up_network: false,
            labels: Vec::new(),
            max_changed_lines: 2_000,
            max_file_bytes: 5 * 1024 * 1024,
        }
    }
}

/// One try of a step.
pub(crate) struct Attempt {
    /// Which try, counted from 1.
    pub(crate) number: u32,
    /// An earlier try may have happened without our knowing.
    pub(crate) is_repeat: bool,
    /// Ends the try.
    pub(crate) cancel: CancellationToken,
}

/// Performs steps through the ports.
pub struct Performer {
    ports: Ports,
    settings: Settings,
}

impl Performer {
    /// A performer with these ports and settings.
    pub fn new(ports: Ports, settings: Settings) -> Self {
        Self { ports, settings }
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.ports.clock)
    }

    pub(crate) fn draw(&self) -> u128 {
        self.ports.entropy.draw()
    }

    /// What a model call may cost at worst.
    pub(crate) async fn reserve(&self, state: &RunState, step: &Step) -> Result<Reserve, Failure> {
        conversation::reserve(&self.ports, state, step).await
    }

    /// Performs a step.
    pub(crate) async fn perform(
        &self,
        state: &RunState,
        step: &Step,
        attempt: &Attempt,
    ) -> Result<StepValue, Failure> {
        tracing::debug!(run.id = %state.run_id, %step, attempt = attempt.number, "a step begins");
        let job = Job { ports: &self.ports, settings: &self.settings, state, attempt };
        match step {
            Step::Open => issue::open(&job).await,
            Step::PlanByRules => issue::plan_by_rules(&job).await,
            Step::LabelIssue => issue::label(&job).await,
            Step::Ask { session, .. } => conversation::ask(&job, session).await,
            Step::Compact { session, .. } => conversation::compact(&job, session).await,
            Step::Call { session, index, .. } => tool::call(&job, session, *index).await,
            Step::Checkout { task } => checkout::create(&job, task).await,
            Step::SetUp { task } => checkout::set_up(&job, task).await,
            Step::ApplyPatch { task } => checkout::apply_patch(&job, task).await,
            Step::RunRecipe { task } => checkout::run_recipe(&job, task).await,
            Step::Commit { task, .. } => checkout::commit(&job, task).await,
            Step::Integrate { task, round } => checkout::integrate(&job, task, *round).await,
            Step::Refresh { task, .. } => checkout::refresh(&job, task).await,
            Step::Gates { target } => gates::run(&job, target).await,
            Step::Analyse { .. } => review::analyse(&job).await,
            Step::Push { .. } => pull_request::push(&job).await,
            Step::OpenPullRequest { .. } => pull_request::open(&job).await,
            Step::MergeCandidate { .. } => pull_request::candidate(&job).await,
            Step::Merge { round } => pull_request::merge(&job, *round).await,
            Step::CloseIssue => pull_request::close_issue(&job).await,
            Step::ApplyToCheckout => pull_request::apply_to_checkout(&job).await,
            Step::Build => deploy::build(&job).await,
            Step::RecordPrevious => deploy::record_previous(&job).await,
            Step::Activate => deploy::activate(&job).await,
            Step::CheckHealth { phase } => deploy::check_health(&job, *phase).await,
            Step::Rollback => deploy::roll_back(&job).await,
            Step::OpenRevert => deploy::open_revert(&job).await,
            Step::ReopenIssue => deploy::reopen_issue(&job).await,
        }
    }

    /// The run ended: its clones that nobody can need any more go. Those of changes that were not merged stay.
    pub(crate) async fn ended(&self, state: &RunState) {
        if state.merged_commit().is_none() {
            return;
        }
        let tasks = state.ended.keys().filter_map(|step| match step {
            Step::Checkout { task } => Some(task.0.clone()),
            _ => None,
        });
        for name in tasks {
            let id = CheckoutId { run: state.run_id, name };
            if let Err(failure) = self.ports.checkouts.remove(&id).await {
                tracing::warn!(run.id = %state.run_id, checkout = %id, %failure, "a checkout can't be removed");
            }
        }
    }
}

/// A step's surroundings while it is performed.
pub(crate) struct Job<'a> {
    pub(crate) ports: &'a Ports,
    pub(crate) settings: &'a Settings,
    pub(crate) state: &'a RunState,
    pub(crate) attempt: &'a Attempt,
}

impl Job<'_> {
    /// The project of the run.
    pub(crate) async fn project(&self) -> Result<Project, Failure> {
        let spec = &self.state.spec;
        let found = self.ports.projects.find(spec.tenant, spec.project).await;
        found.map_err(|error| Failure::retry(ErrorCode::StoreUnavailable, error.to_string()))?.ok_or_else(
            || Failure::permanent(ErrorCode::ProjectUnknown, format!("no project `{}`", spec.project)),
        )
    }

    /// A text artifact. Bytes that are no text are shown as such.
    pub(crate) async fn text(&self, digest: Digest) -> Result<String, Failure> {
        let bytes = self.ports.artifacts.get(digest).await.map_err(ArtifactsError::into_failure)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Stores a text.
    pub(crate) async fn store(&self, text: &str) -> Result<Digest, Failure> {
        self.ports.artifacts.put(text.as_bytes()).await.map_err(ArtifactsError::into_failure)
    }

    /// The checkout of a task or of the gates.
    pub(crate) fn checkout(&self, name: impl Into<String>) -> CheckoutId {
        CheckoutId { run: self.state.run_id, name: name.into() }
    }

    /// Fails if the step was told to stop.
    pub(crate) fn check_cancelled(&self) -> Result<(), Failure> {
        if self.attempt.cancel.is_cancelled() { Err(Failure::cancelled()) } else { Ok(()) }
    }
}

/// The journal lacks a fact that this step builds on.
pub(crate) fn missing_fact(what: &str) -> Failure {
    Failure::permanent(ErrorCode::Internal, format!("the journal lacks {what}"))
}
