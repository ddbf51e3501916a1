//! Secrets at rest: the master key, and how a value is sealed with it. Rows are `sqlite::secrets`'.
//!
//! Each value is encrypted with a key of its own, drawn for it; that key is wrapped by the master key, which never
//! enters the database. A change of the master key wraps the small keys anew and leaves the values alone.

pub(crate) mod keeper;
mod key;
pub(crate) mod seal;

pub use key::{InvalidKey, MasterKey};

/// Where the master key comes from.
#[derive(Debug, Default)]
pub enum Keys {
    /// From the file `key` in the data folder, made when the first secret is set.
    #[default]
    File,
    /// From the operator, for instance out of a key service; nothing is written to the data folder.
    Operator {
        /// The key that new secrets are sealed with.
        current: MasterKey,
        /// Keys before it, while secrets sealed with them are left; see `Store::rewrap_secrets`.
        retired: Vec<MasterKey>,
    },
}

/// What a change of the master key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrapped {
    /// Secrets that are under the current key now and were not before.
    pub moved: u64,
    /// Secrets whose key nobody has any more. They have to be set again.
    pub lost: u64,
}
