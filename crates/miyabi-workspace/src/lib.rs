//! Everything that touches the machine: checkouts, processes, snapshots, the local forge and target.

mod blocking;

pub mod attended;
pub mod checkouts;
pub mod deploy;
pub mod files;
pub mod forge;
pub mod git;
pub mod repositories;
pub mod sandbox;
pub mod seed;
pub mod site;
pub mod snapshot;

use self::blocking::blocking;
