//! The local deployment target: releases in folders, one of them current, and one process that answers for it.
//!
//! ```text
//! <data>/deploy/<project>/
//!   releases/<name>/release.json   what it is, with a digest over all its files
//!   releases/<name>/files/         the files themselves; complete or absent, never changed
//!   current                        link to the release that is out
//!   state.json                     port, process, the release before
//!   logs/<name>.log                what its process wrote, of bounded size
//!   gate-<random>                  what its process waits at until it is noted
//!   lock                           one act at a time
//! ```
//!
//! Every act first writes what it is about to do and may be repeated after a crash at any instant: it then ends with
//! the wanted release running once. Health is only looked at here; how often, and what follows, is decided in core.

mod disk;
mod error;
pub(crate) mod gate;
mod health;
mod layout;
mod listener;
mod lock;
mod port;
mod release;
mod runner;
mod service;
mod state;
mod target;
mod tree;

use std::path::PathBuf;
use std::sync::Arc;

use miyabi_core::port::checkouts::CheckoutId;

pub use self::error::Error;
use self::layout::Layout;
pub use self::runner::{
    CheckOutcome, CheckSpec, SandboxRunner, ServiceId, ServiceKind, ServiceRunner, ServiceSpec,
};
pub use self::tree::Limits;

/// Where checkouts lie, so that a release can be made of one.
pub trait CheckoutFolders: Send + Sync {
    /// The folder of a checkout's files, whether or not it exists.
    fn folder(&self, id: &CheckoutId) -> PathBuf;
}

/// A deployment target on this machine.
pub struct LocalTarget {
    layout: Layout,
    runner: Arc<dyn ServiceRunner>,
    checkouts: Arc<dyn CheckoutFolders>,
    limits: Limits,
}

impl LocalTarget {
    /// A target that keeps its releases below `folder`, which is made when the first one comes.
    pub fn new(
        folder: PathBuf,
        runner: Arc<dyn ServiceRunner>,
        checkouts: Arc<dyn CheckoutFolders>,
        limits: Limits,
    ) -> Self {
        Self { layout: Layout::new(folder), runner, checkouts, limits }
    }
}
