//! Everything that is kept between two processes: the data folder with its lock, the journal and the records in
//! SQLite behind core's ports, artifacts on disk, encrypted secrets, backups.
//!
//! This is the only crate that knows SQL. What an event or a record means is core's; who may do what is the use
//! cases'.
//!
//! ```no_run
//! # async fn example(at: miyabi_core::time::Timestamp) -> Result<(), Box<dyn std::error::Error>> {
//! use miyabi_store::{DataFolder, Keys, Store};
//!
//! let folder = DataFolder::open("/var/lib/miyabi".as_ref())?; // an error if another process owns it
//! let store = Store::open(folder, Keys::File, at).await?;
//! let journal = store.journal();
//! // ... work ...
//! store.close().await;
//! # Ok(())
//! # }
//! ```

mod artifacts;
mod backup;
mod check;
#[cfg(feature = "conformance")]
pub mod conformance;
mod disk;
mod error;
mod folder;
mod retention;
mod secrets;
mod sqlite;
mod store;

pub use artifacts::{DiskArtifacts, Swept, Total};
pub use backup::restore;
pub use check::{Problem, Report, check_folder};
pub use error::Error;
pub use folder::{DataFolder, Error as FolderError, Layout};
pub use secrets::{InvalidKey, Keys, MasterKey, Rewrapped};
pub use store::Store;
