//! `miyabi` alone: how this repository stands, in five lines, and the three commands that are likely next.

use anyhow::Result;
use miyabi_core::stop::Status;
use miyabi_dashboard::api::{Page, Project, Run};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::{issues, project};
use crate::context::Context;
use crate::link::Link;
use crate::outcome::Exit;
use crate::print;
use crate::style::Role;
use crate::userfile;

/// The most that is counted.
const MOST: usize = 100;

/// How the repository stands, as `--json` prints it.
#[derive(Debug, Default, Serialize)]
struct Standing {
    repository: Option<String>,
    project: Option<String>,
    branch: Option<String>,
    model: Option<String>,
    waiting: usize,
    running: usize,
    latest: Option<Run>,
    open_issues: usize,
    next: Vec<String>,
}

/// `miyabi`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context) -> Result<Exit> {
    let mut standing = look(context).await?;
    standing.next = likely(&standing);
    if context.is_json() {
        print::json(context, &standing)?;
        return Ok(Exit::OK);
    }
    show(context, &standing)?;
    Ok(Exit::OK)
}

async fn look(context: &Context) -> Result<Standing> {
    let root = userfile::repository_root(&context.folder);
    let models = context.settings.read(root.as_deref())?.config.models;
    let mut standing = Standing {
        repository: root.map(|root| root.display().to_string()),
        model: models.default.map(|model| model.0),
        ..Standing::default()
    };
    let Some(link) = project::link_if_used(context).await? else { return Ok(standing) };
    let filled = fill(context, &link, &mut standing).await;
    link.close().await;
    filled.map(|()| standing)
}

async fn fill(context: &Context, link: &Link, standing: &mut Standing) -> Result<()> {
    let Ok(project) = project::of(context, link, None).await else { return Ok(()) };
    let runs = |query: &str| format!("project={}&{query}", project.id);
    let active: Page<Run> =
        link.client.list_runs(&runs(&format!("state=waiting,running,queued&limit={MOST}"))).await?;
    let latest: Page<Run> = link.client.list_runs(&runs("limit=1")).await?;
    standing.waiting = active.items.iter().filter(|run| run.state == Status::Waiting).count();
    standing.running = active.items.len() - standing.waiting;
    standing.latest =
        active.items.into_iter().find(|run| run.state == Status::Waiting).or(latest.items.into_iter().next());
    standing.open_issues = issues::count_open(link, &project, MOST).await?;
    let Project { name, branch, .. } = project;
    (standing.project, standing.branch) = (Some(name), Some(branch));
    Ok(())
}

/// The three commands that fit best.
fn likely(standing: &Standing) -> Vec<String> {
    let latest = standing.latest.as_ref().map(|run| (run.id, run.state));
    let commands: [String; 3] = match (&standing.repository, &standing.project, latest) {
        (None, _, _) => ["miyabi demo", "miyabi doctor", "miyabi help"].map(str::to_owned),
        (_, None, _) => ["miyabi init", "miyabi demo", "miyabi doctor"].map(str::to_owned),
        (_, _, Some((run, Status::Waiting))) => {
            [format!("miyabi approve {run}"), format!("miyabi diff {run}"), format!("miyabi reject {run}")]
        }
        (_, _, Some((run, Status::Running | Status::Queued))) => {
            [format!("miyabi watch {run}"), format!("miyabi logs {run}"), format!("miyabi stop {run}")]
        }
        _ if standing.model.is_none() => {
            ["miyabi model add openai", "miyabi issues list", "miyabi doctor"].map(str::to_owned)
        }
        _ => ["miyabi issues list", "miyabi run \"describe a small change\"", "miyabi runs list"]
            .map(str::to_owned),
    };
    commands.to_vec()
}

fn show(context: &Context, standing: &Standing) -> Result<()> {
    let lang = context.lang();
    let painter = context.painter();
    let project = match (&standing.project, &standing.branch) {
        (Some(name), Some(branch)) => format!("{name} ({branch})"),
        _ => lang.home_not_connected(),
    };
    let latest = standing
        .latest
        .as_ref()
        .map_or_else(|| lang.home_no_run(), |run| format!("{} {}", painter.mark(run.state), run.title));
    let lines = [
        (lang.home_repository(), standing.repository.clone().unwrap_or_else(|| lang.home_no_repository())),
        (lang.home_project(), project),
        (lang.home_model(), standing.model.clone().unwrap_or_else(|| lang.home_no_model())),
        (lang.home_runs(), lang.home_counts(standing.waiting, standing.running, latest)),
        (lang.home_issues(), lang.home_open(standing.open_issues)),
    ];
    let width = lines.iter().map(|(label, _)| label.width()).max().unwrap_or_default();
    for (label, value) in lines {
        let pad = " ".repeat(width - label.width());
        print::line(&format!("{}{pad}  {value}", painter.paint(Role::Dim, &label)))?;
    }
    print::line("")?;
    print::line(&lang.home_likely())?;
    standing.next.iter().try_for_each(|command| print::line(&format!("  {command}")))
}
