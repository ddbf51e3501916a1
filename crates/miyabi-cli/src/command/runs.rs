//! `runs list` and `runs show`.

use anyhow::Result;
use miyabi_core::error::ErrorCode;
use miyabi_core::id::RunId;
use miyabi_core::port::clock::Clock as _;
use miyabi_core::stop::Status;
use miyabi_core::time::Timestamp;
use miyabi_dashboard::api::{Page, Problem, Run, RunDetail};

use super::project;
use crate::args::RunsCommand;
use crate::context::Context;
use crate::follow::stage_name;
use crate::format::{ago, duration, parse_duration, rfc3339};
use crate::link::{Link, Need};
use crate::outcome::{Exit, usage};
use crate::print;
use crate::style::Role;
use crate::table::{Cell, Column, cell, number, text, title};
use crate::wire::system::SystemClock;

const COLUMNS: [Column; 7] = [
    text("STATE"),
    text("RUN"),
    title("TITLE"),
    text("ISSUE"),
    text("STAGE"),
    number("TIME"),
    number("COST"),
];

/// `miyabi runs`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, command: &RunsCommand) -> Result<Exit> {
    let link = Link::open(context, Need::Look).await?;
    let result = match command {
        RunsCommand::List { state, since, limit, all } => {
            list(context, &link, state, since.as_deref(), *limit, *all).await
        }
        RunsCommand::Show { run } => show(context, &link, run.as_deref()).await,
    };
    link.close().await;
    result.map(|()| Exit::OK)
}

async fn list(
    context: &Context,
    link: &Link,
    states: &[String],
    since: Option<&str>,
    limit: u32,
    all: bool,
) -> Result<()> {
    let mut query = format!("limit={limit}");
    for state in states {
        if !Status::ALL.iter().any(|status| status.as_str() == state) {
            let known: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
            return Err(usage(format!("`{state}` is no state"), format!("one of: {}", known.join(", "))));
        }
    }
    if !states.is_empty() {
        query.push_str(&format!("&state={}", states.join(",")));
    }
    if let Some(since) = since {
        let age = parse_duration(since)
            .ok_or_else(|| usage(format!("`{since}` is not a time"), "write it like 90m, 2h or 3d"))?;
        let from = Timestamp::from_millis(SystemClock.now().as_millis().saturating_sub(age));
        query.push_str(&format!("&since={}", rfc3339(from)));
    }
    if !all && let Ok(project) = project::of(context, link, None).await {
        query.push_str(&format!("&project={}", project.id));
    }
    let page: Page<Run> = link.client.list_runs(&query).await?;
    if context.is_json() {
        return print::json(context, &page);
    }
    let ids: Vec<RunId> = page.items.iter().map(|run| run.id).collect();
    let rows: Vec<Vec<Cell>> = page.items.iter().map(|run| row(context, run, &ids)).collect();
    if rows.is_empty() {
        print::note(context, &context.lang().no_runs());
        return Ok(());
    }
    print::table(context, &COLUMNS, &rows)?;
    footer(context, &page.items);
    Ok(())
}

fn row(context: &Context, run: &Run, all: &[RunId]) -> Vec<Cell> {
    let state = if context.global.plain {
        run.state.as_str().to_owned()
    } else {
        format!("{} {}", painter_mark(context, run.state), run.state.as_str())
    };
    let id = if context.terminal.stdout_is_tty { short_id(run.id, all) } else { run.id.to_string() };
    let role = match run.state {
        Status::Waiting => Role::Warn,
        Status::Failed => Role::Bad,
        Status::Running => Role::Run,
        Status::Succeeded => Role::Ok,
        Status::Queued | Status::Cancelled => Role::Dim,
    };
    vec![
        cell(role, state),
        id.into(),
        run.title.clone().into(),
        run.issue.map_or_else(String::new, |number| format!("#{number}")).into(),
        run.stage.map_or("", stage_name).into(),
        duration(run.active_ms).into(),
        run.cost.amount.to_string().into(),
    ]
}

