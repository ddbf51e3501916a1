//! The store against real SQLite, real disks and real processes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backup;
mod common;
mod conformance;
mod damage;
mod durability;
mod format;
mod ownership;
mod properties;
mod retention;
mod secrets;
mod sweep;
