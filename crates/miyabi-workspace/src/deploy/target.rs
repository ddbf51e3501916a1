//! The acts of the port, each over one project's folder.

use async_trait::async_trait;
use miyabi_core::error::Failure;
use miyabi_core::port::checkouts::CheckoutId;
use miyabi_core::port::deploy_target::{DeployTarget, Release, Sample};
use miyabi_core::project::{DeployConfig, Project};
use miyabi_core::time::Timestamp;

use super::LocalTarget;
use super::error::Error;
use super::layout::{ProjectFolder, ReleaseName};
use super::lock::Lock;
use super::release::{self, Source};
use super::service::url;
use super::state::{self, State};
use crate::blocking;

impl LocalTarget {
    /// Starts the current release's process again if it does not run, as after the machine was restarted; returns
    /// where it answers. Also ends a process that a crash left behind.
    ///
    /// # Errors
    /// `STORE_CORRUPT` when the release was changed; whatever kept the process from starting.
    pub async fn ensure_running(&self, project: &Project) -> Result<Option<String>, Failure> {
        let folder = self.project_folder(project);
        let _lock = Lock::take(folder.lock()).await?;
        Ok(self.mend(&folder).await?)
    }

    /// The name of the release that was current before the one that is; there may be none, and it may be gone.
    ///
    /// # Errors
    /// When the project's folder can't be read.
    pub async fn previous(&self, project: &Project) -> Result<Option<String>, Failure> {
        let folder = self.project_folder(project);
        Ok(self.look(&folder).await?.1.previous)
    }

    /// The file with the output of a release's process; it may not exist.
    ///
    /// # Errors
    /// `REQUEST_INVALID` when the text can't name a release.
    pub fn log_file(&self, project: &Project, name: &str) -> Result<std::path::PathBuf, Failure> {
        Ok(self.project_folder(project).log(&ReleaseName::parse(name)?))
    }

    async fn all(&self, folder: &ProjectFolder) -> Result<Vec<Release>, Error> {
        let (current, state) = self.look(folder).await?;
        let url = current.as_ref().and_then(|name| self.port_of_running(folder, &state, name)).map(url);
        let manifests = {
            let folder = folder.clone();
            blocking(move || release::list(&folder)).await?
        };
        let as_release = |manifest: release::Manifest| {
            let is_current = current.as_ref().is_some_and(|name| name.as_str() == manifest.name);
            manifest.release(is_current, url.clone().filter(|_| is_current))
        };
        Ok(manifests.into_iter().map(as_release).collect())
    }
}

#[async_trait]
impl DeployTarget for LocalTarget {
    async fn stage(
        &self,
        project: &Project,
        name: &str,
        commit: &str,
        config: &DeployConfig,
        from: &CheckoutId,
        at: Timestamp,
    ) -> Result<Release, Failure> {
        let name = ReleaseName::parse(name)?;
        let folder = self.project_folder(project);
        let lock = Lock::take(folder.lock()).await?;
        let (checkout, limits) = (self.checkouts.folder(from), self.limits);
        let (commit, config) = (commit.to_owned(), config.clone());
        let staged = blocking(move || {
            // Held by the copying itself: it goes on when the caller is cancelled.
            let _lock = lock;
            let source = Source { checkout: &checkout, commit: &commit, config: &config, at };
            release::stage(&folder, &name, &source, limits)
        });
        let manifest = staged.await?;
        let folder = self.project_folder(project);
        let (current, state) = self.look(&folder).await?;
        let current = current.filter(|name| name.as_str() == manifest.name);
        let url = current.as_ref().and_then(|name| self.port_of_running(&folder, &state, name)).map(url);
        Ok(manifest.release(current.is_some(), url))
    }

    async fn current(&self, project: &Project) -> Result<Option<Release>, Failure> {
        let folder = self.project_folder(project);
        let (Some(name), state) = self.look(&folder).await? else {
            return Ok(None);
        };
        let url = self.port_of_running(&folder, &state, &name).map(url);
        let manifest = blocking(move || {
            let found = release::find(&folder, &name)?;
            found.ok_or_else(|| Error::NoRelease { name: name.to_string() })
        });
        Ok(Some(manifest.await?.release(true, url)))
    }

    /// Reads all files of the release, on a blocking thread.
    async fn is_restorable(&self, project: &Project, name: &str) -> Result<bool, Failure> {
        let (folder, name) = (self.project_folder(project), ReleaseName::parse(name)?);
        let limits = self.limits;
        let looked = blocking(move || release::get_unchanged(&folder, &name, limits).map(|_| ())).await;
        match looked {
            Ok(()) => Ok(true),
            Err(Error::NoRelease { .. } | Error::Changed { .. } | Error::Damaged { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn activate(&self, project: &Project, name: &str) -> Result<Option<String>, Failure> {
        let name = ReleaseName::parse(name)?;
        let folder = self.project_folder(project);
        let _lock = Lock::take(folder.lock()).await?;
        Ok(Some(self.bring_out(&folder, &name).await?))
    }

    async fn deactivate(&self, project: &Project) -> Result<(), Failure> {
        let folder = self.project_folder(project);
        let _lock = Lock::take(folder.lock()).await?;
        Ok(self.take_away(&folder).await?)
    }

    async fn sample(&self, project: &Project) -> Result<Sample, Failure> {
        Ok(self.look_at_health(&self.project_folder(project)).await?)
    }

    async fn list(&self, project: &Project) -> Result<Vec<Release>, Failure> {
        Ok(self.all(&self.project_folder(project)).await?)
    }

    async fn prune(&self, project: &Project, keep: usize) -> Result<u32, Failure> {
        let folder = self.project_folder(project);
        let lock = Lock::take(folder.lock()).await?;
        let pruned = blocking(move || {
            let _lock = lock;
            prune(&folder, keep)
        });
        Ok(pruned.await?)
    }
}

fn prune(folder: &ProjectFolder, keep: usize) -> Result<u32, Error> {
    release::clear_leftovers(folder)?;
    let current = state::current(folder)?;
    let previous = State::read(folder)?.previous;
    let is_needed = |name: &str| {
        current.as_ref().is_some_and(|current| current.as_str() == name) || previous.as_deref() == Some(name)
    };
    let mut removed = 0;
    for old in release::list(folder)?.into_iter().skip(keep) {
        if !is_needed(&old.name) {
            release::remove(folder, &ReleaseName::parse(&old.name)?)?;
            removed += 1;
        }
    }
    Ok(removed)
}
