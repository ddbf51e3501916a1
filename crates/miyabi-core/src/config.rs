//! The configuration: one typed tree, its options, and how the layers of it become one.
//!
//! Texts come in from outside - files, variables, flags - and are read and merged here; nothing here opens a file or
//! looks at the environment. Each option is declared once, in `section`, with its meaning, unit and default; the
//! table of keys, the check of unknown ones and the reference page follow from that declaration.

mod check;
mod layer;
mod merge;
mod nearest;
mod option;
mod problem;
mod repository;
pub mod section;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use layer::{Origin, Sources};
pub use merge::{Effective, Entry, load, parse_setting};
pub use nearest::nearest;
pub use option::{Form, OptionDoc, Path, options};
pub use problem::{Problem, Problems};
pub use section::{
    Budget, Dialect, EngineChoice, KnownModel, Log, LogFormat, LogLevel, Models, Policy, Provider, Recipe,
    Retention, Run, Sandbox, Usd,
};

use crate::port::model::ModelName;

/// The whole configuration with every option set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which model each role asks.
    pub models: Models,
    /// Who answers: the part of a model's name before the slash.
    pub providers: BTreeMap<String, Provider>,
    /// Which models are asked, in order, when the provider of the first is away, busy or out of quota.
    pub fallbacks: BTreeMap<String, Vec<ModelName>>,
    /// What a run may cost.
    pub budget: Budget,
    /// When a person is asked.
    pub policy: Policy,
    /// The cage for commands.
    pub sandbox: Sandbox,
    /// How runs go.
    pub run: Run,
    /// The operator's own commands, by name, for changes without a model.
    pub recipes: BTreeMap<String, Recipe>,
    /// What is kept and for how long.
    pub retention: Retention,
    /// The program's own log.
    pub log: Log,
}
