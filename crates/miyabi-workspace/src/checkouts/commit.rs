//! From a checkout's files to a commit in the project's repository.
//!
//! ```text
//! sandbox: git add, commit, bundle -> outbox        host: copy, check, import -> make the real commit
//! ```
//!
//! The commit that leaves the sandbox only carries files. The one that is kept is made by the host, so that message,
//! author, time and parent are what was asked for, and the same files give the same commit at every try.

use std::io;

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::checkouts::{CheckoutId, CommitRequest};
use miyabi_core::project::Project;
use miyabi_core::run::value::Committed;
use tempfile::NamedTempFile;

use super::GitCheckouts;
use super::inside::{self, write_git_folder};
use super::layout::Layout;
use super::seat::Seat;
use super::state::{self, State};
use crate::files::{self, Folder, Trash};
use crate::git::{CommitHash, path_rule};
use crate::repositories::{Import, NewCommit, changed_files, refuse, tree_of};
use crate::snapshot::{self, Seen, Source};

/// The largest bundle that is looked at, in bytes.
const BUNDLE_BYTES: u64 = 1024 * 1024 * 1024;
/// The bundle's name in the outbox.
const BUNDLE: &str = "task.bundle";

impl GitCheckouts {
    pub(super) async fn commit_files(
        &self,
        id: &CheckoutId,
        seat: &mut Seat,
        project: &Project,
        request: &CommitRequest,
    ) -> Result<Committed, Failure> {
        let layout = self.layout(id)?;
        let state = state::load(&layout).await?;
        same_project(&layout, &state, project)?;
        let base = state.base()?;
        let source = self.source(id, seat).await?;
        let bundle = self.carry_out(&layout, &state, source, request.max_file_bytes).await?;
        let writer = self.repositories.writer(project.id).await?;
        let import = Import { bundle: bundle.path(), base: &base, max_file_bytes: request.max_file_bytes };
        let tree = self.repositories.import(&writer, project, &import).await?;
        if tree == tree_of(writer.bare(), &base).await? {
            writer.done();
            return Ok(Committed { commit: None, base: base.to_string(), files: 0, added: 0, removed: 0 });
        }
        let new = NewCommit { tree: &tree, parent: &base, message: &request.message, at: request.at };
        let commit = writer.commit(&new).await?;
        let files = changed_files(writer.bare(), &base, &commit).await?;
        writer.done();
        Ok(Committed {
            commit: Some(commit.to_string()),
            base: base.to_string(),
            files: u32::try_from(files.len()).unwrap_or(u32::MAX),
            added: files.iter().map(|file| file.added).sum(),
            removed: files.iter().map(|file| file.removed).sum(),
        })
    }

    /// Packs the files as they are into a bundle that only the host can write.
    pub(super) async fn carry_out(
        &self,
        layout: &Layout,
        state: &State,
        source: Source,
        max_file_bytes: u64,
    ) -> Result<NamedTempFile, Failure> {
        let base = state.base()?;
        look_through(source, max_file_bytes).await?;
        self.prepare_git(layout, state, &base).await?;
        let added = self.git(layout, state, ["add", "--all", "--", "."]).await;
        added.map_err(|failure| match failure.code {
            // What git itself refuses: names, repositories within the repository, files that can't be read.
            ErrorCode::GitFailed => refuse(&failure.message),
            _ => failure,
        })?;
        let commit =
            ["commit", "--quiet", "--allow-empty", "--no-verify", "--no-gpg-sign", "--message=carrier"];
        self.git(layout, state, commit).await?;
        let bundle = layout.outbox().join(BUNDLE);
        let range = [format!("refs/heads/{}", inside::BRANCH), format!("^{base}")];
        let create = ["bundle", "create", "--quiet"].map(std::ffi::OsString::from);
        let create = create.into_iter().chain([bundle.into()]).chain(range.map(Into::into));
        self.git(layout, state, create).await?;
        take_out(layout).await
    }

    /// Makes our git folder be what it was when the checkout was made, but for its index and objects.
    pub(super) async fn prepare_git(
        &self,
        layout: &Layout,
        state: &State,
        base: &CommitHash,
    ) -> Result<(), Failure> {
        let (layout, base, owner) = (layout.clone(), base.clone(), self.owner());
        let objects = self.repositories.bare(state.project).objects();
        crate::blocking(move || {
            let failed = |source| files::Error::at("prepare", b"a git folder", source);
            let git = Folder::open(&layout.git()).map_err(failed)?;
            let trash = Trash::open(&layout.trash()).map_err(failed)?;
            for name in ["hooks", "info", "refs", "packed-refs", "worktrees", "modules"] {
                trash.remove(&git, name.as_bytes()).map_err(failed)?;
            }
            write_git_folder(&git, &layout, &objects, inside::BRANCH, &base, owner)?;
            let outbox = Folder::open(&layout.outbox()).map_err(failed)?;
            // Not the bundle alone: a git that was killed leaves its lock beside it.
            trash.remove_all_in(&outbox).map_err(failed)
        })
        .await
        .map_err(files::Error::into_failure)
    }
}

pub(super) fn same_project(layout: &Layout, state: &State, project: &Project) -> Result<(), Failure> {
    if state.project == project.id {
        return Ok(());
    }
    let message = format!("checkout `{}` belongs to another project", layout.name());
    Err(Failure::permanent(ErrorCode::RequestInvalid, message))
}

/// Looks for names that no repository may hold, and for new files that are too large, before git reads anything. The
/// import decides; this tells early.
async fn look_through(source: Source, max_file_bytes: u64) -> Result<(), Failure> {
    crate::blocking(move || {
        let mut found = None;
        let looked = snapshot::walk(&source.root, &source.tracked, &source.limits, &mut |visit| {
            let reason = match visit.seen {
                Seen::File { stamp, .. }
                    if stamp.size() > max_file_bytes && !source.tracked.contains(visit.path) =>
                {
                    Some(format!("{} bytes; at most {max_file_bytes} are allowed", stamp.size()))
                }
                Seen::File { .. } | Seen::Link => {
                    let rule = path_rule(&String::from_utf8_lossy(visit.path));
                    rule.map(|rule| format!("not a path that is allowed: {rule}"))
                }
                Seen::Folder { .. } | Seen::Other => None,
            };
            if let (Some(reason), None) = (reason, &found) {
                found = Some(format!("`{}`: {reason}", files::shown(visit.path)));
            }
            Ok(())
        });
        looked.map_err(snapshot::Error::into_failure)?;
        found.map_or(Ok(()), |reason| Err(refuse(&reason)))
    })
    .await
}

/// Copies the bundle to where only the host writes, so that what is checked is what is imported.
async fn take_out(layout: &Layout) -> Result<NamedTempFile, Failure> {
    let (outbox, staging) = (layout.outbox(), layout.staging());
    crate::blocking(move || {
        let failed =
            |source: io::Error| files::Error::at("take out", BUNDLE.as_bytes(), source).into_failure();
        let opened = Folder::open(&outbox).and_then(|outbox| outbox.open_file(BUNDLE.as_bytes()));
        let (bundle, stat) = opened.map_err(failed)?;
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if size > BUNDLE_BYTES {
            return Err(refuse(&format!("it has {size} bytes in all; at most {BUNDLE_BYTES} are allowed")));
        }
        let mut copy = NamedTempFile::new_in(&staging).map_err(failed)?;
        io::copy(&mut io::Read::take(bundle, BUNDLE_BYTES), &mut copy).map_err(failed)?;
        Ok(copy)
    })
    .await
}
