//! The servers. Each is a set of tools over a context of its own.

pub(crate) mod workspace;
