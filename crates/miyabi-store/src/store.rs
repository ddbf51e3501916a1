//! The store of one data folder: opened once by the process that owns it, handed out as ports, closed last.

use std::path::Path;
use std::sync::Arc;

use miyabi_core::port::artifacts::Artifacts;
use miyabi_core::port::journal::Journal;
use miyabi_core::port::records::{self, ForgeRecords, Idempotency, Projects, Secrets};
use miyabi_core::port::retention::{ArtifactRetention, RunRetention, StoreInfo};
use miyabi_core::time::Timestamp;

use crate::artifacts::DiskArtifacts;
use crate::backup;
use crate::check::{self, Report};
use crate::error::Error;
use crate::folder::DataFolder;
use crate::retention::StoreRetention;
use crate::secrets::keeper::KeyKeeper;
use crate::secrets::{Keys, Rewrapped};
use crate::sqlite::database::Database;
use crate::sqlite::fault::Fault;
use crate::sqlite::forge::SqliteForge;
use crate::sqlite::idempotency::{self, SqliteIdempotency};
use crate::sqlite::journal::SqliteJournal;
use crate::sqlite::projects::SqliteProjects;
use crate::sqlite::secrets::SqliteSecrets;

/// An open store. Cheap to share; the ports that it hands out stay valid until [`Store::close`].
pub struct Store {
    folder: DataFolder,
    pub(crate) database: Arc<Database>,
    artifacts: DiskArtifacts,
    keys: Arc<KeyKeeper>,
}

impl Store {
    /// Opens the store of a folder: makes what is missing, upgrades an older format (its database is copied to
    /// `backups/` first), and takes over the right to write from whoever had it. `at` is the time now.
    ///
    /// Needs a tokio runtime, on which the writer runs until the store is closed or dropped.
    ///
    /// # Errors
    /// [`Error::Newer`] when a newer program wrote the folder; it is left as it is.
    pub async fn open(folder: DataFolder, keys: Keys, at: Timestamp) -> Result<Self, Error> {
        let layout = folder.layout().clone();
        let database = Arc::new(Database::open(&layout, at).await?);
        let opened = tokio::task::spawn_blocking(move || {
            let key = layout.key();
            let keys =
                KeyKeeper::open(key.clone(), keys).map_err(Error::file("read the master key", &key))?;
            let shelf = layout.artifacts();
            let artifacts =
                DiskArtifacts::open(&layout).map_err(Error::file("open the artifacts", &shelf))?;
            Ok::<_, Error>((keys, artifacts))
        });
        let (keys, artifacts) = opened.await.map_err(|_| closing())??;
        Ok(Self { folder, database, artifacts, keys: Arc::new(keys) })
    }

    /// The folder, owned for as long as the store lives.
    pub fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// The journal of all runs.
    pub fn journal(&self) -> Arc<dyn Journal> {
        Arc::new(SqliteJournal { database: Arc::clone(&self.database) })
    }

    /// The connected repositories.
    pub fn projects(&self) -> Arc<dyn Projects> {
        Arc::new(SqliteProjects { database: Arc::clone(&self.database) })
    }

    /// The local forge's records.
    pub fn forge(&self) -> Arc<dyn ForgeRecords> {
        Arc::new(SqliteForge { database: Arc::clone(&self.database) })
    }

    /// Secrets.
    pub fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(self.sealed())
    }

    /// Answers by idempotency key.
    pub fn idempotency(&self) -> Arc<dyn Idempotency> {
        Arc::new(SqliteIdempotency { database: Arc::clone(&self.database) })
    }

    /// Contents by digest.
    pub fn artifacts(&self) -> Arc<dyn Artifacts> {
        Arc::new(self.artifacts.clone())
    }

    /// The same with what only the disk can do: totals and sweeps.
    pub fn disk_artifacts(&self) -> &DiskArtifacts {
        &self.artifacts
    }

    /// What removes ended runs and unused artifacts, and what the store weighs. One type behind several ports.
    pub fn retention(&self) -> Arc<impl RunRetention + ArtifactRetention + StoreInfo + use<>> {
        Arc::new(StoreRetention { database: Arc::clone(&self.database), artifacts: self.artifacts.clone() })
    }

    /// Changes the master key in the data folder. Readers notice nothing; a crash in between loses nothing.
    ///
    /// # Errors
    /// When the operator brings the key: then open with the new one and the old one as retired, and call
    /// [`Store::rewrap_secrets`].
    pub async fn rotate_key(&self) -> Result<Rewrapped, records::Error> {
        self.sealed().rotate().await
    }

    /// Puts all secrets under the current master key, so that retired ones can be forgotten.
    pub async fn rewrap_secrets(&self) -> Result<Rewrapped, records::Error> {
        self.sealed().rewrap().await
    }

    /// Forgets answers to requests noted before a time; how many.
    pub async fn forget_answers(&self, before: Timestamp) -> Result<u64, records::Error> {
        idempotency::forget_before(&self.database, before).await
    }

    /// Copies everything into a new folder, while the store goes on: a consistent copy of the database, and the
    /// artifacts as links where the file system allows it. The key is left out unless asked for, because whoever has
    /// both has the secrets. The folder appears under its name when it is complete.
    ///
    /// # Errors
    /// [`Error::Occupied`] when there is something at that path already.
    pub async fn backup_to(&self, target: &Path, with_key: bool) -> Result<(), Error> {
        let _no_sweep = self.artifacts.hold().await;
        backup::make(self.folder.layout(), target, with_key).await
    }

    /// Looks at every page, every event and every artifact. Takes as long as reading all of it.
    pub async fn check(&self) -> Result<Report, Error> {
        check::check(self.folder.layout()).await
    }

    /// Commits what waits, tidies the database up and gives the folder free. The ports answer "closed" afterwards.
    pub async fn close(self) {
        self.database.close().await;
    }

    fn sealed(&self) -> SqliteSecrets {
        SqliteSecrets { database: Arc::clone(&self.database), keys: Arc::clone(&self.keys) }
    }
}

fn closing() -> Error {
    Error::of("open the files", Fault::closed())
}
