//! Draws a followed run: finished stages as lines that stay, the present as one line that moves, on standard error.

use std::io::Write as _;
use std::time::Instant;

use miyabi_core::run::event::EventBody;
use miyabi_core::run::state::{Approval, StageMark};
use miyabi_core::run::{Event, RunState};
use miyabi_core::stop::Status;
use unicode_width::UnicodeWidthStr as _;

use super::View;
use super::lines::{now, outcome, stage_name};
use crate::context::Context;
use crate::format::{duration, rfc3339};
use crate::style::{Painter, Role};
use crate::table::shorten;
use crate::terminal::Lang;

/// The column at which durations stand.
const OUTCOME_WIDTH: usize = 44;
/// Without a terminal, silence for so long is broken by a line, so that nobody takes the program for dead.
const HEARTBEAT_SECONDS: u64 = 30;

/// The followed run on the terminal.
pub(crate) struct Screen {
    view: View,
    painter: Painter,
    lang: Lang,
    /// Whether a moving line can be drawn, and how long it may be.
    width: Option<usize>,
    /// The moving line as it stands there.
    drawn: Option<String>,
    /// The stage whose line is not written yet.
    current: Option<StageMark>,
    last_sign: Instant,
}

impl Screen {
    pub(crate) fn new(context: &Context, view: View) -> Self {
        let terminal = &context.terminal;
        Self {
            view,
            painter: context.error_painter(),
            lang: context.lang(),
            width: (terminal.stderr_is_tty && !context.global.quiet).then_some(terminal.width),
            drawn: None,
            current: None,
            last_sign: Instant::now(),
        }
    }

    /// Shows what an event changed.
    pub(crate) fn show(&mut self, state: &RunState, event: &Event) {
        match self.view {
            View::Nothing => {}
            View::Json => self.json(event),
            View::Events => self.event(event),
            View::Stages => self.stage(state, event),
        }
    }

    /// Brings the moving line up to date.
    pub(crate) fn redraw(&mut self, state: &RunState) {
        let Some(mark) = self.current.filter(|_| self.view == View::Stages) else { return };
        let Some(width) = self.width else { return self.heartbeat(state, &mark) };
        if state.status() != Status::Running {
            return self.erase();
        }
        let mark_sign = self.painter.mark(Status::Running);
        let line = format!("{} {:<13} {}", "*", stage_name(mark.stage), now(state, self.lang));
        let line = shorten(&line, width.saturating_sub(1), self.painter);
        let line = line.replacen('*', &mark_sign, 1);
        if self.drawn.as_deref() != Some(&line) {
            self.erase();
            self.write(&line);
            self.drawn = Some(line);
        }
    }

    /// Says what the run waits for.
    pub(crate) fn waits(&mut self, state: &RunState, name: &str, approval: &Approval) {
        if matches!(self.view, View::Json | View::Nothing) {
            return;
        }
        let stage = state.stage().map_or("", stage_name);
        let mark = self.painter.mark(Status::Waiting);
        self.line(&format!("{mark} {stage:<13} {}", self.lang.waits(&approval.request.reason)));
        self.line(&self.painter.paint(Role::Dim, &format!("  {name}")));
    }

    /// A line beside the run's own.
    pub(crate) fn note(&mut self, text: &str) {
        if !matches!(self.view, View::Json | View::Nothing) {
            self.line(&self.painter.paint(Role::Dim, text));
        }
    }

    /// Leaves the terminal as a program should.
    pub(crate) fn finish(&mut self) {
        self.erase();
    }

    fn stage(&mut self, state: &RunState, event: &Event) {
        match &event.body {
            EventBody::StageEntered { stage, round } => {
                self.close_stage(state, event);
                self.current = Some(StageMark { stage: *stage, round: *round, at: event.at });
                if self.width.is_none() {
                    self.line(&format!("{} {} begins", rfc3339(event.at), stage_name(*stage)));
                }
            }
            EventBody::RunEnded { .. } => self.close_stage(state, event),
            EventBody::ApprovalDecided { decision, by, .. } => {
                let said = self.lang.decided(&by.name, format!("{decision:?}").to_lowercase());
                self.line(&format!("  {}", self.painter.paint(Role::Dim, &said)));
            }
            EventBody::StepFailed { failure, retry_at: Some(_), .. } => {
                let said = self.lang.failed_for_now(&failure.message);
                self.line(&format!("  {}", self.painter.paint(Role::Warn, &said)));
            }
            EventBody::BudgetWarned { percent } => {
                let said = self.lang.budget_nearly_used(percent);
                self.line(&format!("  {}", self.painter.paint(Role::Warn, &said)));
            }
            _ => {}
        }
    }

    /// Writes the line of the stage that ends with this event.
    fn close_stage(&mut self, state: &RunState, event: &Event) {
        let Some(mark) = self.current.take() else { return };
        let status = match &state.stop {
            Some(stop) => stop.kind.status(),
            None => Status::Succeeded,
        };
        let text = match &state.stop {
            Some(stop) if status != Status::Succeeded => stop.cause.clone(),
            _ => outcome(state, &mark, self.lang),
        };
        let took = duration(event.at.millis_since(mark.at));
        let pad = OUTCOME_WIDTH.saturating_sub(text.width());
        let line = format!(
            "{} {:<13} {text}{} {}",
            self.painter.mark(status),
            stage_name(mark.stage),
            " ".repeat(pad),
            self.painter.paint(Role::Dim, &took)
        );
        if self.width.is_some() {
            self.line(&line);
        } else {
            self.line(&format!("{} {} {text} ({took})", rfc3339(event.at), stage_name(mark.stage)));
        }
    }

    fn event(&mut self, event: &Event) {
        let what = event.body.step().map_or_else(String::new, |step| format!(" {step}"));
        let detail = match &event.body {
            EventBody::StepFailed { failure, .. } => format!(": {}", failure.message),
            EventBody::StageEntered { stage, .. } => format!(" {}", stage.as_str()),
            EventBody::RunEnded { stop } => format!(" {}: {}", stop.kind.as_str(), stop.cause),
            _ => String::new(),
        };
        self.line(&format!("{} {:>4} {}{what}{detail}", rfc3339(event.at), event.seq, event.body.kind()));
    }

    /// The one view that is data: it goes to standard output.
    fn json(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            let mut out = std::io::stdout().lock();
            // A reader that went away has seen enough; the run goes on all the same.
            let _ = writeln!(out, "{line}");
            let _ = out.flush();
        }
    }

    fn heartbeat(&mut self, state: &RunState, mark: &StageMark) {
        if self.last_sign.elapsed().as_secs() >= HEARTBEAT_SECONDS {
            let now = now(state, self.lang);
            self.line(&format!("{} {} {now}", rfc3339(state.updated_at), stage_name(mark.stage)));
        }
    }

    fn line(&mut self, text: &str) {
        self.erase();
        self.write(&format!("{text}\n"));
        self.last_sign = Instant::now();
    }

    fn erase(&mut self) {
        if self.drawn.take().is_some() {
            self.write("\r\u{1b}[2K");
        }
    }

    fn write(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        // Nobody is there to be told that standard error is closed.
        let _ = err.write_all(text.as_bytes());
        let _ = err.flush();
    }
}
