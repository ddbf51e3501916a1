//! Making a checkout, and what every look at its files needs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miyabi_core::digest::Digest;
use miyabi_core::error::Failure;
use miyabi_core::port::checkouts::CheckoutId;
use miyabi_core::project::Project;
use miyabi_core::sandbox::SandboxLevel;

use super::inside::{self, write_git_folder};
use super::layout::{Layout, SANDBOX_FOLDERS};
use super::seat::Seat;
use super::state::{self, State};
use super::{GitCheckouts, inside::sandbox_failure};
use crate::files::{self, Folder, Trash};
use crate::git::CommitHash;
use crate::repositories::{listing, tree_of};
use crate::sandbox::HOME;
use crate::snapshot::{self, Place, Source, Tracked};

impl GitCheckouts {
    /// Makes a checkout in place of one that may be there, whole or in pieces.
    pub(super) async fn make(
        &self,
        id: &CheckoutId,
        project: &Project,
        commit: &CommitHash,
    ) -> Result<(), Failure> {
        let mut seat = self.seats.take(id).await;
        seat.forget();
        let layout = self.layout(id)?;
        let bare = self.repositories.bare(project.id);
        // Says clearly what is wrong if the commit is not there.
        tree_of(&bare, commit).await?;
        layout.clear().await?;
        self.prepare(&layout, &bare.objects(), commit).await?;
        let state = State::new(project.id, commit);
        self.git(&layout, &state, ["read-tree", "--reset", "-u", commit.as_str()]).await?;
        self.give_git_folder(&layout, &bare.objects(), commit, &project.branch).await?;
        state::save(&layout, &state).await
    }

    /// Makes the folders, our git folder among them, and gives to the sandbox's id what commands write.
    async fn prepare(&self, layout: &Layout, objects: &Path, commit: &CommitHash) -> Result<(), Failure> {
        let (made, objects, commit) = (layout.clone(), objects.to_path_buf(), commit.clone());
        let (sandbox, owner) = (Arc::clone(&self.sandbox), self.owner());
        let below_home = self.folders_for_caches();
        crate::blocking(move || {
            let failed = |source| files::Error::at("make", b"the checkout's folders", source).into_failure();
            made.make().map_err(failed)?;
            for name in SANDBOX_FOLDERS {
                sandbox.own(&made.tree().with_file_name(name)).map_err(sandbox_failure)?;
            }
            let home = Folder::open(&made.home()).map_err(failed)?;
            for path in below_home {
                use std::os::unix::ffi::OsStrExt as _;
                home.make_folders(path.as_os_str().as_bytes(), owner).map_err(failed)?;
            }
            let git = Folder::open(&made.git()).map_err(failed)?;
            let written = write_git_folder(&git, &made, &objects, inside::BRANCH, &commit, owner);
            written.map_err(files::Error::into_failure)
        })
        .await
    }

    /// Folders of the home that caches are mounted at. Made beforehand, so that they belong to the commands.
    fn folders_for_caches(&self) -> Vec<PathBuf> {
        let below_home =
            |cache: &crate::sandbox::toolchain::Cache| Some(cache.target.strip_prefix(HOME).ok()?.into());
        if self.sandbox.describe().level == SandboxLevel::Strict {
            self.options.caches.iter().filter_map(below_home).collect()
        } else {
            Vec::new()
        }
    }

    /// Gives the task a `.git` of its own, in place of one that may be there: same files, same commit, nothing that we
    /// rely on.
    pub(super) async fn give_git_folder(
        &self,
        layout: &Layout,
        objects: &Path,
        commit: &CommitHash,
        branch: &str,
    ) -> Result<(), Failure> {
        let (layout, objects, commit) = (layout.clone(), objects.to_path_buf(), commit.clone());
        // A name that is no ref name would have been refused when the branch was opened.
        let branch = branch
            .parse()
            .map_or_else(|_| "main".to_owned(), |name: crate::git::BranchName| name.to_string());
        let owner = self.owner();
        crate::blocking(move || {
            let failed = |source| files::Error::at("make", b"the task's git folder", source);
            let tree = Folder::open(&layout.tree()).map_err(failed)?;
            Trash::open(&layout.trash()).and_then(|trash| trash.remove(&tree, b".git")).map_err(failed)?;
            let git = tree.make_folders(b".git", owner).map_err(failed)?;
            write_git_folder(&git, &layout, &objects, &branch, &commit, owner)?;
            let own = Folder::open(&layout.git()).map_err(failed)?;
            if let Some(index) = own.read(b"index", u64::MAX - 1)? {
                files::write(&git, &layout.open_staging()?, b"index", &index, owner)?;
            }
            Ok(())
        })
        .await
        .map_err(files::Error::into_failure)
    }

    /// What a walk through the files needs.
    pub(super) async fn source(&self, id: &CheckoutId, seat: &mut Seat) -> Result<Source, Failure> {
        let layout = self.layout(id)?;
        let state = state::load(&layout).await?;
        let tracked = match &seat.tracked {
            Some(tracked) => Arc::clone(tracked),
            None => {
                let listing = listing(&self.repositories.bare(state.project), &state.base()?).await?;
                let tracked = Arc::new(crate::blocking(move || Tracked::parse(&listing)).await);
                seat.tracked = Some(Arc::clone(&tracked));
                tracked
            }
        };
        Ok(Source {
            root: open(&layout.tree()).map_err(files::Error::into_failure)?,
            staging: layout.staging(),
            pointer: layout.snapshot_base(),
            tracked,
            limits: self.options.limits.clone(),
        })
    }

    pub(super) async fn snapshot_files(&self, id: &CheckoutId, seat: &mut Seat) -> Result<Digest, Failure> {
        let source = self.source(id, seat).await?;
        let taken = snapshot::take(&self.store, source, &mut seat.memory).await;
        taken.map_err(snapshot::Error::into_failure)
    }

    pub(super) async fn restore_files(
        &self,
        id: &CheckoutId,
        seat: &mut Seat,
        digest: Digest,
    ) -> Result<(), Failure> {
        let source = self.source(id, seat).await?;
        let layout = self.layout(id)?;
        let place = Place {
            root: source.root,
            staging: open(&layout.staging()).map_err(files::Error::into_failure)?,
            trash: Trash::open(&layout.trash())
                .map_err(|source| files::Error::at("open", b"the trash", source).into_failure())?,
            owner: self.owner(),
        };
        let (place, memory) = (Arc::new(place), &mut seat.memory);
        let restored =
            snapshot::restore(&self.store, &place, memory, source.tracked, source.limits, digest).await;
        restored.map_err(snapshot::Error::into_failure)
    }
}

/// Opens a folder of ours; quick enough not to need a thread.
fn open(path: &Path) -> Result<Folder, files::Error> {
    Folder::open(path).map_err(|source: io::Error| files::Error::at("open", b"the checkout", source))
}
