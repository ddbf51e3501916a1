//! What callers send. Unknown fields are errors, so that a typing error is never taken for a wish.

use std::collections::BTreeMap;

use miyabi_core::id::{ProjectId, RunId};
use miyabi_core::policy::Mode;
use miyabi_core::port::model::ModelName;
use miyabi_core::run::event::Decision;
use miyabi_core::run::spec::Autonomy;
use miyabi_core::sandbox::SandboxLevel;
use miyabi_core::usecase::approve::DecideApproval;
use miyabi_core::usecase::start::{self, NewRun, Task, Wishes};
use serde::{Deserialize, Serialize};

use super::Money;

/// Starts a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartRun {
    /// The repository.
    pub project_id: ProjectId,
    /// What it shall solve.
    pub task: TaskWish,
    /// What is wanted otherwise than configured.
    #[serde(default)]
    pub wishes: RunWishes,
}

/// What a run shall solve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum TaskWish {
    /// An issue of the forge.
    Issue {
        /// Its number.
        number: u64,
    },
    /// A text; an issue is made of it.
    Text {
        /// The text; its first line becomes the title.
        text: String,
    },
    /// A headless task: CodeGen and gates only.
    Exec {
        /// The text.
        text: String,
    },
}

/// What writes the change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum EngineWish {
    /// A model with tools.
    #[default]
    Loop,
    /// A patch.
    Patch {
        /// The patch; without it, the one that the task's text carries.
        #[serde(default)]
        patch: Option<String>,
    },
    /// A configured recipe.
    Recipe {
        /// Its name.
        name: String,
    },
}

/// Caps of a run; those left out are as configured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetWish {
    /// Money.
    pub cost: Option<Money>,
    /// Tokens, input and output together.
    pub tokens: Option<u64>,
    /// Model requests of one conversation.
    pub turns: Option<u32>,
    /// Working time, in seconds.
    pub wall_s: Option<u64>,
}

/// What is wanted otherwise than configured; everything may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunWishes {
    /// What writes the change.
    pub engine: EngineWish,
    /// The last stage it enters by itself.
    pub autonomy: Option<Autonomy>,
    /// How much a person wants to be asked.
    pub policy: Option<Mode>,
    /// The cage for its commands.
    pub sandbox: Option<SandboxLevel>,
    /// What it may cost.
    pub budget: BudgetWish,
    /// Models by role, or for all roles under `default`.
    pub models: BTreeMap<String, ModelName>,
    /// Tasks that work at the same time.
    pub parallel: Option<u32>,
    /// The branch it starts from and merges into.
    pub branch: Option<String>,
    /// Bring the change to the user's own checkout.
    pub apply: Option<bool>,
    /// Run the gates. Only headless tasks can do without.
    pub gates: Option<bool>,
    /// Whether somebody can be asked.
    pub attended: Option<bool>,
}

impl From<RunWishes> for Wishes {
    fn from(wishes: RunWishes) -> Self {
        let engine = match wishes.engine {
            EngineWish::Loop => start::EngineWish::Loop,
            EngineWish::Patch { patch } => start::EngineWish::Patch { patch },
            EngineWish::Recipe { name } => start::EngineWish::Recipe { name },
        };
        Self {
            engine,
            autonomy: wishes.autonomy,
            mode: wishes.policy,
            sandbox: wishes.sandbox,
            cost_usd_micros: wishes.budget.cost.map(|cost| cost.amount),
            tokens: wishes.budget.tokens,
            turns: wishes.budget.turns,
            wall_ms: wishes.budget.wall_s.map(|seconds| seconds.saturating_mul(1_000)),
            models: wishes.models,
            parallel: wishes.parallel,
            branch: wishes.branch,
            apply: wishes.apply,
            gates: wishes.gates,
            attended: wishes.attended,
        }
    }
}

impl From<StartRun> for NewRun {
    fn from(request: StartRun) -> Self {
        let task = match request.task {
            TaskWish::Issue { number } => Task::Issue(number),
            TaskWish::Text { text } => Task::Text(text),
            TaskWish::Exec { text } => Task::Exec(text),
        };
        Self { project: request.project_id, task, wishes: request.wishes.into() }
    }
}

/// Starts an ended run again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryRequest {
    /// What is wanted otherwise than the last time.
    pub wishes: RunWishes,
}

/// A decision, as a word to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionWord {
    /// Go on.
    Approve,
    /// Not like this.
    RequestChanges,
    /// Stop.
    Reject,
}

/// Decides what a run asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecideRequest {
    /// The decision.
    pub decision: DecisionWord,
    /// The question's name; without it, the only one that is open.
    #[serde(default)]
    pub approval: Option<String>,
    /// Words to the agents; needed with `request_changes`.
    #[serde(default)]
    pub note: Option<String>,
    /// What the person looked at: a question's `version`, or at least seven characters of it.
    #[serde(default)]
    pub head: Option<String>,
}

impl DecideRequest {
    pub(crate) fn for_run(self, run: RunId) -> DecideApproval {
        let decision = match self.decision {
            DecisionWord::Approve => Decision::Approved,
            DecisionWord::RequestChanges => Decision::ChangesRequested,
            DecisionWord::Reject => Decision::Rejected,
        };
        DecideApproval { run, approval: self.approval, decision, note: self.note, head: self.head }
    }
}

/// Guides a run's agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SteerRequest {
    /// What to tell them.
    pub text: String,
}
