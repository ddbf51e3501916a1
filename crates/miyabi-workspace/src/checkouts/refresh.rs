//! Merging a commit of the project's repository into a checkout's files.
//!
//! What the files shall be is computed in the repository and noted before anything is written. A try that is cut off is
//! finished by the next: the files are then written from the note, and nothing is merged twice.

use miyabi_core::error::Failure;
use miyabi_core::port::checkouts::CheckoutId;
use miyabi_core::project::Project;

use super::GitCheckouts;
use super::commit::same_project;
use super::layout::Layout;
use super::seat::Seat;
use super::state::{self, Merge, State};
use crate::files::Folder;
use crate::git::{self, CommitHash};
use crate::repositories::{Import, commit_hash, is_ancestor, tree_of};
use crate::snapshot::Source;

/// Files of a task that are larger than this are refused at its commit anyway, in bytes.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;
/// What a conflict mark begins with.
const MARK: &[u8] = b"<<<<<<< ";

impl GitCheckouts {
    /// Merges a commit into the files; those with conflict marks.
    pub(super) async fn merge_in(
        &self,
        id: &CheckoutId,
        seat: &mut Seat,
        project: &Project,
        onto: &CommitHash,
    ) -> Result<Vec<String>, Failure> {
        let layout = self.layout(id)?;
        let mut state = state::load(&layout).await?;
        same_project(&layout, &state, project)?;
        if let Some(begun) = state.merging.clone() {
            self.write_merge(&layout, &mut state, project, &begun).await?;
            seat.forget_tracked();
            if begun.onto == onto.as_str() {
                return Ok(begun.conflicts);
            }
        }
        let base = state.base()?;
        let bare = self.repositories.bare(project.id);
        if base == *onto || is_ancestor(&bare, onto, &base).await? {
            return still_marked(&layout, &state, onto).await;
        }
        let source = self.source(id, seat).await?;
        let merge = self.compute(&layout, &state, source, project, onto).await?;
        state.merging = Some(merge.clone());
        state::save(&layout, &state).await?;
        self.write_merge(&layout, &mut state, project, &merge).await?;
        seat.forget_tracked();
        Ok(merge.conflicts)
    }

    /// What the files shall be.
    async fn compute(
        &self,
        layout: &Layout,
        state: &State,
        source: Source,
        project: &Project,
        onto: &CommitHash,
    ) -> Result<Merge, Failure> {
        let base = state.base()?;
        let bundle = self.carry_out(layout, state, source, MAX_FILE_BYTES).await?;
        let writer = self.repositories.writer(project.id).await?;
        let import = Import { bundle: bundle.path(), base: &base, max_file_bytes: MAX_FILE_BYTES };
        let task = self.repositories.import(&writer, project, &import).await?;
        let branch = tree_of(writer.bare(), onto).await?;
        let merged = writer.merge_trees(&base, &[branch, task]).await.map_err(git::Error::into_failure)?;
        writer.done();
        Ok(Merge { onto: onto.to_string(), tree: merged.tree, conflicts: merged.conflicts })
    }

    /// Makes the files be those of a merge that was noted.
    async fn write_merge(
        &self,
        layout: &Layout,
        state: &mut State,
        project: &Project,
        merge: &Merge,
    ) -> Result<(), Failure> {
        let onto = commit_hash(&merge.onto)?;
        self.prepare_git(layout, state, &state.base()?).await?;
        self.git(layout, state, ["read-tree", "--reset", "-u", &merge.tree]).await?;
        let objects = self.repositories.bare(state.project).objects();
        self.give_git_folder(layout, &objects, &onto, &project.branch).await?;
        // What the task changed shows as changes of its own: the index is that of the commit it stands on now.
        let own = layout.tree().join(".git");
        self.git_with(layout, state, &own, ["read-tree", "--reset", onto.as_str()]).await?;
        state.set_base(&onto);
        state.merged = state.merging.take();
        state::save(layout, state).await
    }
}

/// The files of the last merge that carry conflict marks to this moment.
async fn still_marked(layout: &Layout, state: &State, onto: &CommitHash) -> Result<Vec<String>, Failure> {
    let last = state.merged.clone().filter(|merge| merge.onto == onto.as_str());
    let (tree, conflicts) = (layout.tree(), last.map(|merge| merge.conflicts).unwrap_or_default());
    let marked = crate::blocking(move || {
        let Ok(tree) = Folder::open(&tree) else {
            return Vec::new();
        };
        let is_marked = |path: &String| {
            let content = tree.read(path.as_bytes(), MAX_FILE_BYTES).ok().flatten().unwrap_or_default();
            content.split(|byte| *byte == b'\n').any(|line| line.starts_with(MARK))
        };
        conflicts.into_iter().filter(is_marked).collect()
    });
    Ok(marked.await)
}
