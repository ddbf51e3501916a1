//! The port to the operator's configuration as it is at this moment.

use async_trait::async_trait;

use crate::config::{Effective, Problems};
use crate::project::Project;

/// The configuration. It is read anew for each use, so that a changed file takes effect with the next run.
#[async_trait]
pub trait Settings: Send + Sync {
    /// Reads, merges and checks all layers; with a project, its repository's file too.
    ///
    /// # Errors
    /// Everything that is wrong, a file that can't be read included.
    async fn load(&self, project: Option<&Project>) -> Result<Effective, Problems>;
}
