//! Bare repositories as we write them: the files that make one, and short-lived ones that only borrow objects.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Git;
use super::command::Command;
use super::error::Error;
use super::object::Format;

/// A bare repository that only the host writes.
#[derive(Debug, Clone)]
pub(crate) struct Bare {
    git: Git,
    path: PathBuf,
}

impl Bare {
    pub(crate) fn new(git: Git, path: impl Into<PathBuf>) -> Self {
        Self { git, path: path.into() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    /// A command in this repository.
    pub(crate) fn command<A: Into<std::ffi::OsString>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        self.git.command(args).git_dir(&self.path)
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.join("HEAD").exists()
    }

    /// Makes an empty repository in one go, if there is none. Blocking, and only for the holder of the write lock.
    pub(crate) fn ensure(&self, format: Format) -> Result<(), Error> {
        let error = |source| Error::File { action: "make a repository", source };
        if self.exists() {
            return Ok(());
        }
        let parent = self.path.parent().unwrap_or(Path::new("/"));
        let made = tempfile::Builder::new().prefix("new-").tempdir_in(parent).map_err(error)?;
        write_files(made.path(), format, &[]).map_err(error)?;
        sync_folder(made.path()).map_err(error)?;
        fs::rename(made.path(), &self.path).map_err(error)?;
        // It has another name now; there is nothing to remove.
        let _path = made.keep();
        sync_folder(parent).map_err(error)
    }
}

/// A repository of a few moments that borrows objects from others and goes away when dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    bare: Bare,
    _folder: TempDir,
}

impl Scratch {
    /// Makes one in a folder. Blocking.
    pub(crate) fn make(git: &Git, parent: &Path, format: Format, borrows: &[&Path]) -> Result<Self, Error> {
        let error = |source| Error::File { action: "make a passing repository", source };
        let folder = tempfile::Builder::new().prefix("scratch-").tempdir_in(parent).map_err(error)?;
        write_files(folder.path(), format, borrows).map_err(error)?;
        Ok(Self { bare: Bare::new(git.clone(), folder.path()), _folder: folder })
    }

    pub(crate) fn bare(&self) -> &Bare {
        &self.bare
    }

    /// Lets a branch name stand for an object, without asking whether it is there. Blocking.
    pub(crate) fn set_branch(&self, name: &str, object: &str) -> Result<(), Error> {
        let path = self.bare.path.join("refs/heads").join(name);
        fs::write(path, format!("{object}\n"))
            .map_err(|source| Error::File { action: "write a branch", source })
    }
}

/// The files that make an empty bare repository.
fn write_files(folder: &Path, format: Format, borrows: &[&Path]) -> io::Result<()> {
    for path in ["objects/info", "objects/pack", "refs/heads"] {
        fs::create_dir_all(folder.join(path))?;
    }
    // Sandboxed commands read the objects as somebody else; the folders above decide who may come here.
    for path in ["", "objects", "objects/info", "objects/pack"] {
        fs::set_permissions(folder.join(path), fs::Permissions::from_mode(0o755))?;
    }
    let version = u8::from(format == Format::Sha256);
    let mut config = format!(
        "[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = true\n\tsharedRepository = 0644\n"
    );
    if format == Format::Sha256 {
        config += "[extensions]\n\tobjectformat = sha256\n";
    }
    // Who pulls from here gets branches only, and nobody pushes. Looking for differences between objects takes minutes
    // in large repositories and saves space that local disks have.
    config += "[pack]\n\twindow = 0\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[uploadpack]\n\thideRefs = refs/miyabi\n\
               [receive]\n\thideRefs = refs\n";
    fs::write(folder.join("config"), config)?;
    fs::write(folder.join("HEAD"), "ref: refs/heads/main\n")?;
    if !borrows.is_empty() {
        fs::write(folder.join("objects/info/alternates"), alternates(borrows)?)?;
    }
    Ok(())
}

/// The file that names folders of borrowed objects. A path that the format can't carry is an error.
pub(crate) fn alternates(folders: &[&Path]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for folder in folders {
        let bytes = folder.as_os_str().as_bytes();
        if !folder.is_absolute() || bytes.iter().any(u8::is_ascii_control) {
            let reason = "the path of a repository is relative or has control characters";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        lines.write_all(bytes)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Brings a folder's entries to the disk.
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}
