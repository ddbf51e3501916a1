//! What tests of several crates need. A dev-dependency only: nothing that ships may import it.
//!
//! Here live doubles of ports whose real adapter would be slow or uncontrollable in a test (time, chance, records)
//! and makers of real things (git repositories). There is deliberately no double of git, of processes or of the
//! sandbox: those are tested for real.

pub mod artifacts;
pub mod clock;
pub mod entropy;
pub mod git;
pub mod poll;
pub mod project;
pub mod records;
