//! What the target remembers of a project beside its releases: the port, the process, the release before.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::disk;
use super::error::Error;
use super::layout::{Layout, ProjectFolder, ReleaseName};
use super::runner::ServiceId;

/// The form of the file. A newer one is not touched.
const VERSION: u32 = 1;

/// A project's state file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    version: u32,
    /// The port it answers on, kept from release to release.
    pub(super) port: Option<u16>,
    /// The release that was current before.
    pub(super) previous: Option<String>,
    /// The process that was started last and was not ended by us.
    pub(super) service: Option<Service>,
}

/// A process that answers for a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Service {
    pub(super) release: String,
    #[serde(flatten)]
    pub(super) id: ServiceId,
    /// The file name of the gate that it waits at or has passed: only an open one lets it begin.
    pub(super) gate: String,
    /// The machine's start in which it runs; ids count anew after the next one.
    boot: Option<String>,
}

impl Service {
    /// A process that was started just now. Blocking, briefly.
    pub(super) fn new(release: String, id: ServiceId, gate: String) -> Self {
        Self { release, id, gate, boot: boot() }
    }
}

/// What the system calls this start of the machine; `None` where it has no name for it.
fn boot() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(name.trim().to_owned())
}

impl Default for State {
    fn default() -> Self {
        Self { version: VERSION, port: None, previous: None, service: None }
    }
}

impl State {
    /// Reads a project's state; a project that was never deployed has none, and a process does not outlive the
    /// machine's start in which it ran. Blocking.
    pub(super) fn read(folder: &ProjectFolder) -> Result<Self, Error> {
        let bytes = match std::fs::read(folder.state()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::file("read", ProjectFolder::STATE)(error)),
        };
        let damaged = |reason: String| Error::Damaged { what: ProjectFolder::STATE.into(), reason };
        let mut state: Self = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if state.version != VERSION {
            return Err(damaged(format!("its form {} is not one that this version knows", state.version)));
        }
        state.service = state.service.filter(|service| service.boot == boot());
        Ok(state)
    }

    /// Puts it on the disk. Blocking.
    pub(super) fn write(&self, folder: &ProjectFolder) -> Result<(), Error> {
        let failed = Error::file("write", ProjectFolder::STATE);
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        disk::write_durably(&folder.state(), &bytes).map_err(Error::file("write", ProjectFolder::STATE))
    }
}

/// The release that the link names. Blocking.
pub(super) fn current(folder: &ProjectFolder) -> Result<Option<ReleaseName>, Error> {
    let target = match std::fs::read_link(folder.current()) {
        Ok(target) => target,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("read", ProjectFolder::CURRENT)(error)),
    };
    let name = target.strip_prefix("releases").ok().and_then(Path::to_str);
    match name.map(ReleaseName::parse) {
        Some(Ok(name)) => Ok(Some(name)),
        _ => Err(Error::Damaged {
            what: ProjectFolder::CURRENT.into(),
            reason: "it does not lead to a release".into(),
        }),
    }
}

/// Makes a release the one that the link names. Blocking.
pub(super) fn set_current(folder: &ProjectFolder, name: &ReleaseName) -> Result<(), Error> {
    let target = Path::new("releases").join(name.as_str());
    disk::switch_link(&folder.current(), &target).map_err(Error::file("switch", ProjectFolder::CURRENT))
}

/// Ports that other projects have. Blocking. A state that can't be read is no reason to stop here.
pub(super) fn ports_of_others(layout: &Layout, own: &ProjectFolder) -> BTreeSet<u16> {
    let Ok(entries) = std::fs::read_dir(layout.root()) else {
        return BTreeSet::new();
    };
    let folders = entries.flatten().map(|entry| entry.path()).filter(|path| path != own.root());
    folders
        .filter_map(|path| std::fs::read(path.join(ProjectFolder::STATE)).ok())
        .filter_map(|bytes| serde_json::from_slice::<State>(&bytes).ok())
        .filter_map(|state| state.port)
        .collect()
}
