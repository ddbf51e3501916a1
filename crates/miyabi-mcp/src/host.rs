//! The `workspace` server as agents reach it: in process, through core's port.

use std::sync::Arc;

use async_trait::async_trait;
use miyabi_core::error::Failure;
use miyabi_core::port::artifacts::Artifacts;
use miyabi_core::port::checkouts::Checkouts;
use miyabi_core::port::model;
use miyabi_core::port::tool_host::{ToolHost, ToolResult, ToolScope};
use miyabi_core::run::value::ToolTraits;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::registry::{Definition, Registry};
use crate::server::workspace::{Call, registry};

/// The role that works with tools; all others only answer.
const ROLE: &str = "codegen";

/// The tools of the `workspace` server over the checkouts of this machine.
pub struct WorkspaceTools {
    registry: Registry<Call>,
    checkouts: Arc<dyn Checkouts>,
    artifacts: Arc<dyn Artifacts>,
}

impl WorkspaceTools {
    /// Over these checkouts; `recall` reads from these artifacts.
    pub fn new(checkouts: Arc<dyn Checkouts>, artifacts: Arc<dyn Artifacts>) -> Self {
        Self { registry: registry(), checkouts, artifacts }
    }

    /// The definitions as MCP lists them, in a fixed order.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.registry.definitions()
    }
}

#[async_trait]
impl ToolHost for WorkspaceTools {
    fn tools(&self, role: &str) -> Vec<model::Tool> {
        if role != ROLE {
            return Vec::new();
        }
        self.definitions().map(Definition::for_model).collect()
    }

    fn traits(&self, tool: &str) -> Option<ToolTraits> {
        self.registry.find(tool).map(Definition::traits)
    }

    async fn call(
        &self,
        scope: &ToolScope,
        tool: &str,
        arguments: &Value,
        is_repeat: bool,
        cancel: &CancellationToken,
    ) -> Result<ToolResult, Failure> {
        let call = Call {
            checkouts: Arc::clone(&self.checkouts),
            artifacts: Arc::clone(&self.artifacts),
            scope: scope.clone(),
            is_repeat,
            cancel: cancel.clone(),
        };
        self.registry.call(&call, tool, arguments).await
    }
}
