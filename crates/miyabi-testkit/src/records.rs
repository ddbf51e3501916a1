//! Projects and the local forge's records in memory, with the promises of the ports.

mod forge;
mod projects;

pub use forge::MemoryForgeRecords;
pub use projects::MemoryProjects;
