//! The port to tools: the same definitions that other programs reach over MCP.

use async_trait::async_trait;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::checkouts::CheckoutId;
use super::model::Tool;
use crate::digest::Digest;
use crate::error::Failure;
use crate::gate::Checks;
use crate::project::Project;
use crate::run::value::{Control, ToolTraits};
use crate::sandbox::SandboxLimits;

/// Where a call takes place: what it may touch is decided by this, not by its arguments.
#[derive(Debug, Clone)]
pub struct ToolScope {
    /// The checkout it works in.
    pub checkout: CheckoutId,
    /// The project.
    pub project: Project,
    /// The project's commands.
    pub checks: Checks,
    /// Files the task may change, as globs; a call outside of them is carried out and named by the gates.
    pub touches: Vec<String>,
    /// Ceilings for commands.
    pub limits: SandboxLimits,
    /// Artifacts of this run that the model may page through: stored outputs of its own earlier calls.
    pub recallable: Vec<Digest>,
}

/// What a tool said.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// The text for the model, bounded at the source.
    pub text: String,
    /// The same as data, for programs.
    pub structured: Option<Value>,
    /// Whether the tool failed in a way that the caller can act on.
    pub is_error: bool,
    /// Whether files may have changed.
    pub may_have_changed: bool,
    /// What it means for the conversation.
    pub control: Option<Control>,
}

/// A set of tools.
#[async_trait]
pub trait ToolHost: Send + Sync {
    /// The tools of a role, in a fixed order; empty for roles that only answer.
    fn tools(&self, role: &str) -> Vec<Tool>;

    /// What is known of a tool; `None` if there is none of this name.
    fn traits(&self, tool: &str) -> Option<ToolTraits>;

    /// Carries a call out. Unknown tools and wrong arguments are results, not failures. `is_repeat` says that an
    /// earlier try may have happened: a tool of the class `probe` looks first.
    ///
    /// # Errors
    /// Only what the caller can do nothing about: no sandbox, no disk.
    async fn call(
        &self,
        scope: &ToolScope,
        tool: &str,
        arguments: &Value,
        is_repeat: bool,
        cancel: &CancellationToken,
    ) -> Result<ToolResult, Failure>;
}
