//! Five colours, dim and bold, and the marks of the states: what carries meaning in the output.
//!
//! Only the sixteen colours of the terminal are used, so that its owner's theme decides how they look.

use anstyle::{AnsiColor, Style};
use miyabi_core::stop::Status;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Good.
    Ok,
    /// Needs somebody.
    Warn,
    /// Went wrong.
    Bad,
    /// Works.
    Run,
    /// A name to look at.
    Accent,
    /// Beside the point.
    Dim,
    /// The point.
    Bold,
}

/// Colours and marks as the terminal has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Painter {
    /// Whether colours are used.
    pub(crate) color: bool,
    /// Whether marks beyond ASCII are used.
    pub(crate) unicode: bool,
}

impl Painter {
    /// The text in its role's colour.
    pub(crate) fn paint(self, role: Role, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let style = match role {
            Role::Ok => AnsiColor::Green.on_default(),
            Role::Warn => AnsiColor::Yellow.on_default(),
            Role::Bad => AnsiColor::Red.on_default(),
            Role::Run => AnsiColor::Cyan.on_default(),
            Role::Accent => AnsiColor::Blue.on_default(),
            Role::Dim => Style::new().dimmed(),
            Role::Bold => Style::new().bold(),
        };
        format!("{style}{text}{style:#}")
    }

    /// The mark of a state: the same in the dashboard.
    pub(crate) fn mark(self, status: Status) -> String {
        let (mark, ascii, role) = match status {
            Status::Queued => ("◌", ".", Role::Dim),
            Status::Running => ("◉", "*", Role::Run),
            Status::Waiting => ("✋", "!", Role::Warn),
            Status::Succeeded => ("✓", "ok", Role::Ok),
            Status::Failed => ("✕", "x", Role::Bad),
            Status::Cancelled => ("⊘", "-", Role::Dim),
        };
        self.paint(role, if self.unicode { mark } else { ascii })
    }

    /// What stands for "there is more".
    pub(crate) fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }
}
