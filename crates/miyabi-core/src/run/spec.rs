//! What a run was asked to do: fixed when it is created, and part of its first event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::budget::Budget;
use crate::digest::Digest;
use crate::id::{ProjectId, RunId, TenantId};
use crate::label::Label;
use crate::policy::Policy;
use crate::port::model::{ModelName, Price};
use crate::sandbox::SandboxLevel;

/// The order to a run. Later changes of configuration don't touch a run that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSpec {
    /// Who owns and pays.
    pub tenant: TenantId,
    /// The repository it works on.
    pub project: ProjectId,
    /// The issue it solves; `None` for a headless task.
    pub issue: Option<u64>,
    /// A few words for lists.
    pub title: String,
    /// The whole text of the task.
    pub text: Digest,
    /// Who wrote that text.
    pub label: Label,
    /// The stages it passes.
    pub template: Template,
    /// How far it goes.
    pub autonomy: Autonomy,
    /// Whether somebody can be asked. If not, a question ends the run.
    pub attended: bool,
    /// When a person is asked.
    pub policy: Policy,
    /// What it may cost.
    pub budget: Budget,
    /// What writes the change.
    pub engine: Engine,
    /// Which model each role asks, by the role's name.
    pub models: BTreeMap<String, RoleModel>,
    /// The cage for its commands.
    pub sandbox: SandboxLevel,
    /// The branch it starts from and merges into.
    pub branch: String,
    /// Bring the merged change to the user's own checkout, if that is clean.
    pub apply_to_checkout: bool,
    /// Whether the gates are run; switched off only for headless tasks.
    pub gates: bool,
    /// Numbers that shape the agents' work.
    pub limits: Limits,
    /// The run before this one, on a retry.
    pub retry_of: Option<RunId>,
}

/// A named sequence of stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// From an issue to a deployment: all six agents.
    Issue,
    /// One headless task: CodeGen and gates, then the patch.
    Exec,
}

/// The last stage that a run enters by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Autonomy {
    /// It ends with the plan.
    Plan,
    /// It ends with the merged pull request.
    Pr,
    /// It ends with the deployment.
    Deploy,
}

/// What writes a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Engine {
    /// A model with tools.
    Loop,
    /// The patch that the issue carries; no model.
    Patch {
        /// The patch.
        patch: Digest,
    },
    /// The operator's own commands; no model.
    Recipe {
        /// Its name.
        name: String,
        /// The commands.
        commands: Vec<Vec<String>>,
    },
}

impl Engine {
    /// Whether a model takes part.
    pub fn uses_model(&self) -> bool {
        matches!(self, Self::Loop)
    }
}

/// The model of a role, with what was known of it when the run was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleModel {
    /// Its name.
    pub name: ModelName,
    /// Tokens that request and answer may have together.
    pub context_tokens: u64,
    /// Tokens that one answer may have.
    pub max_output_tokens: u32,
    /// Its price, or the ceiling when nobody knows it.
    pub price: Price,
    /// It plays a script. Said on every screen.
    pub scripted: bool,
}

/// Numbers that shape the agents' work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Below this confidence the Issue agent asks instead of acting, in percent.
    pub confidence_percent: u8,
    /// How often an agent's unusable answer is sent back.
    pub corrections: u32,
    /// How often CodeGen may call `finish` and be refused.
    pub finishes: u32,
    /// How often a change goes back from review to CodeGen.
    pub fixes: u32,
    /// How often a step that may succeed later is tried.
    pub attempts: u32,
    /// Tasks that work at the same time.
    pub parallel: u32,
    /// How often a merge is tried on a branch that keeps moving.
    pub merge_rounds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            confidence_percent: 60,
            corrections: 3,
            finishes: 4,
            fixes: 3,
            attempts: 4,
            parallel: 4,
            merge_rounds: 8,
        }
    }
}
