//! Whole runs through the real program in real repositories: several tasks, red gates, conflicts, bad releases, engines
//! without a model, and answers of a model that is broken or hostile.
#![expect(clippy::unwrap_used, reason = "a test")]

mod bench;
mod deployments;
mod engines;
mod misbehaviour;
mod tasks;
