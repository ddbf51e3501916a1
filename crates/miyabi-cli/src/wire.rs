//! The one place where ports meet their adapters.

pub(crate) mod models;
pub(crate) mod settings;
pub(crate) mod system;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use miyabi_agent::engine::{self, Engine};
use miyabi_agent::perform::{Performer, Ports, Settings as StepSettings};
use miyabi_core::config::Config;
use miyabi_core::id::TenantId;
use miyabi_core::port::clock::Clock;
use miyabi_core::time::Timestamp;
use miyabi_mcp::WorkspaceTools;
use miyabi_model::Router;
use miyabi_store::Store;
use miyabi_workspace::checkouts::{GitCheckouts, WorkspaceOptions};
use miyabi_workspace::deploy::{Limits as ReleaseLimits, LocalTarget, SandboxRunner};
use miyabi_workspace::forge::LocalForge;
use miyabi_workspace::git::Git;
use miyabi_workspace::repositories::{GitRepositories, Limits as RepositoryLimits};
use miyabi_workspace::sandbox::toolchain::{self, Surroundings};
use miyabi_workspace::sandbox::{Options as SandboxOptions, Sandbox};

use crate::paths::Paths;
use crate::terminal::Variables;
use system::{SystemClock, SystemEntropy};

/// The tenant of a data folder that belongs to one person.
pub(crate) fn local_tenant() -> TenantId {
    TenantId::mint(Timestamp::from_millis(0), 1)
}

/// Everything that is wired for one data folder.
pub(crate) struct Wired {
    /// The ports of the agents' steps; the use cases use the same.
    pub(crate) ports: Ports,
    /// The sandbox, for its self-test.
    pub(crate) sandbox: Arc<Sandbox>,
    /// Checkouts, for cleaning up.
    pub(crate) checkouts: Arc<GitCheckouts>,
    /// The models, for listing and testing them.
    pub(crate) models: Arc<Router>,
    /// What the operator sets for steps.
    settings: StepSettings,
}

/// Wires the adapters.
///
/// # Errors
/// When git is missing or too old.
pub(crate) async fn wire(
    store: &Store,
    paths: &Paths,
    variables: &Variables,
    config: &Config,
    models: Router,
) -> Result<Wired> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let data = store.folder().layout().root().to_path_buf();
    let git = Git::open(find_program("git", variables)).await.context("miyabi needs git")?;
    let sandbox = Arc::new(Sandbox::new(SandboxOptions::new(config.sandbox.level, data.join("sandbox"))));
    let path = variables.get("PATH").cloned().unwrap_or_default();
    let surroundings = Surroundings { home: &paths.home, path: OsStr::new(&path), variables };
    let toolchains = toolchain::toolchains(surroundings, &toolchain::Machine);
    let caches = toolchain::caches(surroundings, &toolchain::Machine);

    let repositories = Arc::new(GitRepositories::new(git.clone(), &data, RepositoryLimits::default()));
    let mut env = toolchains.env.clone();
    env.insert("PATH".to_owned(), toolchains.path_value());
    let options = WorkspaceOptions {
        allows_network: config.sandbox.setup_network,
        tools: toolchains.mounts.clone(),
        env,
        caches,
        ..WorkspaceOptions::default()
    };
    let checkouts = Arc::new(GitCheckouts::new(
        &data,
        Arc::clone(&repositories),
        Arc::clone(&sandbox),
        store.artifacts(),
        options,
    ));
    let forge = Arc::new(LocalForge::new(store.forge(), Arc::clone(&repositories) as _));
    let program = std::env::current_exe().context("could not find this very program")?;
    let runner = Arc::new(SandboxRunner::new(Arc::clone(&sandbox), toolchains, program));
    let target =
        LocalTarget::new(data.join("deploy"), runner, Arc::clone(&checkouts) as _, ReleaseLimits::default());
    let models = Arc::new(models);
    let tools = WorkspaceTools::new(Arc::clone(&checkouts) as _, store.artifacts());
    let ports = Ports {
        artifacts: store.artifacts(),
        checkouts: Arc::clone(&checkouts) as _,
        repositories,
        forge,
        target: Arc::new(target),
        model: Arc::clone(&models) as _,
        tools: Arc::new(tools),
        projects: store.projects(),
        clock,
        entropy: Arc::new(SystemEntropy),
    };
    Ok(Wired { ports, sandbox, checkouts, models, settings: step_settings(config) })
}

impl Wired {
    /// The engine over these ports.
    pub(crate) fn engine(&self, store: &Store, config: &Config) -> Engine {
        let performer = Performer::new(self.ports.clone(), self.settings.clone());
        let concurrent_runs = usize::try_from(config.run.concurrent_runs).unwrap_or(1);
        Engine::new(store.journal(), performer, engine::Options { concurrent_runs })
    }
}

fn step_settings(config: &Config) -> StepSettings {
    StepSettings {
        command_limits: config.sandbox.limits(),
        gate_limits: config.sandbox.gate_limits(),
        set_up_network: config.sandbox.setup_network,
        max_changed_lines: config.run.max_changed_lines,
        ..StepSettings::default()
    }
}

/// A program's absolute path by `PATH`, decided once; where it is not found, the usual place, whose absence then says
/// what is missing.
pub(crate) fn find_program(name: &str, variables: &Variables) -> PathBuf {
    let path = variables.get("PATH").map(String::as_str).unwrap_or_default();
    let found = std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| is_program(file));
    found.unwrap_or_else(|| Path::new("/usr/bin").join(name))
}

fn is_program(file: &Path) -> bool {
    file.is_absolute() && file.is_file()
}
