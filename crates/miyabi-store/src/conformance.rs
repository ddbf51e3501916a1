//! The suite that every store behind core's ports has to pass. Each case takes a port and fails by panicking; cases
//! mint their own tenants, so that they can share a store and run in any order.
//!
//! What only one kind of store can show - crashes, file modes, damage - is in that store's own tests.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod artifacts;
pub mod fixture;
pub mod forge;
pub mod idempotency;
pub mod journal;
pub mod journal_reads;
pub mod projects;
pub mod secrets;
