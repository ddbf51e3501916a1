//! Git on a checkout's files: always in the sandbox, with our own git folder and our own settings.
//!
//! The task's `.git` takes no part in what we do: we keep an index and objects of our own beside the files, in a folder
//! that no command of the task sees. So nothing the task writes to hooks, settings or attributes of its `.git` matters.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::sandbox::SandboxLimits;
use tokio_util::sync::CancellationToken;

use super::GitCheckouts;
use super::layout::Layout;
use super::state::State;
use crate::files::{self, Folder};
use crate::git::{CommitHash, Format, alternates, first_line, settings};
use crate::sandbox::{self, CommandSpec, Exit, Mount, Outcome};

/// How long git may take, in milliseconds.
const DEADLINE_MS: u64 = 600_000;
/// The branch of our own git folder.
pub(super) const BRANCH: &str = crate::repositories::BUNDLE_BRANCH;
/// What a killed git may leave; nobody works here while we do.
const LEFT_BY_A_KILL: [&str; 4] = ["index.lock", "HEAD.lock", "config.lock", "refs/heads/task.lock"];

impl GitCheckouts {
    /// Runs git on the files with our own git folder.
    pub(super) async fn git<A: Into<OsString>>(
        &self,
        layout: &Layout,
        state: &State,
        args: impl IntoIterator<Item = A>,
    ) -> Result<String, Failure> {
        self.git_with(layout, state, &layout.git(), args).await
    }

    /// Runs git on the files with a git folder. Its words on success, as far as they are kept.
    pub(super) async fn git_with<A: Into<OsString>>(
        &self,
        layout: &Layout,
        state: &State,
        git_dir: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Result<String, Failure> {
        let mut all: Vec<OsString> = settings::arguments().map(OsString::from).collect();
        // Nothing here outlives the checkout: what is kept of it, the host syncs.
        all.extend(["-c".into(), "core.fsync=none".into()]);
        all.extend(["--git-dir".into(), git_dir.into(), "--work-tree".into(), layout.tree().into()]);
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let subcommand = args.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        all.extend(args);

        let program = self.repositories.git().program();
        let mut spec = CommandSpec::new(program, all, layout.tree());
        let dates = settings::dates(miyabi_core::time::Timestamp::from_millis(0));
        let env = settings::environment("none").into_iter().chain(dates);
        spec.env = env.map(|(name, value)| (name.to_owned(), value)).collect();
        spec.mounts = vec![
            Mount::read_only(self.repositories.bare(state.project).objects()),
            Mount::read_write(layout.tree()),
            Mount::read_write(layout.git()),
            Mount::read_write(layout.outbox()),
        ];
        spec.limits = SandboxLimits { wall_ms: DEADLINE_MS, cpu_ms: DEADLINE_MS, ..SandboxLimits::default() };
        let outcome = self.sandbox.run(&spec, &CancellationToken::new()).await.map_err(sandbox_failure)?;
        if outcome.succeeded() {
            return Ok(outcome.output.text());
        }
        Err(git_failure(layout, &subcommand, &outcome))
    }
}

fn git_failure(layout: &Layout, subcommand: &str, outcome: &Outcome) -> Failure {
    let reason = match (outcome.limit, outcome.exit) {
        (Some(limit), _) => format!("it hit the limit {limit:?}"),
        (None, Exit::Signal(signal)) => format!("signal {signal} ended it"),
        (None, Exit::Code(_)) => first_line(outcome.output.text().as_bytes()),
    };
    let message = format!("`git {subcommand}` failed in checkout `{}`: {reason}", layout.name());
    Failure::permanent(ErrorCode::GitFailed, message)
}

/// A sandbox that can't be set up is a matter for the operator, or for the next try.
pub(super) fn sandbox_failure(error: sandbox::Error) -> Failure {
    let mut message = error.to_string();
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    if let Some(cause) = cause {
        message = format!("{message}: {cause}");
    }
    match error {
        sandbox::Error::InvalidSpec { .. } | sandbox::Error::WorkingDirectory { .. } => {
            Failure::permanent(ErrorCode::RequestInvalid, message)
        }
        sandbox::Error::Setup { advice: Some(advice), .. } => {
            Failure::needs_person(ErrorCode::SandboxUnavailable, format!("{message}; {}", advice.cure))
        }
        sandbox::Error::Output { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
            Failure::retry(ErrorCode::StoreFull, message)
        }
        _ => Failure::retry(ErrorCode::SandboxSetup, message),
    }
}

/// Writes the files that make a git folder, in a folder that commands may have written. Everything that could be other
/// than we want it is written anew; index and objects stay. Blocking.
pub(super) fn write_git_folder(
    git: &Folder,
    layout: &Layout,
    objects: &Path,
    branch: &str,
    commit: &CommitHash,
    owner: files::Owner,
) -> Result<(), files::Error> {
    let staging = layout.open_staging()?;
    let failed = |source| files::Error::at("prepare", b"a git folder", source);
    for folder in ["objects/info", "objects/pack", "refs/heads"] {
        git.make_folders(folder.as_bytes(), owner).map_err(failed)?;
    }
    for left in LEFT_BY_A_KILL {
        files::remove(git, left.as_bytes())?;
    }
    let write = |path: &str, content: &[u8]| files::write(git, &staging, path.as_bytes(), content, owner);
    write("config", config(Format::of(commit)).as_bytes())?;
    write("HEAD", format!("ref: refs/heads/{branch}\n").as_bytes())?;
    write(&format!("refs/heads/{branch}"), format!("{commit}\n").as_bytes())?;
    write("objects/info/alternates", &alternates(&[objects]).map_err(failed)?)
}

fn config(format: Format) -> String {
    let version = u8::from(format == Format::Sha256);
    let mut config = format!(
        "[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = false\n\
         [user]\n\tname = {}\n\temail = {}\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n",
        settings::NAME,
        settings::EMAIL
    );
    if format == Format::Sha256 {
        config += "[extensions]\n\tobjectformat = sha256\n";
    }
    config
}
