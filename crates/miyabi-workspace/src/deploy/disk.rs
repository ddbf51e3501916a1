//! Changes to files of ours that are whole or not there, also after a power cut. All functions block.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Makes a folder, with those above it, that others can pass through and not list: levels of the sandbox without
/// a root of their own let a service walk to its files under an id that is not ours.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o711).create(path)
}

/// Puts a file in place of another, in one step.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (folder, new) = beside(path)?;
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(folder)
}

/// Makes a link point elsewhere, in one step.
pub(super) fn switch_link(link: &Path, to: &Path) -> io::Result<()> {
    let (folder, new) = beside(link)?;
    remove_if_there(&new)?;
    std::os::unix::fs::symlink(to, &new)?;
    fs::rename(&new, link)?;
    sync_folder(folder)
}

/// Puts a program in place, in one step: the same file under another name, or a copy on another file system.
pub(super) fn place(program: &Path, target: &Path) -> io::Result<()> {
    let (_, new) = beside(target)?;
    remove_if_there(&new)?;
    if fs::hard_link(program, &new).is_err() {
        fs::copy(program, &new)?;
    }
    fs::rename(&new, target)?;
    // Renaming a file to another of its own names does nothing and leaves both.
    remove_if_there(&new)
}

/// Removes a file or link; fine if there is none.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes a folder with all that is in it, following no links; fine if there is none.
pub(super) fn remove_folder_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes sure that a folder's list of names is on the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn beside(path: &Path) -> io::Result<(&Path, std::path::PathBuf)> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => {
            let mut new = std::ffi::OsString::from(".");
            new.push(name);
            new.push(".new");
            Ok((folder, folder.join(new)))
        }
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}