/// The mark without its colour: the whole cell is coloured.
fn painter_mark(context: &Context, status: Status) -> String {
    crate::style::Painter { color: false, ..context.painter() }.mark(status)
}

/// The prefix and as many last characters as tell a run from the others, at least four.
pub(crate) fn short_id(id: RunId, all: &[RunId]) -> String {
    let full = id.to_string();
    let digits = full.trim_start_matches("run_");
    let is_unique = |length: usize| {
        let end = &digits[digits.len() - length..];
        all.iter().filter(|other| other.to_string().ends_with(end)).count() <= 1
    };
    let length = (4..digits.len()).find(|length| is_unique(*length)).unwrap_or(digits.len());
    format!("run_{}", &digits[digits.len() - length..])
}

fn footer(context: &Context, runs: &[Run]) {
    let waiting: Vec<&Run> = runs.iter().filter(|run| run.state == Status::Waiting).collect();
    if let [first, ..] = waiting.as_slice() {
        let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
        print::note(context, &context.lang().some_wait(waiting.len(), short_id(first.id, &ids)));
    }
}

async fn show(context: &Context, link: &Link, run: Option<&str>) -> Result<()> {
    let run = match run {
        Some(run) => run.to_owned(),
        None => latest(context, link).await?.id.to_string(),
    };
    let detail: RunDetail = link.client.get_run(&run).await?;
    if context.is_json() {
        return print::json(context, &detail);
    }
    let run = &detail.run;
    let painter = context.painter();
    print::line(&format!(
        "{} {}  {}",
        painter.mark(run.state),
        painter.paint(Role::Bold, &run.title),
        run.state.as_str()
    ))?;
    let created = run.created_at.0;
    let mut facts = vec![("run", run.id.to_string()), ("started", ago(created, SystemClock.now()))];
    if let Some(issue) = run.issue {
        facts.push(("issue", format!("#{issue}")));
    }
    if let Some(number) = run.pull_request {
        facts.push(("pull request", format!("#{number}")));
    }
    facts.push(("worked", duration(run.active_ms)));
    let scripted = if run.is_scripted { "  (a script stood in for a model)" } else { "" };
    facts.push(("cost", format!("{}, {} tokens{scripted}", run.cost.amount, run.tokens)));
    if let Some(stop) = &run.stop {
        facts.push(("ended", format!("{}: {}", stop.kind.as_str(), stop.cause)));
    }
    for (name, value) in facts {
        print::line(&format!("  {} {value}", painter.paint(Role::Dim, &format!("{name:<13}"))))?;
    }
    Ok(())
}

/// The newest run of the project that the folder belongs to, or of all.
///
/// # Errors
/// `NOT_FOUND` when there is none.
pub(crate) async fn latest(context: &Context, link: &Link) -> Result<Run> {
    let mut query = "limit=1".to_owned();
    if let Ok(project) = project::of(context, link, None).await {
        query.push_str(&format!("&project={}", project.id));
    }
    let page = link.client.list_runs(&query).await?;
    page.items
        .into_iter()
        .next()
        .ok_or_else(|| Problem::new(ErrorCode::NotFound, "there is no run yet").into())
}

/// The one run that waits for a person.
///
/// # Errors
/// `NOT_FOUND` when none waits, `AMBIGUOUS` when several do.
pub(crate) async fn the_waiting_one(link: &Link) -> Result<Run> {
    let page = link.client.list_runs("state=waiting&limit=2").await?;
    let mut waiting = page.items.into_iter();
    match (waiting.next(), waiting.next()) {
        (Some(run), None) => Ok(run),
        (None, _) => Err(Problem::new(ErrorCode::NotFound, "no run waits for a decision").into()),
        (Some(_), Some(_)) => {
            Err(Problem::new(ErrorCode::Ambiguous, "more than one run waits for a decision")
                .with_hint("name the run", Some("miyabi runs list --state waiting"))
                .into())
        }
    }
}
