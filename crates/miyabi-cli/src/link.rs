//! The way to the API: in this process, which then owns the data folder, or in the one that owns it already.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use miyabi_core::port::clock::Clock as _;
use miyabi_core::port::settings::Settings;
use miyabi_core::run::event::Actor;
use miyabi_core::usecase::{Code, Intake, Runs, Services, Upkeep};
use miyabi_dashboard::socket::Socket;
use miyabi_dashboard::{Client, Options, router};
use miyabi_model::Router as Models;
use miyabi_store::{DataFolder, FolderError, Keys, Layout, Store};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::context::Context;
use crate::wire::system::SystemClock;
use crate::wire::{Wired, local_tenant, models, wire};

/// Pause between two looks at a data folder whose owner does not answer.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// How long to wait for an owner that does not answer: a short command, or one that is just starting or ending.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long background work may take to end.
const GRACE: Duration = Duration::from_secs(8);

/// What a command needs of the process that owns the data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Answers.
    Look,
    /// Answers, and somebody who drives the runs.
    Drive,
}

/// The way to the API.
pub(crate) struct Link {
    /// Asks the API.
    pub(crate) client: Client,
    owner: Option<Owner>,
}

/// What this process runs because it owns the data folder.
pub(crate) struct Owner {
    store: Store,
    wired: Wired,
    stop: CancellationToken,
    background: TaskTracker,
}

impl Link {
    /// Opens the data folder, or connects to the process that has it open.
    ///
    /// # Errors
    /// When the folder can't be used, or its owner does not answer.
    pub(crate) async fn open(context: &Context, need: Need) -> Result<Self> {
        Self::open_with(context, need, None).await
    }

    /// As [`Link::open`], with models of its own instead of the configured ones.
    ///
    /// # Errors
    /// As [`Link::open`].
    pub(crate) async fn open_with(context: &Context, need: Need, models: Option<Models>) -> Result<Self> {
        let started = std::time::Instant::now();
        let mut models = models;
        loop {
            let busy = match DataFolder::open(&context.paths.data) {
                Ok(folder) => return Self::own(context, folder, need, models.take()).await,
                Err(busy @ FolderError::Busy { .. }) => busy,
                Err(error) => return Err(error.into()),
            };
            let client = Client::over_socket(Layout::of(&context.paths.data).socket());
            if client.health().await.is_ok() {
                return Ok(Self { client, owner: None });
            }
            if started.elapsed() > PATIENCE {
                return Err(busy).context("the owner of the data folder does not answer");
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn own(context: &Context, folder: DataFolder, need: Need, models: Option<Models>) -> Result<Self> {
        let socket_path = folder.layout().socket();
        let store = Store::open(folder, Keys::File, SystemClock.now()).await?;
        let config = context.settings.read(None)?.config;
        let models = match models {
            Some(models) => models,
            None => {
                let secrets = store.secrets();
                let keys = models::Keys {
                    secrets: secrets.as_ref(),
                    tenant: local_tenant(),
                    variables: &context.variables,
                };
                let folder = context.paths.config.parent().unwrap_or(&context.paths.data);
                models::router(&config, &keys, folder).await?
            }
        };
        let wired = wire(&store, &context.paths, &context.variables, &config, models).await?;
        let stop = CancellationToken::new();
        let background = TaskTracker::new();
        let settings: Arc<dyn Settings> = Arc::new(context.settings.clone());
        let options = Options {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tenant: local_tenant(),
            operator: Actor::operator(context.user.clone()),
            shutdown: stop.clone(),
        };
        let routes = router(services(&store, &wired, settings), options);
        if need == Need::Drive {
            let socket = Socket::bind(&socket_path)?;
            background.spawn(socket.serve(routes.clone(), stop.clone()));
            let engine = wired.engine(&store, &config);
            let token = stop.child_token();
            background.spawn(async move {
                if let Err(error) = engine.run(token).await {
                    tracing::error!(%error, "the engine ended");
                }
            });
        }
        let owner = Owner { store, wired, stop, background };
        Ok(Self { client: Client::in_process(routes), owner: Some(owner) })
    }

    /// What this process runs, if it is the owner.
    pub(crate) fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }

    /// Whether runs are driven by this process.
    pub(crate) fn drives(&self) -> bool {
        self.owner.is_some()
    }

    /// Ends what runs in the background, in order: no new work, steps in flight ended, journal closed.
    pub(crate) async fn close(self) {
        let Some(owner) = self.owner else { return };
        owner.stop.cancel();
        owner.background.close();
        if tokio::time::timeout(GRACE, owner.background.wait()).await.is_err() {
            tracing::warn!("background work did not end in time; the journal has it");
        }
        drop(owner.wired);
        owner.store.close().await;
    }
}

impl Owner {
    /// The store, for backups.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The adapters.
    pub(crate) fn wired(&self) -> &Wired {
        &self.wired
    }
}

fn services(store: &Store, wired: &Wired, settings: Arc<dyn Settings>) -> Services {
    let ports = &wired.ports;
    Services {
        runs: Runs {
            journal: store.journal(),
            artifacts: store.artifacts(),
            clock: Arc::clone(&ports.clock),
            entropy: Arc::clone(&ports.entropy),
        },
        intake: Intake {
            projects: store.projects(),
            forge: Arc::clone(&ports.forge),
            model: Arc::clone(&ports.model),
            settings,
        },
        code: Code { repositories: Arc::clone(&ports.repositories), checkouts: Arc::clone(&ports.checkouts) },
        target: Arc::clone(&ports.target),
        catalog: Arc::clone(&wired.models) as _,
        secrets: store.secrets(),
        idempotency: store.idempotency(),
        upkeep: Upkeep {
            runs: store.retention(),
            artifacts: store.retention(),
            checkouts: Arc::clone(&wired.checkouts) as _,
            store: store.retention(),
        },
    }
}
