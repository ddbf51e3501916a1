//! A server as the program wires it: everything real but the clock, chance, models, checkouts and the target.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use miyabi_core::budget::PRICE_CEILING;
use miyabi_core::config::{Effective, Problems, Sources, load};
use miyabi_core::forge::{Issue, NewIssue};
use miyabi_core::id::RunId;
use miyabi_core::label::Label;
use miyabi_core::port::catalog::{Catalog, Listed, Probe};
use miyabi_core::port::clock::Clock;
use miyabi_core::port::journal::RunRow;
use miyabi_core::port::model::{
    Answer, Error as ModelError, Info, Model, ModelName, Preview, Request, Usage,
};
use miyabi_core::port::settings::Settings;
use miyabi_core::project::Project;
use miyabi_core::run::apply::{apply, replay};
use miyabi_core::run::event::{Actor, VERSION};
use miyabi_core::run::{Event, EventBody, RunState};
use miyabi_core::usecase::{Code, Intake, Runs, Services, Upkeep};
use miyabi_dashboard::api::{EngineWish, Run, RunWishes, StartRun, TaskWish};
use miyabi_dashboard::{Client, Options, router};
use miyabi_store::{DataFolder, Keys, Store};
use miyabi_testkit::clock::ManualClock;
use miyabi_testkit::entropy::SeededEntropy;
use miyabi_testkit::git::Repository;
use miyabi_workspace::forge::LocalForge;
use miyabi_workspace::git::Git;
use miyabi_workspace::repositories::{GitRepositories, Limits};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::outside::Outside;

/// A configuration that names one scripted model for everything, and a recipe.
pub(crate) const CONFIG: &str = "models.default = 'scripted/demo'\n\
     [providers.scripted.models.demo]\nscript = 'demo.json'\n\
     [recipes.fmt]\ncommands = [['cargo', 'fmt']]\n";

pub(crate) struct House {
    pub(crate) services: Services,
    pub(crate) client: Client,
    pub(crate) router: Router,
    pub(crate) project: Project,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) config: Arc<ConfigText>,
    pub(crate) outside: Arc<Outside>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) repository: Repository,
    pub(crate) store: Store,
    pub(crate) folder: TempDir,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with_clock(ManualClock::new()).await
    }

    /// With a clock on which every wait is over at once.
    pub(crate) async fn skipping() -> Self {
        Self::with_clock(ManualClock::skipping()).await
    }

    async fn with_clock(clock: ManualClock) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(clock);
        let data = DataFolder::open(&folder.path().join("data")).unwrap();
        let store = Store::open(data, Keys::File, clock.now()).await.unwrap();
        let git = Git::open("/usr/bin/git").await.unwrap();
        let repositories =
            Arc::new(GitRepositories::new(git, &folder.path().join("data"), Limits::default()));
        let forge = Arc::new(LocalForge::new(store.forge(), repositories.clone()));
        let config = Arc::new(ConfigText(Mutex::new(CONFIG.to_owned())));
        let models = Arc::new(KnownModels);
        let outside = Arc::new(Outside::default());
        let repository = Repository::with_files(&[("README.md", "# Demo\n"), ("src/page.rs", "one\ntwo\n")]);
        let project = miyabi_testkit::project::project(1, repository.path());
        store.projects().create(&project).await.unwrap();
        let services = Services {
            runs: Runs {
                journal: store.journal(),
                artifacts: store.artifacts(),
                clock: clock.clone(),
                entropy: Arc::new(SeededEntropy::new(7)),
            },
            intake: Intake {
                projects: store.projects(),
                forge,
                model: models.clone(),
                settings: config.clone(),
            },
            code: Code { repositories, checkouts: outside.clone() },
            target: outside.clone(),
            catalog: models,
            secrets: store.secrets(),
            idempotency: store.idempotency(),
            upkeep: Upkeep {
                runs: store.retention(),
                artifacts: store.retention(),
                store: store.retention(),
                checkouts: outside.clone(),
            },
        };
        let shutdown = CancellationToken::new();
        let options = Options {
            version: "0.1.0-test".into(),
            tenant: project.tenant,
            operator: Actor::operator("operator"),
            shutdown: shutdown.clone(),
        };
        let router = router(services.clone(), options);
        let client = Client::in_process(router.clone());
        Self {
            services,
            client,
            router,
            project,
            clock,
            config,
            outside,
            shutdown,
            repository,
            store,
            folder,
        }
    }

    /// An issue of the local forge.
    pub(crate) async fn issue(&self, title: &str, body: &str) -> Issue {
        let new = NewIssue {
            title: title.into(),
            body: body.into(),
            author: "visitor".into(),
            author_label: Label::Other,
            labels: Vec::new(),
        };
        self.services.intake.forge.create_issue(&self.project, &new, self.clock.now()).await.unwrap()
    }

    /// An order to solve an issue.
    pub(crate) fn order(&self, number: u64) -> StartRun {
        StartRun {
            project_id: self.project.id,
            task: TaskWish::Issue { number },
            wishes: RunWishes::default(),
        }
    }

    /// A headless task.
    pub(crate) fn exec(&self, text: &str, engine: EngineWish) -> StartRun {
        StartRun {
            project_id: self.project.id,
            task: TaskWish::Exec { text: text.into() },
            wishes: RunWishes { engine, ..RunWishes::default() },
        }
    }

    /// Starts a run on a new issue.
    pub(crate) async fn run(&self, title: &str) -> Run {
        let issue = self.issue(title, "").await;
        self.client.start_run(&self.order(issue.number), &format!("key-{title}")).await.unwrap()
    }

    /// Writes events as the engine would, a second apart.
    pub(crate) async fn write(&self, run: RunId, bodies: Vec<EventBody>) -> RunState {
        let journal = &self.services.runs.journal;
        let stored = journal.load(self.project.tenant, run, 0).await.unwrap();
        let mut state = replay(run, stored.iter().map(|stored| &stored.event)).unwrap();
        for body in bodies {
            self.clock.advance_ms(1_000);
            let expected = state.seq;
            let event = Event { v: VERSION, run_id: run, seq: expected + 1, at: self.clock.now(), body };
            apply(&mut state, &event);
            journal.append(expected, &[event], &RunRow::of(&state)).await.unwrap();
        }
        state
    }

    /// A run's order as it was written.
    pub(crate) async fn spec(&self, run: RunId) -> miyabi_core::run::RunSpec {
        let journal = &self.services.runs.journal;
        let stored = journal.load(self.project.tenant, run, 0).await.unwrap();
        replay(run, stored.iter().map(|stored| &stored.event)).unwrap().spec
    }

    /// The text of an artifact.
    pub(crate) async fn text(&self, digest: miyabi_core::digest::Digest) -> String {
        String::from_utf8(self.services.runs.artifacts.get(digest).await.unwrap()).unwrap()
    }

    pub(crate) fn data(&self) -> &Path {
        self.store.folder().layout().root()
    }
}

