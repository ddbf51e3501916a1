//! The sections of the configuration, each with its options: meaning, unit, default.
//!
//! Options marked "next run" take effect with the next run; all others when the process that owns the data folder
//! starts again.

mod models;
mod retention;
mod run;
mod sandbox;

pub use models::{Dialect, KnownModel, Models, Provider, ROLES};
pub use retention::{Log, LogFormat, LogLevel, Retention};
pub use run::{Budget, EngineChoice, Policy, Recipe, Run, Usd};
pub use sandbox::Sandbox;

use super::option::{Form, OptionDoc, fits};
use crate::port::model::ModelName;

/// Models that stand in for others. The key is a model's full name.
const FALLBACKS: &[OptionDoc] = &[OptionDoc {
    section: &["fallbacks"],
    name: "*",
    doc: &[
        " Models that are asked in this order when the provider of the model named by the key is away, busy or out",
        " of quota. A fallback's own fallbacks don't count. Default: none.",
    ],
    form: Form::List,
    fits: fits::<Vec<ModelName>>,
}];

/// The options of all sections.
pub(super) const ALL: &[&[OptionDoc]] = &[
    Models::OPTIONS,
    Provider::OPTIONS,
    KnownModel::OPTIONS,
    FALLBACKS,
    Budget::OPTIONS,
    Policy::OPTIONS,
    Sandbox::OPTIONS,
    Run::OPTIONS,
    Recipe::OPTIONS,
    Retention::OPTIONS,
    Log::OPTIONS,
];
