//! Everything that touches the machine: checkouts, processes, snapshots, the local forge and target.

mod blocking;

pub mod deploy;
pub mod forge;
pub mod git;
pub mod repositories;
pub mod sandbox;

use self::blocking::blocking;
pub mod site;
