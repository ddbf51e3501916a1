//! Ports: what the inside asks of the outside. Adapters live in the crates above; only `miyabi-cli` wires them.

pub mod model;
