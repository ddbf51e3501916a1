//! Everything that touches the machine: checkouts, processes, snapshots, the local forge and target.

pub mod forge;
pub mod sandbox;
