//! Runs one command in a cage.
//!
//! A [`Sandbox`] re-executes this program as a launcher, which builds the cage and becomes process 1
//! in it. The command sees a minimal read-only root, the mounts it was given, a private temporary
//! folder, and no network. How the levels differ is told at
//! [`SandboxLevel`]; a level is never lowered by itself.
//!
//! | what | strict | reduced | external |
//! |---|---|---|---|
//! | namespaces, minimal root, no capabilities | yes | no | no |
//! | Landlock, seccomp, no new privileges | yes | where the kernel has them | no |
//! | root is dropped, process limits, time, memory and disk limits | yes | yes | yes |
//! | nothing survives a step | PID namespace | subreaper | subreaper |

mod advice;
mod delegation;
mod detached;
mod error;
mod home;
mod image;
mod launcher;
mod outcome;
mod own;
mod plan;
mod planning;
mod requirement;
mod run;
mod self_test;
mod session;
mod spec;
mod text;
pub mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};

use miyabi_core::sandbox::SandboxLevel;
use tokio_util::sync::CancellationToken;

pub use self::detached::Detached;
pub use self::error::{Advice, Error};
use self::home::Home;
pub use self::launcher::{Check, LAUNCHER_NAME, is_launcher, run_launcher};
pub use self::outcome::{Captured, Exit, KEPT_BYTES, Outcome};
use self::plan::Entry;
pub use self::plan::{Identity, Step};
pub use self::requirement::{Requirement, STRICT};
pub use self::self_test::SelfTest;
pub use self::spec::{
    Access, CommandSpec, DEFAULT_UNPRIVILEGED_ID, HOME, Lifetime, Mount, Network, Options, OutputTarget,
};
use self::toolchain::Cache;

/// Runs commands in cages. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Sandbox {
    options: Options,
    identity: Identity,
    image: Vec<Entry>,
    cgroup: Option<PathBuf>,
}

/// What kind of cage this is, for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// The level the operator chose.
    pub level: SandboxLevel,
    /// Whose rights commands get.
    pub identity: Identity,
    /// Whether the kernel counts memory and processes exactly (cgroup) or samples and per-process
    /// limits stand in.
    pub counts_exactly: bool,
}

impl Sandbox {
    /// A sandbox for this process's identity: root is dropped, an ordinary user stays itself.
    pub fn new(options: Options) -> Self {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        let identity = if uid.is_root() {
            Identity::DropsRoot { uid: options.unprivileged_id, gid: options.unprivileged_id }
        } else {
            Identity::OrdinaryUser { uid: uid.as_raw(), gid: gid.as_raw() }
        };
        Self {
            identity,
            image: image::entries(),
            cgroup: options.cgroup.clone().or_else(delegation::find),
            options,
        }
    }

    /// Which level, and whose rights commands get.
    pub fn describe(&self) -> Description {
        Description {
            level: self.options.level,
            identity: self.identity,
            counts_exactly: self.cgroup.is_some(),
        }
    }

    /// Makes a folder belong to the id that commands run under, so that it can be mounted writable.
    ///
    /// Changes nothing when commands run as this very user. Follows no links and stays on the
    /// folder's file system. Blocking; call it from a blocking thread for large trees.
    pub fn own(&self, folder: &Path) -> Result<(), Error> {
        match self.identity {
            Identity::OrdinaryUser { .. } => Ok(()),
            Identity::DropsRoot { uid, gid } => own::take(folder, uid, gid),
        }
    }

    /// Runs a command to its end, and nothing of it is left then.
    ///
    /// A command that fails, hits a limit or is cancelled is an `Ok` outcome. Dropping the future ends
    /// the command too.
    ///
    /// # Errors
    ///
    /// When the command could not be started, or its output not be stored.
    pub async fn run(&self, spec: &CommandSpec, cancel: &CancellationToken) -> Result<Outcome, Error> {
        if spec.lifetime != Lifetime::Tied {
            return Err(Error::InvalidSpec {
                reason: "a detached command needs `start_detached`".to_owned(),
            });
        }
        let home = if self.options.level == SandboxLevel::Strict { None } else { Some(self.private_home()?) };
        let plan = planning::plan(self, spec, home.as_ref().map(Home::path))?;
        let outcome = run::run(&self.options.launcher, &plan, &spec.output, cancel).await;
        if let Some(home) = home {
            // The command may have left a large tree.
            let _removed = tokio::task::spawn_blocking(move || drop(home)).await;
        }
        outcome
    }

    /// Starts a command that outlives this program and returns when its program runs.
    ///
    /// It has no wall clock and no total processor time limit; memory, disk, processes and files stay
    /// limited. Its output file begins anew whenever it reaches `limits.output_bytes`.
    ///
    /// # Errors
    ///
    /// When the command could not be started.
    pub async fn start_detached(&self, spec: &CommandSpec) -> Result<Detached, Error> {
        let mut plan = planning::plan(self, spec, None)?;
        plan.detached = true;
        detached::start(&self.options.launcher, &plan, &spec.output).await
    }

    /// Runs forbidden and allowed actions in a real sandbox.
    ///
    /// A pass is remembered in `state_dir` per boot, kernel, launcher, user and level. Workers start
    /// only after a pass.
    pub async fn self_test(&self) -> SelfTest {
        self_test::run(self).await
    }

    /// Mounts shared package caches as overlays whose writes land below `private`.
    ///
    /// # Errors
    ///
    /// When the folders for the writes cannot be created.
    pub fn cache_mounts(&self, caches: &[Cache], private: &Path) -> Result<Vec<Mount>, Error> {
        caches.iter().map(|cache| self.cache_mount(cache, private)).collect()
    }

    fn cache_mount(&self, cache: &Cache, private: &Path) -> Result<Mount, Error> {
        let folder = private.join(cache.name);
        let (upper, work) = (folder.join("upper"), folder.join("work"));
        for path in [&upper, &work] {
            fs::create_dir_all(path).map_err(|source| Error::File {
                action: "create",
                path: path.clone(),
                source,
            })?;
            self.own(path)?;
        }
        Ok(Mount {
            source: cache.source.clone(),
            target: cache.target.clone(),
            access: Access::Overlay { upper, work },
        })
    }

    fn private_home(&self) -> Result<Home, Error> {
        let failed =
            |source| Error::File { action: "create a home in", path: self.options.state_dir.clone(), source };
        let home = Home::create(&self.options.state_dir).map_err(failed)?;
        self.own(home.path())?;
        Ok(home)
    }
}

impl std::fmt::Display for Description {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let level = self.level.as_str();
        match self.identity {
            Identity::DropsRoot { uid, gid } => {
                write!(
                    formatter,
                    "sandbox `{level}`: root is dropped to user {uid}, group {gid} for every command"
                )
            }
            Identity::OrdinaryUser { uid, .. } => {
                write!(formatter, "sandbox `{level}`: commands run as the ordinary user {uid}")
            }
        }
    }
}
