//! Copies a build into a release's own folder.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::walk::{self, Visit, refused};
use super::{Limits, Shown, Summary};
use crate::deploy::error::Error;

/// Copies all entries of a folder, `.git` left out, into a folder that is made. Blocking.
///
/// Modes are reduced to "executable or not": no set-id bits, nothing that others may write. Links are kept where
/// `keeps_links` says so and they lead to something within the copy; any other link is refused.
pub(in crate::deploy) fn copy(
    source: &OwnedFd,
    target: &Path,
    keeps_links: bool,
    limits: Limits,
) -> Result<Summary, Error> {
    let mut copier = Copier { target, file: None, keeps_links, links: Vec::new() };
    copier.folder(Path::new(""))?;
    let summary = walk::walk(source, limits, &mut copier)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let copied =
        rustix::fs::open(target, flags, Mode::empty()).map_err(walk::failed("open", Path::new("files")))?;
    match copier.links.iter().find(|link| !walk::leads_inside(&copied, link)) {
        Some(link) => Err(refused(link, "is a link that leads out of it or nowhere")),
        None => Ok(summary),
    }
}

struct Copier<'caller> {
    target: &'caller Path,
    file: Option<File>,
    keeps_links: bool,
    links: Vec<PathBuf>,
}

impl Visit for Copier<'_> {
    /// Git's own folder is no part of a build, and it may borrow objects from elsewhere.
    fn skips(&self, name: &OsStr) -> bool {
        name.eq_ignore_ascii_case(".git")
    }

    fn folder(&mut self, path: &Path) -> Result<(), Error> {
        let target = self.target.join(path);
        let made = fs::DirBuilder::new().mode(0o755).create(&target);
        // The process's own mask may have taken rights that the service needs: it runs under another id.
        made.and_then(|()| fs::set_permissions(&target, Permissions::from_mode(0o755)))
            .map_err(Error::file("make", Shown::new(path).to_string()))
    }

    fn file(&mut self, path: &Path, is_executable: bool) -> Result<(), Error> {
        let mode = if is_executable { 0o755 } else { 0o644 };
        let made = File::options().write(true).create_new(true).mode(mode).open(self.target.join(path));
        let file = made.and_then(|file| {
            file.set_permissions(Permissions::from_mode(mode))?;
            Ok(file)
        });
        self.file = Some(file.map_err(Error::file("make", Shown::new(path).to_string()))?);
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn link(&mut self, path: &Path, target: &Path) -> Result<(), Error> {
        if !self.keeps_links {
            return Err(refused(path, "is a link; a static site has files and folders only"));
        }
        let made = std::os::unix::fs::symlink(target, self.target.join(path));
        made.map_err(Error::file("make", Shown::new(path).to_string()))?;
        self.links.push(path.to_path_buf());
        Ok(())
    }
}
