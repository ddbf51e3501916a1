//! Ports: what the inside asks of the outside. Adapters live in the crates above; only `miyabi-cli` wires them.

pub mod artifacts;
pub mod catalog;
pub mod checkouts;
pub mod clock;
pub mod deploy_target;
pub mod forge;
pub mod journal;
pub mod model;
pub mod records;
pub mod repositories;
pub mod retention;
pub mod settings;
pub mod tool_host;
