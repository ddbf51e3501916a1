//! The engine that drives runs, and the six agents as data plus one judging function each.
//!
//! Everything outside is reached through the ports of `miyabi-core`; there is no HTTP, SQL, git or process in this
//! crate, and no prompt outside of it.

pub mod analyse;
pub mod engine;
pub mod perform;
mod prompt;
mod role;