/// A configuration file that tests can change.
pub(crate) struct ConfigText(pub(crate) Mutex<String>);

#[async_trait]
impl Settings for ConfigText {
    async fn load(&self, _: Option<&Project>) -> Result<Effective, Problems> {
        load(&Sources { user: Some(self.0.lock().unwrap().clone()), ..Sources::default() })
    }
}

/// Two models: one that plays a script for nothing, one whose price nobody knows.
pub(crate) struct KnownModels;

fn known() -> BTreeMap<&'static str, Info> {
    let info = |scripted, price| Info { context_tokens: 100_000, max_output_tokens: 8_000, price, scripted };
    let free = miyabi_core::port::model::Price {
        input: miyabi_core::money::UsdMicros::ZERO,
        cached_input: miyabi_core::money::UsdMicros::ZERO,
        output: miyabi_core::money::UsdMicros::ZERO,
    };
    [("ollama/qwen3", info(false, None)), ("scripted/demo", info(true, Some(free)))].into()
}

#[async_trait]
impl Model for KnownModels {
    fn info(&self, model: &ModelName) -> Option<Info> {
        known().remove(model.0.as_str())
    }

    async fn ask(
        &self,
        request: &Request,
        _: &dyn Preview,
        _: &CancellationToken,
    ) -> Result<Answer, ModelError> {
        Err(ModelError::Unknown(request.model.0.clone()))
    }
}

#[async_trait]
impl Catalog for KnownModels {
    fn list(&self) -> Vec<Listed> {
        let listed = |(name, info): (&str, Info)| Listed {
            name: ModelName(name.into()),
            info: Some(info),
            fallbacks: Vec::new(),
        };
        known().into_iter().map(listed).collect()
    }

    async fn test(&self, model: &ModelName, _: &CancellationToken) -> Result<Probe, ModelError> {
        assert_ne!(model.0, "scripted/broken", "a bug of an adapter");
        if model.0 == "scripted/demo" {
            let usage = Usage { input_tokens: 8, output_tokens: 1, ..Usage::default() };
            return Ok(Probe { duration_ms: 3, text: "ok".into(), usage });
        }
        Err(ModelError::Authentication { provider: model.provider().into(), status: 401 })
    }

    async fn discover(&self, provider: &str, _: &CancellationToken) -> Result<Vec<ModelName>, ModelError> {
        Ok(vec![ModelName(format!("{provider}/demo"))])
    }
}

/// The price of a model that nobody knows.
pub(crate) const UNKNOWN_PRICE: miyabi_core::port::model::Price = PRICE_CEILING;
