//! `run`, `exec` and `retry`: start a run and follow it.

use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use miyabi_core::money::UsdMicros;
use miyabi_core::policy::Mode;
use miyabi_core::port::clock::Entropy as _;
use miyabi_core::port::model::ModelName;
use miyabi_core::run::RunState;
use miyabi_core::run::spec::{Autonomy, Template};
use miyabi_core::sandbox::SandboxLevel;
use miyabi_core::stop::StopKind;
use miyabi_dashboard::api::{self, BudgetWish, EngineWish, RetryRequest, RunWishes, StartRun, TaskWish};

use crate::args::{self, GatesChoice, PolicyMode, SandboxChoice, WaitApproval};
use crate::command::diff;
use crate::context::Context;
use crate::follow::{self, Ended, Followed, OnWait, View};
use crate::format::{duration, parse_duration};
use crate::link::{Link, Need};
use crate::outcome::{Exit, usage};
use crate::print;
use crate::wire::system::SystemEntropy;

/// The largest task read from standard input, in bytes.
const MAX_TASK_BYTES: u64 = 8 * 1024 * 1024;

/// `miyabi run`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, args: args::Run) -> Result<Exit> {
    let mut wishes = wishes(&args.wishes)?;
    wishes.autonomy = args.autonomy.map(autonomy);
    wishes.policy = args.policy.map(policy);
    let link = Link::open(context, Need::Drive).await?;
    let project = super::project::of(context, &link, args.wishes.project.as_deref()).await?;
    let task = match issue_number(&args.task) {
        Some(number) => TaskWish::Issue { number },
        None => TaskWish::Text { text: args.task.clone() },
    };
    let request = StartRun { project_id: project.id, task, wishes };
    if args.dry_run {
        print::json(context, &request)?;
        link.close().await;
        return Ok(Exit::OK);
    }
    let on_wait = match args.wait_approval {
        Some(WaitApproval::Block) => OnWait::Block,
        Some(WaitApproval::Prompt) => OnWait::Prompt,
        None if context.global.yes => OnWait::Approve,
        None if context.terminal.may_ask => OnWait::Prompt,
        Some(WaitApproval::Fail) | None => OnWait::Return,
    };
    start_and_follow(context, link, &request, on_wait, args.detach).await
}

/// `miyabi exec`.
///
/// # Errors
/// As every command.
pub(crate) async fn exec(context: &Context, args: args::Exec) -> Result<Exit> {
    let text = text_or_stdin(&args.task).await?;
    let mut wishes = wishes(&args.wishes)?;
    wishes.gates = Some(args.gates == GatesChoice::All);
    wishes.attended = Some(false);
    let link = Link::open(context, Need::Drive).await?;
    let project = super::project::of(context, &link, args.wishes.project.as_deref()).await?;
    let request = StartRun { project_id: project.id, task: TaskWish::Exec { text }, wishes };
    start_and_follow(context, link, &request, OnWait::Return, false).await
}

/// `miyabi retry`.
///
/// # Errors
/// As every command.
pub(crate) async fn retry(context: &Context, args: args::Retry) -> Result<Exit> {
    let wishes = wishes(&args.wishes)?;
    let link = Link::open(context, Need::Drive).await?;
    let started = link.client.retry_run(&args.run, &RetryRequest { wishes }, &key()).await?;
    let on_wait = if context.terminal.may_ask { OnWait::Prompt } else { OnWait::Return };
    follow_started(context, link, &started, on_wait, args.detach).await
}

async fn start_and_follow(
    context: &Context,
    link: Link,
    request: &StartRun,
    on_wait: OnWait,
    detach: bool,
) -> Result<Exit> {
    let started = link.client.start_run(request, &key()).await?;
    follow_started(context, link, &started, on_wait, detach).await
}

async fn follow_started(
    context: &Context,
    mut link: Link,
    started: &api::Run,
    on_wait: OnWait,
    detach: bool,
) -> Result<Exit> {
    if detach {
        if context.is_json() {
            print::json(context, started)?;
        } else {
            print::note(context, &context.lang().next(format!("miyabi watch {}", started.id)));
        }
        link.close().await;
        return Ok(Exit::OK);
    }
    let options = follow::Options { view: view(context), on_wait, until: None, timeout: timeout(context)? };
    let followed = follow::follow(context, &mut link, started.id, &options).await?;
    let exit = conclude(context, &link, &followed).await?;
    link.close().await;
    Ok(exit)
}

/// What a followed run is shown as.
pub(crate) fn view(context: &Context) -> View {
    if context.is_json() {
        View::Json
    } else if context.global.quiet {
        View::Nothing
    } else {
        View::Stages
    }
}

/// `--timeout`.
///
/// # Errors
/// When it is not a time.
pub(crate) fn timeout(context: &Context) -> Result<Option<Duration>> {
    let Some(text) = &context.global.timeout else { return Ok(None) };
    let millis = parse_duration(text)
        .ok_or_else(|| usage(format!("`{text}` is not a time"), "write it like 90s, 10m or 2h"))?;
    Ok(Some(Duration::from_millis(millis)))
}

