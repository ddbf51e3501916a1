//! What is known of a checkout. That it is there says that the checkout is complete.

use std::fs::File;
use std::io::{self, Write as _};

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::id::ProjectId;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::layout::Layout;
use crate::git::CommitHash;

/// The version that is written. A checkout of another version is made anew.
const VERSION: u32 = 1;

/// A complete checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    version: u32,
    /// Whose objects it borrows.
    pub(super) project: ProjectId,
    /// The commit that its changes are told from, and that its next commit stands on.
    base: String,
    /// A merge whose files are being written.
    pub(super) merging: Option<Merge>,
    /// The merge that was finished last.
    pub(super) merged: Option<Merge>,
}

/// A merge of a commit into the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Merge {
    /// The commit that comes in.
    pub(super) onto: String,
    /// The files as they shall be.
    pub(super) tree: String,
    /// Files with conflict marks.
    pub(super) conflicts: Vec<String>,
}

impl State {
    pub(super) fn new(project: ProjectId, base: &CommitHash) -> Self {
        Self { version: VERSION, project, base: base.to_string(), merging: None, merged: None }
    }

    pub(super) fn base(&self) -> Result<CommitHash, Failure> {
        crate::repositories::commit_hash(&self.base)
    }

    pub(super) fn set_base(&mut self, base: &CommitHash) {
        self.base = base.to_string();
    }
}

/// Reads the state; a checkout without one, or with one that can't be read, is not there.
pub(super) async fn load(layout: &Layout) -> Result<State, Failure> {
    let path = layout.state();
    let bytes = crate::blocking(move || std::fs::read(path)).await;
    let state = bytes.ok().and_then(|bytes| serde_json::from_slice::<State>(&bytes).ok());
    state.filter(|state| state.version == VERSION).ok_or_else(|| {
        let message = format!("there is no complete checkout `{}`", layout.name());
        Failure::permanent(ErrorCode::NotFound, message)
    })
}

/// Writes the state in one go; it is on the disk when this returns.
pub(super) async fn save(layout: &Layout, state: &State) -> Result<(), Failure> {
    let path = layout.state();
    let bytes = serde_json::to_vec(state)
        .map_err(|error| Failure::permanent(ErrorCode::Internal, error.to_string()))?;
    let saved = crate::blocking(move || -> io::Result<()> {
        let folder = path.parent().unwrap_or(&path).to_path_buf();
        let mut file = NamedTempFile::new_in(&folder)?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        File::open(folder)?.sync_all()
    })
    .await;
    saved.map_err(|source| crate::files::Error::at("write", b"the checkout's state", source).into_failure())
}
