//! Where a piece of text comes from. Labels follow text into prompts, events and decisions.

use serde::{Deserialize, Serialize};

/// The source of a text, from most to least trusted. Only [`Label::Operator`] and [`Label::Writer`] may steer a
/// run; everything else is data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// The operator's own configuration or command.
    Operator,
    /// A person with write access to the project.
    Writer,
    /// Any other person, such as the author of a public issue.
    Other,
    /// Bytes of the repository.
    Repository,
    /// The result of a tool.
    Tool,
    /// Words of a model.
    Model,
}

impl Label {
    /// Whether text with this label may start or steer a run.
    pub fn may_steer(self) -> bool {
        matches!(self, Self::Operator | Self::Writer)
    }

    /// The word used in prompts and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Writer => "writer",
            Self::Other => "other",
            Self::Repository => "repository",
            Self::Tool => "tool",
            Self::Model => "model",
        }
    }
}
