//! Backups: a folder laid out like a data folder, made beside a running store, and the way back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::artifacts;
use crate::check::{self, Report};
use crate::disk;
use crate::error::Error;
use crate::folder::{self, DataFolder, Layout};
use crate::sqlite::connect;
use crate::sqlite::database::copy_into;

/// Makes a backup. Nothing may be removed from the artifacts meanwhile; what is added later than the copy of the
/// database does no harm.
pub(crate) async fn make(source: &Layout, target: &Path, with_key: bool) -> Result<(), Error> {
    refuse_occupied(target)?;
    // It gets its name when it is complete, so that a backup that was cut off is not taken for one.
    let partial = Partial(target.with_added_extension("partial"));
    clear(&partial.0)?;
    let copy = Layout::of(&partial.0);
    folder::make_private(copy.root())?;
    let mut connection =
        connect::reader(&source.database()).await.map_err(Error::sql("open the database"))?;
    copy_into(&mut connection, &copy.database()).await?;

    let (source, target) = (source.clone(), target.to_owned());
    blocking("copy the files", move || {
        copy_artifacts(&source.artifacts(), &copy.artifacts(), Means::LinkOrCopy)?;
        if with_key && source.key().exists() {
            copy_file(&source.key(), &copy.key(), Means::Copy)?;
        }
        let act = "finish the backup";
        disk::sync_folder(copy.root()).map_err(Error::file(act, copy.root()))?;
        fs::rename(&partial.0, &target).map_err(Error::file(act, &target))?;
        disk::sync_parent(&target).map_err(Error::file(act, &target))
    })
    .await
}

/// Brings a backup back into a new data folder, after checking it. An older format is upgraded when the folder is
/// opened. Secrets need the key that they were encrypted with.
///
/// # Errors
/// [`Error::Damaged`] when the backup is not whole, [`Error::Occupied`] when the folder holds a database.
pub async fn restore(backup: &Path, target: &Path) -> Result<Report, Error> {
    let report = check::check_folder(backup).await?;
    if !report.problems.is_empty() {
        return Err(Error::Damaged { path: backup.to_owned(), problems: report.problems });
    }
    let (backup, target) = (backup.to_owned(), target.to_owned());
    blocking("copy the files", move || {
        let folder = DataFolder::open(&target)?;
        let (from, to) = (Layout::of(backup), folder.layout());
        if to.database().exists() {
            return Err(Error::Occupied { path: target });
        }
        copy_artifacts(&from.artifacts(), &to.artifacts(), Means::Copy)?;
        if from.key().exists() {
            copy_file(&from.key(), &to.key(), Means::Copy)?;
        }
        // Last, because a folder with a database counts as complete.
        copy_file(&from.database(), &to.database(), Means::Copy)
    })
    .await?;
    Ok(report)
}

/// Whether the copy may share its bytes with the original, which never changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    LinkOrCopy,
    Copy,
}

/// A folder that is removed again unless it got its final name.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // Gone already when all went well; otherwise the next backup clears what is left.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn clear(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::file("remove an unfinished backup", path)(error))
        }
        _ => Ok(()),
    }
}

fn refuse_occupied(path: &Path) -> Result<(), Error> {
    match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(false) | Err(_) => Err(Error::Occupied { path: path.to_owned() }),
    }
}

fn copy_artifacts(from: &Path, to: &Path, means: Means) -> Result<(), Error> {
    let copied = artifacts::walk(from, |digest, path, _| {
        let target = artifacts::path_of(to, digest);
        if target.exists() {
            return Ok(());
        }
        fs::create_dir_all(target.parent().unwrap_or(to))?;
        transfer(path, &target, means)
    });
    folder::make_private(to)?;
    copied.and_then(|()| sync_shards(to)).map_err(Error::file("copy the artifacts to", to))
}

fn sync_shards(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            disk::sync_folder(&entry.path())?;
        }
    }
    disk::sync_folder(root)
}

fn copy_file(from: &Path, to: &Path, means: Means) -> Result<(), Error> {
    let done = transfer(from, to, means).and_then(|()| disk::sync_parent(to));
    done.map_err(Error::file("write", to))
}

fn transfer(from: &Path, to: &Path, means: Means) -> io::Result<()> {
    if means == Means::LinkOrCopy && fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    disk::copy(from, to)
}

async fn blocking(
    act: &'static str,
    work: impl FnOnce() -> Result<(), Error> + Send + 'static,
) -> Result<(), Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Database { act, why: error.to_string() }).flatten()
}
