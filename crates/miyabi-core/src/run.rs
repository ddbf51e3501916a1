//! A run: its journal, the state that the journal adds up to, and what to do next.
//!
//! `apply` folds one event into the state, `decide` says what the state calls for. Both are pure. Everything else -
//! performing a step, writing the journal, waiting - is the engine's.

pub mod apply;
pub mod decide;
pub mod event;
pub(crate) mod flow;
pub mod planned;
pub mod review;
pub mod session;
pub mod spec;
pub mod state;
pub mod step;
pub mod value;

pub use decide::{Command, decide};
pub use event::{Event, EventBody};
pub use spec::{Engine, RunSpec};
pub use state::RunState;
pub use step::{Effect, Stage, Step};
pub use value::StepValue;
