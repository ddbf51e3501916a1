//! Brings the process in line with the release that is wanted: the old one ended, the new one started once.

use miyabi_core::project::Project;

use super::LocalTarget;
use super::disk;
use super::error::Error;
use super::gate::{self, Gate};
use super::layout::{ProjectFolder, ReleaseName};
use super::lock::Lock;
use super::port;
use super::release::{self, Manifest};
use super::runner::{ServiceKind, ServiceSpec};
use super::state::{self, Service, State};
use crate::blocking;

impl LocalTarget {
    pub(super) fn project_folder(&self, project: &Project) -> ProjectFolder {
        self.layout.project(project.id)
    }

    /// Makes a release current and its process run. The lock is held.
    pub(super) async fn bring_out(
        &self,
        folder: &ProjectFolder,
        name: &ReleaseName,
    ) -> Result<String, Error> {
        let manifest = self.unchanged(folder, name).await?;
        let (current, mut state) = self.look(folder).await?;
        if current.as_ref() == Some(name)
            && let Some(port) = self.port_of_running(folder, &state, name)
        {
            return Ok(url(port));
        }
        self.end_service(folder, &mut state).await?;
        if current.as_ref() != Some(name) {
            state.previous = current.map(|name| name.to_string());
            self.save(folder, &state).await?;
            let (folder, name) = (folder.clone(), name.clone());
            blocking(move || state::set_current(&folder, &name)).await?;
        }
        self.start_service(folder, &manifest, state).await
    }

    /// Starts the current release's process if it does not run, and ends one that belongs to another release. The
    /// lock is held.
    pub(super) async fn mend(&self, folder: &ProjectFolder) -> Result<Option<String>, Error> {
        let (current, mut state) = self.look(folder).await?;
        let Some(name) = current else {
            self.end_service(folder, &mut state).await?;
            return Ok(None);
        };
        if let Some(port) = self.port_of_running(folder, &state, &name) {
            return Ok(Some(url(port)));
        }
        let manifest = self.unchanged(folder, &name).await?;
        self.end_service(folder, &mut state).await?;
        self.start_service(folder, &manifest, state).await.map(Some)
    }

    /// Takes the current release away. The link goes first: whoever mends after a crash then ends the process.
    pub(super) async fn take_away(&self, folder: &ProjectFolder) -> Result<(), Error> {
        blocking({
            let folder = folder.clone();
            move || {
                let failed = || Error::file("remove", ProjectFolder::CURRENT);
                disk::remove_if_there(&folder.current()).map_err(failed())?;
                match disk::sync_folder(folder.root()) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed()(error)),
                    _ => Ok(()),
                }
            }
        })
        .await?;
        let mut state = self.look(folder).await?.1;
        self.end_service(folder, &mut state).await
    }

    /// The port of a release's process, if that runs. One that waits at a gate that nobody will open does not count.
    /// Blocking, but only for reads of a few bytes from the system's own tables.
    pub(super) fn port_of_running(
        &self,
        folder: &ProjectFolder,
        state: &State,
        name: &ReleaseName,
    ) -> Option<u16> {
        let service = state.service.as_ref()?;
        let runs = service.release == name.as_str()
            && gate::is_open(&folder.root().join(&service.gate))
            && self.runner.is_alive(service.id);
        state.port.filter(|_| runs)
    }

    async fn end_service(&self, folder: &ProjectFolder, state: &mut State) -> Result<(), Error> {
        let Some(service) = &state.service else {
            return Ok(());
        };
        self.runner.stop(service.id).await.map_err(Error::Service)?;
        state.service = None;
        self.save(folder, state).await
    }

    /// The process waits at a gate until its id is on the disk. If this program dies in between, or can't write, the
    /// process leaves: none ever runs that the next try would not know of.
    async fn start_service(
        &self,
        folder: &ProjectFolder,
        manifest: &Manifest,
        mut state: State,
    ) -> Result<String, Error> {
        let port = self.take_port(folder, &mut state).await?;
        let name = ReleaseName::parse(&manifest.name)?;
        let gate = blocking({
            let folder = folder.clone();
            move || {
                disk::make_folder(&folder.logs()).map_err(Error::file("make", "logs"))?;
                Gate::close(folder.root()).map_err(Error::file("make", "gate"))
            }
        })
        .await?;
        let spec = ServiceSpec {
            files: folder.files(&name),
            kind: match &manifest.config.run {
                Some(argv) => ServiceKind::Command(argv.clone()),
                None => ServiceKind::Site { release: manifest.name.clone() },
            },
            port,
            gate: gate.path().to_path_buf(),
            log: folder.log(&name),
        };
        let id = self.runner.start(&spec).await.map_err(Error::Service)?;
        state.service = Some(Service::new(manifest.name.clone(), id, gate.name()));
        self.save(folder, &state).await?;
        blocking(move || gate.open().map_err(Error::file("open", "gate"))).await?;
        Ok(url(port))
    }

    /// The project's port, noted before anything listens on it. One project chooses at a time, so that no two choose
    /// the same.
    async fn take_port(&self, folder: &ProjectFolder, state: &mut State) -> Result<u16, Error> {
        let (layout, folder, mut changed) = (self.layout.clone(), folder.clone(), state.clone());
        *state = blocking(move || {
            let _one_at_a_time = Lock::take_blocking(&layout.root().join("ports.lock"))
                .map_err(Error::file("lock", "ports.lock"))?;
            let port = port::choose(changed.port, &state::ports_of_others(&layout, &folder))?;
            if changed.port != Some(port) {
                changed.port = Some(port);
                changed.write(&folder)?;
            }
            Ok(changed)
        })
        .await?;
        state.port.ok_or(Error::NoPort)
    }

    /// Reads all files of the release: what was tampered with is not started.
    async fn unchanged(&self, folder: &ProjectFolder, name: &ReleaseName) -> Result<Manifest, Error> {
        let (folder, name, limits) = (folder.clone(), name.clone(), self.limits);
        blocking(move || release::get_unchanged(&folder, &name, limits)).await
    }

    pub(super) async fn look(&self, folder: &ProjectFolder) -> Result<(Option<ReleaseName>, State), Error> {
        let folder = folder.clone();
        blocking(move || Ok((state::current(&folder)?, State::read(&folder)?))).await
    }

    async fn save(&self, folder: &ProjectFolder, state: &State) -> Result<(), Error> {
        let (folder, state) = (folder.clone(), state.clone());
        blocking(move || state.write(&folder)).await
    }
}

pub(super) fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/")
}
