//! `demo`: the whole flow on a small example, with the real code and a scripted model.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use miyabi_core::id::{ProjectId, RunId};
use miyabi_core::port::clock::{Clock as _, Entropy as _};
use miyabi_core::port::model::ModelName;
use miyabi_core::project::Project;
use miyabi_core::run::spec::Autonomy;
use miyabi_core::run::{Step, StepValue};
use miyabi_dashboard::api::{RunWishes, StartRun, TaskWish};
use miyabi_workspace::git::Git;
use miyabi_workspace::seed;

use super::run::{conclude, timeout, view};
use crate::args::Demo;
use crate::context::Context;
use crate::follow::{self, Ended, OnWait};
use crate::link::{Link, Need};
use crate::outcome::Exit;
use crate::paths::Paths;
use crate::print;
use crate::wire::system::{SystemClock, SystemEntropy};
use crate::wire::{find_program, local_tenant, models};

/// The branch of the example.
const BRANCH: &str = "main";
/// The scripted model's name.
const MODEL: &str = "scripted/demo";
/// What the model says.
const SCRIPT: &str = include_str!("../../demo/script.toml");
/// The issue that is solved.
const ISSUE: &str = include_str!("../../demo/issue.md");
/// The example's files.
const FILES: &[(&str, &str)] = &[
    ("README.md", include_str!("../../demo/repository/README.md")),
    ("CHANGELOG.md", include_str!("../../demo/repository/CHANGELOG.md")),
    ("build.sh", include_str!("../../demo/repository/build.sh")),
    ("hours.tsv", include_str!("../../demo/repository/hours.tsv")),
    ("page/foot.html", include_str!("../../demo/repository/page/foot.html")),
    ("page/head.html", include_str!("../../demo/repository/page/head.html")),
    ("render.sh", include_str!("../../demo/repository/render.sh")),
    ("tests/render_test.sh", include_str!("../../demo/repository/tests/render_test.sh")),
    (".miyabi/config.toml", include_str!("../../demo/repository/dot-miyabi/config.toml")),
    (".gitignore", include_str!("../../demo/repository/dot-gitignore")),
];

/// `miyabi demo`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, args: &Demo) -> Result<Exit> {
    let folder = context.paths.data.join("demo");
    let inner = inside(context, &folder);
    print::note(context, &context.lang().demo_begins(env!("CARGO_PKG_VERSION")));
    print::note(context, "");

    let mut link = Link::open_with(&inner, Need::Drive, Some(models::demo_router("demo", SCRIPT)?)).await?;
    let run = match unfinished(&link).await? {
        Some(run) => {
            print::note(context, &context.lang().demo_goes_on(run));
            run
        }
        None => start(context, &link, &folder).await?,
    };
    let may_ask = context.terminal.may_ask && !context.global.yes;
    let on_wait = if may_ask { OnWait::Prompt } else { OnWait::Approve };
    let options = follow::Options { view: view(context), on_wait, until: None, timeout: timeout(context)? };
    let followed = follow::follow(&inner, &mut link, run, &options).await?;
    let exit = conclude(context, &link, &followed).await?;
    if exit == Exit::OK {
        print::note(context, &context.lang().demo_next());
    }
    let url = match followed.state.value(&Step::Activate) {
        Some(StepValue::Activated { url: Some(url) }) => Some(url.clone()),
        _ => None,
    };
    if let (Some(url), true) = (url, may_ask && exit == Exit::OK) {
        print::note(context, &context.lang().demo_serves(url));
        tokio::signal::ctrl_c().await.context("could not wait for Ctrl+C")?;
    }
    let goes_on = matches!(followed.ended, Ended::Interrupted | Ended::TimedOut | Ended::Waiting);
    if args.keep {
        print::note(context, &context.lang().demo_kept(folder.display()));
    }
    end(link, &folder, args.keep || goes_on).await?;
    Ok(exit)
}

/// The same context with everything in the demo's own folder, and no configuration of the user's.
fn inside(context: &Context, folder: &Path) -> Context {
    let mut inner = context.clone();
    inner.paths = Paths {
        data: folder.join("data"),
        config: folder.join("config.toml"),
        home: context.paths.home.clone(),
    };
    inner.settings.file.clone_from(&inner.paths.config);
    inner.settings.variables.clear();
    inner.settings.flags.clear();
    inner
}

/// A demo that was broken off.
async fn unfinished(link: &Link) -> Result<Option<RunId>> {
    let page = link.client.list_runs("state=queued,running,waiting&limit=1").await?;
    Ok(page.items.first().map(|run| run.id))
}

async fn start(context: &Context, link: &Link, folder: &Path) -> Result<RunId> {
    let project = match existing(link).await? {
        Some(project) => project,
        None => connect(context, link, &folder.join("repository")).await?,
    };
    let wishes = RunWishes {
        autonomy: Some(Autonomy::Deploy),
        models: [("default".to_owned(), ModelName(MODEL.to_owned()))].into(),
        ..RunWishes::default()
    };
    let request =
        StartRun { project_id: project.id, task: TaskWish::Text { text: ISSUE.to_owned() }, wishes };
    // The key makes a start that was broken off between request and answer happen once.
    let key = format!("demo-{}", project.id);
    Ok(link.client.start_run(&request, &key).await?.id)
}

async fn existing(link: &Link) -> Result<Option<Project>> {
    let owner = link.owner().context("another process runs the demo already")?;
    Ok(owner.wired().ports.projects.list(local_tenant()).await?.into_iter().next())
}

async fn connect(context: &Context, link: &Link, folder: &Path) -> Result<Project> {
    if folder.exists() {
        tokio::fs::remove_dir_all(folder).await.context("could not remove the last demo's repository")?;
    }
    tokio::fs::create_dir_all(folder).await.context("could not make the demo's repository")?;
    let git = Git::open(find_program("git", &context.variables)).await?;
    seed::repository(&git, folder, BRANCH, FILES, SystemClock.now()).await?;
    let project = Project {
        id: ProjectId::mint(SystemClock.now(), SystemEntropy.draw()),
        tenant: local_tenant(),
        name: "lantern".into(),
        path: path_text(folder)?,
        branch: BRANCH.to_owned(),
        created_at: SystemClock.now(),
    };
    let owner = link.owner().context("another process runs the demo already")?;
    owner.wired().ports.projects.create(&project).await?;
    Ok(project)
}

fn path_text(folder: &Path) -> Result<String> {
    let folder: PathBuf = folder.canonicalize().context("could not find the demo's repository")?;
    folder.into_os_string().into_string().ok().context("the data folder's path is not UTF-8")
}

/// Stops what answers for the page and removes everything, unless it is to be kept.
async fn end(link: Link, folder: &Path, keep: bool) -> Result<()> {
    if !keep && let Some(owner) = link.owner() {
        let ports = &owner.wired().ports;
        for project in ports.projects.list(local_tenant()).await? {
            ports.target.deactivate(&project).await?;
        }
    }
    let owns = link.drives();
    link.close().await;
    if !keep && owns {
        tokio::fs::remove_dir_all(folder).await.context("could not remove the demo's folder")?;
    }
    Ok(())
}
