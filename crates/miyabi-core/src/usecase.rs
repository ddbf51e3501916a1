//! What people and programs can ask for: one function per use case, called alike by every door (the API, the command
//! line, MCP). Each checks that the caller may, does the thing through ports, and answers with core's own types.
//!
//! How answers look on a wire is the doors' business. What agents do by themselves is the engine's.

pub mod access;
pub mod approve;
pub mod change;
pub mod deployment;
mod error;
pub mod event;
pub mod gc;
pub mod issue;
pub mod model;
mod patch;
pub mod project;
pub mod pull_request;
mod record;
pub mod restore;
pub mod retry;
pub mod run;
pub mod secret;
pub mod start;
pub mod steer;
pub mod stop;
pub mod store;

use std::sync::Arc;

pub use access::{Act, Caller, Role, may};
pub use error::{Error, FieldProblem, Hint};

use crate::port::artifacts::Artifacts;
use crate::port::catalog::Catalog;
use crate::port::checkouts::Checkouts;
use crate::port::clock::{Clock, Entropy};
use crate::port::deploy_target::DeployTarget;
use crate::port::forge::Forge;
use crate::port::journal::Journal;
use crate::port::model::Model;
use crate::port::records::{Idempotency, Projects, Secrets};
use crate::port::repositories::Repositories;
use crate::port::retention::{ArtifactRetention, CheckoutRetention, RunRetention, StoreInfo};
use crate::port::settings::Settings;

/// What every use case about runs needs: their journals, the contents they name, time and chance.
#[derive(Clone)]
pub struct Runs {
    /// The runs' events.
    pub journal: Arc<dyn Journal>,
    /// Contents by digest.
    pub artifacts: Arc<dyn Artifacts>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

/// What a new run is made of, beside the journal it is written to.
#[derive(Clone)]
pub struct Intake {
    /// The connected repositories.
    pub projects: Arc<dyn Projects>,
    /// Where issues are.
    pub forge: Arc<dyn Forge>,
    /// What is known of models.
    pub model: Arc<dyn Model>,
    /// The operator's configuration.
    pub settings: Arc<dyn Settings>,
}

/// Projects' code: their repositories and the clones that tasks work in.
#[derive(Clone)]
pub struct Code {
    /// Projects' repositories.
    pub repositories: Arc<dyn Repositories>,
    /// Private clones.
    pub checkouts: Arc<dyn Checkouts>,
}

/// What removes and measures.
#[derive(Clone)]
pub struct Upkeep {
    /// Removes ended runs.
    pub runs: Arc<dyn RunRetention>,
    /// Removes contents that nothing refers to.
    pub artifacts: Arc<dyn ArtifactRetention>,
    /// Knows which checkouts there are.
    pub checkouts: Arc<dyn CheckoutRetention>,
    /// Knows how large the store is.
    pub store: Arc<dyn StoreInfo>,
}

/// All that the doors need, by theme. Wired once, by the program; each use case takes only its part.
#[derive(Clone)]
pub struct Services {
    /// Runs.
    pub runs: Runs,
    /// What new runs are made of: projects, forge, models, configuration.
    pub intake: Intake,
    /// Projects' code.
    pub code: Code,
    /// Where releases lie and answer.
    pub target: Arc<dyn DeployTarget>,
    /// All configured models.
    pub catalog: Arc<dyn Catalog>,
    /// Secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Answers by idempotency key.
    pub idempotency: Arc<dyn Idempotency>,
    /// What removes and measures.
    pub upkeep: Upkeep,
}

/// A part of a list, and where the next part begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<C>,
}

/// The most items of a page.
pub const MAX_PAGE: u32 = 200;

impl<T, C> Page<T, C> {
    /// A page out of one item more than was asked for, which tells whether there is a next page.
    pub(crate) fn cut(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> C) -> Self {
        let limit = limit as usize;
        let next = (items.len() > limit).then(|| items.get(limit.saturating_sub(1)).map(cursor)).flatten();
        items.truncate(limit);
        Self { items, next }
    }
}

/// A page's size within what is allowed.
pub(crate) fn page_size(wanted: u32) -> u32 {
    wanted.clamp(1, MAX_PAGE)
}
