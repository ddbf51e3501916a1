//! Follows a run: folds its events into the same state that the engine has, and shows what changes.

mod ask;
mod lines;
mod screen;

use std::time::Duration;

use anyhow::Result;
use miyabi_core::error::ErrorCode;
use miyabi_core::id::RunId;
use miyabi_core::run::apply::{apply, begin};
use miyabi_core::run::{Event, RunState};
use miyabi_core::stop::Status;
use miyabi_dashboard::api::Problem;
use miyabi_dashboard::client::Happening;
use tokio::time::{Instant, MissedTickBehavior};

use crate::context::Context;
use crate::link::{Link, Need};
pub(crate) use lines::{red_gates, stage_name};
use screen::Screen;

/// How often the screen is brought up to date, at most.
const REDRAW: Duration = Duration::from_millis(100);
/// Pause before a broken stream is taken up again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(250);

/// What to do when the run waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnWait {
    /// Return; the run waits on.
    Return,
    /// Ask in the terminal.
    Prompt,
    /// Approve without asking, and say so.
    Approve,
    /// Wait until somebody decides elsewhere.
    Block,
}

/// What is shown while following.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// A line per stage.
    Stages,
    /// A line per event.
    Events,
    /// Each event as JSON.
    Json,
    /// Nothing.
    Nothing,
}

/// How a run is followed.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// What is shown.
    pub(crate) view: View,
    /// What to do when it waits.
    pub(crate) on_wait: OnWait,
    /// Return when it has this state or enters this stage.
    pub(crate) until: Option<Until>,
    /// Give up after so long.
    pub(crate) timeout: Option<Duration>,
}

/// When to return before the run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The run has this state.
    Status(Status),
    /// The run enters this stage.
    Stage(miyabi_core::run::Stage),
}

/// Why following ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The run ended, or what was waited for is there.
    Reached,
    /// The run waits for a person, and nobody here is to decide.
    Waiting,
    /// The user interrupted it.
    Interrupted,
    /// `timeout` ran out.
    TimedOut,
}

/// What following came to.
pub(crate) struct Followed {
    /// The state at the end.
    pub(crate) state: RunState,
    /// Why it ended.
    pub(crate) ended: Ended,
}

/// Follows a run until it ends, or one of the options says so. The link is taken up anew when its other end goes
/// away; this process then drives the run itself if nobody else does.
///
/// # Errors
/// When the run does not exist, or the data folder can't be used any more.
pub(crate) async fn follow(
    context: &Context,
    link: &mut Link,
    run: RunId,
    options: &Options,
) -> Result<Followed> {
    let mut screen = Screen::new(context, options.view);
    let mut follower = Follower { context, options, run, state: None, last_id: 0, asked: None };
    let deadline = options.timeout.map(|timeout| Instant::now() + timeout);
    let result = loop {
        match follower.stream(link, &mut screen, deadline).await {
            Ok(Some(ended)) => break Ok(ended),
            // The other end went away: it ended, or was killed. Whoever opens the folder first goes on.
            Ok(None) => screen.note(&context.lang().reconnecting()),
            Err(problem) if is_lost(&problem) => screen.note(&context.lang().reconnecting()),
            Err(error) => break Err(error),
        }
        tokio::time::sleep(RECONNECT_PAUSE).await;
        if !link.drives() {
            *link = Link::open(context, Need::Drive).await?;
        }
    };
    screen.finish();
    let ended = result?;
    let state = follower.state.ok_or_else(|| Problem::new(ErrorCode::NotFound, format!("no run `{run}`")))?;
    Ok(Followed { state, ended })
}

fn is_lost(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Problem>().is_some_and(|problem| problem.code == ErrorCode::ServerUnreachable)
}

struct Follower<'a> {
    context: &'a Context,
    options: &'a Options,
    run: RunId,
    state: Option<RunState>,
    last_id: u64,
    /// The question that was put to the user last.
    asked: Option<String>,
}

impl Follower<'_> {
    /// Reads one stream to its end. `None` when it broke off.
    async fn stream(
        &mut self,
        link: &Link,
        screen: &mut Screen,
        deadline: Option<Instant>,
    ) -> Result<Option<Ended>> {
        let mut events = link.client.events(&format!("run:{}", self.run), Some(self.last_id)).await?;
        let mut redraw = tokio::time::interval(REDRAW);
        redraw.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                _ = tokio::signal::ctrl_c() => return Ok(Some(Ended::Interrupted)),
                () = at(deadline) => return Ok(Some(Ended::TimedOut)),
                happening = events.next() => match happening? {
                    None => return Ok(None),
                    Some(Happening::Reset { .. }) => {
                        self.state = None;
                        self.last_id = 0;
                        return Ok(None);
                    }
                    Some(Happening::Event(event)) => {
                        self.last_id = event.id;
                        self.take(&event.event, screen);
                    }
                },
                _ = redraw.tick() => {
                    if let Some(state) = &self.state {
                        screen.redraw(state);
                    }
                    if let Some(ended) = self.look(link, screen).await? {
                        return Ok(Some(ended));
                    }
                }
            }
        }
    }

    fn take(&mut self, event: &Event, screen: &mut Screen) {
        match &mut self.state {
            None => self.state = begin(event),
            Some(state) => apply(state, event),
        }
        if let Some(state) = &self.state {
            screen.show(state, event);
        }
    }

    /// Whether following comes to its end here.
    async fn look(&mut self, link: &Link, screen: &mut Screen) -> Result<Option<Ended>> {
        let Some(state) = &self.state else { return Ok(None) };
        let status = state.status();
        if status.has_ended() || self.is_reached(state) {
            return Ok(Some(Ended::Reached));
        }
        if status != Status::Waiting {
            return Ok(None);
        }
        let Some((name, approval)) = state.pending_approvals().next() else { return Ok(None) };
        if self.asked.as_deref() == Some(name) {
            return Ok(None);
        }
        self.asked = Some(name.to_owned());
        screen.waits(state, name, approval);
        match self.options.on_wait {
            OnWait::Return => Ok(Some(Ended::Waiting)),
            OnWait::Block => Ok(None),
            OnWait::Approve => {
                ask::approve(self.context, link, self.run, name).await?;
                screen.note(&self.context.lang().approved_by_itself());
                Ok(None)
            }
            OnWait::Prompt => ask::ask(self.context, link, self.run, name, approval).await,
        }
    }

    fn is_reached(&self, state: &RunState) -> bool {
        match self.options.until {
            None => false,
            Some(Until::Status(status)) => state.status() == status,
            Some(Until::Stage(stage)) => state.stages.iter().any(|mark| mark.stage == stage),
        }
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
