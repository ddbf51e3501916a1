//! Events, in the journal's own form.

use serde::{Deserialize, Serialize};

/// What happened in a run, exactly as its journal has it: `{"v": 1, "run_id": …, "seq": 3, "at": …, "kind": …}`. Times
/// in it are milliseconds since 1970, for it is the record itself and not a view of it.
pub type Event = miyabi_core::run::Event;

/// An event and its place among the events of all runs, by which a stream can be taken up again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// The place: rises from event to event.
    pub id: u64,
    /// The event.
    pub event: Event,
}

/// Whether the server answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The program's version.
    pub version: String,
    /// The place of the last event.
    pub event_id: u64,
}
