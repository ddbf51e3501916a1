//! Runs one command in a cage.
//!
//! A [`Sandbox`] re-executes this program as a launcher, which builds the cage and becomes process 1
//! in it. The command sees a minimal read-only root, the mounts it was given, a private temporary
//! folder, and no network. How the levels differ is told at
//! [`SandboxLevel`](miyabi_core::sandbox::SandboxLevel); a level is never lowered by itself.
//!
//! | what | strict | reduced | external |
//! |---|---|---|---|
//! | namespaces, minimal root, no capabilities | yes | no | no |
//! | Landlock, seccomp, no new privileges | yes | where the kernel has them | no |
//! | root is dropped, process limits, time, memory and disk limits | yes | yes | yes |
//! | nothing survives a step | PID namespace | subreaper | subreaper |

mod advice;
mod error;
mod image;
mod launcher;
mod outcome;
mod own;
mod plan;
mod requirement;
mod run;
mod session;
mod spec;
mod text;

use std::path::Path;

use miyabi_core::sandbox::SandboxLevel;
use tokio_util::sync::CancellationToken;

pub use self::error::{Advice, Error};
pub use self::launcher::{LAUNCHER_NAME, is_launcher, run_launcher};
pub use self::outcome::{Captured, Exit, KEPT_BYTES, Outcome};
use self::plan::{Entry, Plan, PlannedAccess, PlannedMount};
pub use self::plan::{Identity, Step};
pub use self::requirement::{Requirement, STRICT};
pub use self::spec::{
    Access, CommandSpec, DEFAULT_UNPRIVILEGED_ID, HOME, Lifetime, Mount, Network, Options, OutputTarget,
};
use self::text::Text;

/// Runs commands in cages. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Sandbox {
    options: Options,
    identity: Identity,
    image: Vec<Entry>,
}

/// What kind of cage this is, for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// The level the operator chose.
    pub level: SandboxLevel,
    /// Whose rights commands get.
    pub identity: Identity,
}

impl Sandbox {
    /// A sandbox for this process's identity: root is dropped, an ordinary user stays itself.
    pub fn new(options: Options) -> Self {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        let identity = if uid.is_root() {
            Identity::DropsRoot {
                uid: options.unprivileged_id,
                gid: options.unprivileged_id,
            }
        } else {
            Identity::OrdinaryUser {
                uid: uid.as_raw(),
                gid: gid.as_raw(),
            }
        };
        Self {
            identity,
            image: image::entries(),
            options,
        }
    }

    /// Which level, and whose rights commands get.
    pub fn describe(&self) -> Description {
        Description {
            level: self.options.level,
            identity: self.identity,
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
        let plan = self.plan(spec)?;
        run::run(&self.options.launcher, &plan, &spec.output, cancel).await
    }

    fn plan(&self, spec: &CommandSpec) -> Result<Plan, Error> {
        let mut image = self.image.clone();
        image.extend(image::network_entries(spec.network));
        Ok(Plan {
            level: self.options.level,
            identity: self.identity,
            image,
            mounts: spec.mounts.iter().map(planned).collect::<Result<_, _>>()?,
            own_network: spec.network == Network::None,
            detached: spec.lifetime == Lifetime::Detached,
            limits: spec.limits.clone(),
            cgroup: None,
            program: Text::from(&spec.program),
            args: spec.args.iter().map(Text::from).collect(),
            env: environment(spec),
            cwd: Text::from(&spec.cwd),
        })
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
                write!(
                    formatter,
                    "sandbox `{level}`: commands run as the ordinary user {uid}"
                )
            }
        }
    }
}

fn planned(mount: &Mount) -> Result<PlannedMount, Error> {
    let is_plain = |path: &Path| {
        let mut components = path.components();
        components.next() == Some(std::path::Component::RootDir)
            && components.all(|component| matches!(component, std::path::Component::Normal(_)))
    };
    if !mount.source.is_absolute() || !is_plain(&mount.target) || mount.target == Path::new("/") {
        let reason = format!(
            "mount of `{}` at `{}`",
            mount.source.display(),
            mount.target.display()
        );
        return Err(Error::InvalidSpec { reason });
    }
    let access = match &mount.access {
        Access::ReadOnly => PlannedAccess::ReadOnly,
        Access::ReadWrite => PlannedAccess::ReadWrite,
        Access::Overlay { upper, work } => PlannedAccess::Overlay {
            upper: Text::from(upper),
            work: Text::from(work),
        },
    };
    Ok(PlannedMount {
        source: Text::from(&mount.source),
        target: Text::from(&mount.target),
        access,
    })
}

/// The command's variables and the few that every program expects.
fn environment(spec: &CommandSpec) -> Vec<(Text, Text)> {
    let defaults = [
        ("HOME", HOME),
        ("LANG", "C.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("TMPDIR", "/tmp"),
        ("USER", "miyabi"),
    ];
    let missing = defaults
        .into_iter()
        .filter(|(name, _)| !spec.env.contains_key(*name));
    let given = spec
        .env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    given
        .chain(missing)
        .map(|(name, value)| (Text::from(name), Text::from(value)))
        .collect()
}
