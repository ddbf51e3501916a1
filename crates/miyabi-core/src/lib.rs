//! The meaning of a run, without any input or output.
//!
//! Here live the ids, the journal's events, `decide` and `apply`, policy, budgets, gates, the ports, the use cases
//! and the error codes. There is deliberately no runtime, no clock, no entropy, no SQL, no HTTP and no process in
//! this crate; what it needs of them comes through `port`.

pub mod budget;
pub mod config;
pub mod detect;
pub mod digest;
pub mod error;
pub mod finding;
pub mod forge;
pub mod gate;
pub mod id;
pub mod label;
pub mod money;
pub mod plan;
pub mod policy;
pub mod port;
pub mod project;
pub mod run;
pub mod sandbox;
pub mod secret;
pub mod stop;
pub mod time;
pub mod triage;
pub mod usecase;
