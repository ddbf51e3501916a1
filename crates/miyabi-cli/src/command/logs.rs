//! `logs`: what a run's agents and gates did, line by line, and what their commands printed.

use std::io::Write as _;

use anyhow::Result;
use miyabi_core::port::clock::Clock as _;
use miyabi_core::time::Timestamp;
use miyabi_dashboard::api::{List, LogLevel, LogLine, Page};
use miyabi_dashboard::client::{Happening, encode};

use super::issues::when;
use super::run::timeout;
use super::runs::latest;
use crate::args::{LogLevelChoice, Logs};
use crate::context::Context;
use crate::format::parse_duration;
use crate::link::{Link, Need};
use crate::outcome::{Exit, usage};
use crate::print;
use crate::style::Role;
use crate::wire::system::SystemClock;

/// Lines asked for at once.
const PAGE_LINES: u32 = 5_000;
/// Bytes of a content asked for at once.
const PART_BYTES: u64 = 1024 * 1024;

/// Which lines are wanted.
struct Wanted<'a> {
    args: &'a Logs,
    since: Option<Timestamp>,
}

/// `miyabi logs`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, args: &Logs) -> Result<Exit> {
    let since = args.since.as_deref().map(since).transpose()?;
    let limit = timeout(context)?;
    let wanted = Wanted { args, since };
    let link = Link::open(context, if args.follow { Need::Drive } else { Need::Look }).await?;
    let shown = async {
        let run = match &args.run {
            Some(run) => link.client.get_run(run).await?.run.id,
            None => latest(context, &link).await?.id,
        };
        let run = run.to_string();
        if args.follow {
            follow(context, &link, &run, &wanted).await
        } else {
            show(context, &link, &run, &wanted).await
        }
    };
    let result = match limit {
        None => shown.await,
        Some(limit) => tokio::time::timeout(limit, shown).await.unwrap_or(Ok(Exit::TIMED_OUT)),
    };
    link.close().await;
    result
}

fn since(text: &str) -> Result<Timestamp> {
    let age = parse_duration(text)
        .ok_or_else(|| usage(format!("`{text}` is not a time"), "write it like 90m, 2h or 3d"))?;
    Ok(Timestamp::from_millis(SystemClock.now().as_millis().saturating_sub(age)))
}

impl Wanted<'_> {
    fn has(&self, line: &LogLine) -> bool {
        let is_young = self.since.is_none_or(|since| line.at.0 >= since);
        let is_agents = self.args.agent.as_ref().is_none_or(|agent| line.agent.as_ref() == Some(agent));
        is_young && is_agents && (self.args.raw || self.matches(&line.message))
    }

    fn matches(&self, text: &str) -> bool {
        self.args.grep.as_ref().is_none_or(|grep| text.contains(grep.as_str()))
    }

    /// With `--raw`, tools' calls count too: they are what printed something.
    fn level(&self) -> LogLevel {
        match self.args.level {
            Some(LogLevelChoice::Debug) => LogLevel::Debug,
            Some(LogLevelChoice::Warn) => LogLevel::Warn,
            Some(LogLevelChoice::Error) => LogLevel::Error,
            None if self.args.raw => LogLevel::Debug,
            Some(LogLevelChoice::Info) | None => LogLevel::Info,
        }
    }
}

/// The lines behind a place in the journal.
async fn read(link: &Link, run: &str, wanted: &Wanted<'_>, after: u64) -> Result<Vec<LogLine>> {
    let level = serde_json::to_value(wanted.level())?;
    let level = level.as_str().unwrap_or("info");
    let path = format!("/runs/{}/log?level={level}&limit={PAGE_LINES}", encode(run));
    let mut lines = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: Page<LogLine> = link.client.get(&format!("{path}{cursor}")).await?;
        lines.extend(page.items.into_iter().filter(|line| line.seq > after));
        match page.next {
            Some(next) => cursor = format!("&cursor={}", encode(&next.0)),
            None => return Ok(lines),
        }
    }
}