/// Says how following ended, and turns it into an exit code.
///
/// # Errors
/// When output can't be written.
pub(crate) async fn conclude(context: &Context, link: &Link, followed: &Followed) -> Result<Exit> {
    let (state, lang) = (&followed.state, context.lang());
    let run = state.run_id;
    Ok(match followed.ended {
        Ended::TimedOut => {
            print::note(context, &lang.timed_out(run));
            Exit::TIMED_OUT
        }
        Ended::Interrupted => {
            let said = if link.drives() { lang.paused(run) } else { lang.detached(run) };
            print::note(context, &said);
            Exit::INTERRUPTED
        }
        Ended::Waiting => {
            print::note(context, &lang.needs_you(run));
            Exit::NEEDS_PERSON
        }
        Ended::Reached => ended(context, link, state).await?,
    })
}

async fn ended(context: &Context, link: &Link, state: &RunState) -> Result<Exit> {
    let Some(stop) = &state.stop else { return Ok(Exit::OK) };
    let lang = context.lang();
    if !context.is_json() {
        let is_good = matches!(stop.kind, StopKind::Done | StopKind::NoChangeNeeded);
        if is_good && state.spec.template == Template::Exec && stop.kind == StopKind::Done {
            diff::show(context, link, &state.run_id.to_string(), diff::Form::Patch).await?;
        }
        let said = match stop.kind {
            StopKind::Done => lang.done(duration(state.active_ms), state.ledger.spent),
            kind => lang.not_done(kind.as_str(), &stop.cause),
        };
        print::note(context, &said);
        if !is_good {
            for line in follow::red_gates(state) {
                print::note(context, &format!("  {line}"));
            }
            print::note(context, &lang.next(format!("miyabi logs {run}", run = state.run_id)));
        }
    }
    Ok(Exit(stop.kind.exit_code()))
}

/// The words of the task: `#12` or `12` is an issue, everything else is text.
fn issue_number(task: &str) -> Option<u64> {
    task.strip_prefix('#').unwrap_or(task).parse().ok()
}

fn autonomy(autonomy: args::Autonomy) -> Autonomy {
    match autonomy {
        args::Autonomy::Plan => Autonomy::Plan,
        args::Autonomy::Pr => Autonomy::Pr,
        args::Autonomy::Deploy => Autonomy::Deploy,
    }
}

fn policy(mode: PolicyMode) -> Mode {
    match mode {
        PolicyMode::Manual => Mode::Manual,
        PolicyMode::Auto => Mode::Auto,
        PolicyMode::Turbo => Mode::Turbo,
    }
}

fn wishes(args: &args::Wishes) -> Result<RunWishes> {
    let engine = match args.engine.as_deref() {
        None | Some("loop") => EngineWish::Loop,
        Some("patch") => EngineWish::Patch { patch: None },
        Some(recipe) => EngineWish::Recipe { name: recipe.to_owned() },
    };
    let mut wishes = RunWishes { engine, ..RunWishes::default() };
    for model in &args.model {
        let (role, name) = model.split_once('=').unwrap_or(("default", model));
        if !name.contains('/') {
            return Err(usage(
                format!("`{name}` is not a model's full name"),
                "write it as provider/name, such as openai/gpt-5; see: miyabi model list",
            ));
        }
        wishes.models.insert(role.to_owned(), ModelName(name.to_owned()));
    }
    if let Some(text) = &args.budget {
        let amount: UsdMicros = text
            .parse()
            .map_err(|_| usage(format!("`{text}` is not an amount"), "write it like 2 or 0.50"))?;
        wishes.budget = BudgetWish { cost: Some(amount.into()), ..BudgetWish::default() };
    }
    wishes.sandbox = args.sandbox.map(|level| match level {
        SandboxChoice::Strict => SandboxLevel::Strict,
        SandboxChoice::Reduced => SandboxLevel::Reduced,
        SandboxChoice::External => SandboxLevel::External,
    });
    wishes.apply = args.apply.then_some(true);
    Ok(wishes)
}

/// A text of the command line; `-` stands for standard input.
///
/// # Errors
/// When standard input can't be read or is too long.
pub(crate) async fn text_or_stdin(text: &str) -> Result<String> {
    if text != "-" {
        return Ok(text.to_owned());
    }
    let read = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        std::io::stdin().lock().take(MAX_TASK_BYTES + 1).read_to_string(&mut text).map(|_| text)
    });
    let text = read.await?.context("could not read standard input")?;
    if text.len() as u64 > MAX_TASK_BYTES {
        return Err(usage(format!("standard input has more than {MAX_TASK_BYTES} bytes"), "send less"));
    }
    Ok(text)
}

/// A key under which a request does its work once.
pub(super) fn key() -> String {
    format!("cli-{:032x}", SystemEntropy.draw())
}
