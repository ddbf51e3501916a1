//! Where the parts of a checkout are.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::checkouts::CheckoutId;

use crate::files::{self, Folder, Trash};

/// Folders that commands write: they belong to the sandbox's id.
pub(super) const SANDBOX_FOLDERS: [&str; 4] = ["tree", "home", "git", "outbox"];
/// Folders that only the host enters.
const OWN_FOLDERS: [&str; 3] = ["staging", "logs", "trash"];

/// Whether this is the name of a checkout, and not of a folder beside checkouts.
pub(super) fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(is_letter)
}

/// One checkout's place.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    folder: PathBuf,
    name: String,
}

impl Layout {
    pub(super) fn new(checkouts: &Path, id: &CheckoutId) -> Result<Self, Failure> {
        if !is_name(&id.name) {
            let message = "a checkout's name has 1 to 64 lower-case letters, digits and hyphens";
            return Err(Failure::permanent(ErrorCode::RequestInvalid, message));
        }
        let folder = checkouts.join(id.run.to_string()).join(&id.name);
        Ok(Self { folder, name: id.to_string() })
    }

    /// The checkout's name, for people.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    pub(super) fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    pub(super) fn git(&self) -> PathBuf {
        self.folder.join("git")
    }

    pub(super) fn outbox(&self) -> PathBuf {
        self.folder.join("outbox")
    }

    pub(super) fn caches(&self) -> PathBuf {
        self.folder.join("caches")
    }

    pub(super) fn staging(&self) -> PathBuf {
        self.folder.join("staging")
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    pub(super) fn trash(&self) -> PathBuf {
        self.folder.join("trash")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.join("checkout.json")
    }

    /// Names the snapshot that later ones are told from.
    pub(super) fn snapshot_base(&self) -> PathBuf {
        self.folder.join("snapshot-base")
    }

    pub(super) fn open_staging(&self) -> Result<Folder, files::Error> {
        Folder::open(&self.staging())
            .map_err(|source| files::Error::at("open", b"the staging folder", source))
    }

    /// Makes all folders, empty. Blocking.
    pub(super) fn make(&self) -> io::Result<()> {
        // Commands pass through on their way to their files at levels without namespaces, without seeing more.
        fs::DirBuilder::new().recursive(true).mode(0o711).create(&self.folder)?;
        for name in SANDBOX_FOLDERS.into_iter().chain(OWN_FOLDERS) {
            fs::DirBuilder::new().mode(0o700).create(self.folder.join(name))?;
        }
        fs::DirBuilder::new().mode(0o711).create(self.caches())
    }

    /// Removes the checkout, whatever is in it. What marks it as complete goes first.
    pub(super) async fn clear(&self) -> Result<(), Failure> {
        let layout = self.clone();
        let cleared = crate::blocking(move || layout.clear_now()).await;
        cleared.map_err(|source| files::Error::at("remove", self.name.as_bytes(), source).into_failure())
    }

    fn clear_now(&self) -> io::Result<()> {
        let (Some(run), Some(name)) = (self.folder.parent(), self.folder.file_name()) else {
            return Ok(());
        };
        let run = match Folder::open(run) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        match fs::remove_file(self.state()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        use std::os::unix::ffi::OsStrExt as _;
        let trash = Trash::open(&self.folder.with_file_name(".trash"))?;
        trash.remove(&run, name.as_bytes())?;
        run.remove_empty(b".trash").map(drop)
    }
}

#[cfg(test)]
mod tests {
    use miyabi_core::id::RunId;
    use miyabi_core::time::Timestamp;

    use super::*;

    #[test]
    fn only_plain_names_become_folders() {
        let layout = |name: &str| {
            let run = RunId::mint(Timestamp::from_millis(1), 1);
            Layout::new(Path::new("/data"), &CheckoutId { run, name: name.into() })
        };
        assert!(layout("task-1").unwrap().tree().starts_with("/data"));
        let long = "x".repeat(65);
        for name in ["", ".", "..", "../x", "a/b", "A", "a b", "a.b", "日本", "a\0", ".trash", &long] {
            assert!(layout(name).is_err(), "{name:?}");
        }
    }
}