async fn show(context: &Context, link: &Link, run: &str, wanted: &Wanted<'_>) -> Result<Exit> {
    let mut lines = read(link, run, wanted, 0).await?;
    lines.retain(|line| wanted.has(line));
    if wanted.args.raw {
        for line in &lines {
            raw(context, link, run, wanted, line).await?;
        }
    } else if context.is_json() {
        print::json(context, &List { items: lines })?;
    } else {
        print::paged(context, &lines.iter().map(|line| worded(context, line)).collect::<Vec<_>>())?;
    }
    Ok(Exit::OK)
}

/// Prints what is there, then what comes, until the run ends or waits.
async fn follow(context: &Context, link: &Link, run: &str, wanted: &Wanted<'_>) -> Result<Exit> {
    // Opened first, so that nothing falls between the look and the stream.
    let mut stream = link.client.events(&format!("run:{run}"), None).await?;
    let mut seen = 0;
    loop {
        for line in read(link, run, wanted, seen).await? {
            seen = line.seq;
            match wanted.has(&line) {
                false => {}
                true if wanted.args.raw => raw(context, link, run, wanted, &line).await?,
                true if context.is_json() => print::json(context, &line)?,
                true => print::line(&worded(context, &line))?,
            }
        }
        let state = link.client.get_run(run).await?.run.state;
        if state.has_ended() {
            return Ok(Exit::OK);
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(Exit::INTERRUPTED),
            happening = stream.next() => match happening {
                Ok(Some(Happening::Event(_) | Happening::Reset { .. })) => {}
                Ok(None) | Err(_) => stream = link.client.events(&format!("run:{run}"), None).await?,
            },
        }
    }
}

fn worded(context: &Context, line: &LogLine) -> String {
    let painter = context.painter();
    let (word, role) = match line.level {
        LogLevel::Debug => ("debug", Role::Dim),
        LogLevel::Info => ("info ", Role::Accent),
        LogLevel::Warn => ("warn ", Role::Warn),
        LogLevel::Error => ("error", Role::Bad),
    };
    let at = painter.paint(Role::Dim, &when(context, line.at.0));
    let stage = line.stage.map_or("", |stage| stage.as_str());
    let task = line.task.as_ref().map(|task| format!("/{task}")).unwrap_or_default();
    let place = painter.paint(Role::Dim, &format!("{stage}{task}"));
    format!("{at} {} {place} {}", painter.paint(role, word), print::clean(&line.message))
}

/// What a step's commands and tools printed, byte for byte but for what would steer a terminal.
async fn raw(context: &Context, link: &Link, run: &str, wanted: &Wanted<'_>, line: &LogLine) -> Result<()> {
    for artifact in line.artifacts.iter().filter(|artifact| OUTPUTS.contains(&artifact.name.as_str())) {
        let bytes = content(link, run, &artifact.digest.to_string()).await?;
        let is_plain = !context.terminal.stdout_is_tty && wanted.args.grep.is_none();
        let mut out = std::io::stdout().lock();
        if is_plain {
            out.write_all(&bytes)?;
        } else {
            let text = String::from_utf8_lossy(&bytes);
            for text in text.lines().filter(|text| wanted.matches(text)) {
                writeln!(out, "{}", print::clean(text))?;
            }
        }
        out.flush()?;
    }
    Ok(())
}

/// Names of contents that are something's output.
const OUTPUTS: &[&str] = &["log", "result"];

/// A whole content, in parts.
async fn content(link: &Link, run: &str, digest: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let path = format!(
            "/runs/{}/artifacts/{}?offset={}&length={PART_BYTES}",
            encode(run),
            encode(digest),
            bytes.len()
        );
        let part = link.client.get_bytes(&path).await?;
        bytes.extend_from_slice(&part);
        if (part.len() as u64) < PART_BYTES {
            return Ok(bytes);
        }
    }
}
