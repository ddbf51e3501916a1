//! For tests: checkouts that are real folders with real processes, without sandbox and git.

mod checkouts;

use std::path::Path;
use std::sync::Arc;

use miyabi_core::digest::Digest;
use miyabi_core::gate::Checks;
use miyabi_core::id::RunId;
use miyabi_core::port::checkouts::CheckoutId;
use miyabi_core::port::tool_host::{ToolHost, ToolResult, ToolScope};
use miyabi_core::sandbox::SandboxLimits;
use miyabi_testkit::artifacts::MemoryArtifacts;
use miyabi_testkit::clock::START;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub(crate) use self::checkouts::FolderCheckouts;
use crate::WorkspaceTools;

/// A checkout in a temporary folder, and the tools over it.
pub(crate) struct Bench {
    pub(crate) tools: WorkspaceTools,
    pub(crate) checkouts: Arc<FolderCheckouts>,
    pub(crate) artifacts: Arc<MemoryArtifacts>,
    pub(crate) scope: ToolScope,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let artifacts = Arc::new(MemoryArtifacts::default());
        let checkouts = Arc::new(FolderCheckouts::new(artifacts.clone()));
        let scope = ToolScope {
            checkout: CheckoutId { run: RunId::mint(START, 1), name: "task".into() },
            project: miyabi_testkit::project::project(1, Path::new("/nowhere")),
            checks: Checks::default(),
            touches: vec!["**".into()],
            limits: SandboxLimits::default(),
            recallable: Vec::new(),
        };
        Self { tools: WorkspaceTools::new(checkouts.clone(), artifacts.clone()), checkouts, artifacts, scope }
    }

    /// Writes a file and returns its short hash.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) -> String {
        let path = self.checkouts.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        Digest::of(bytes).hex()[..12].to_owned()
    }

    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.checkouts.root().join(path)).unwrap()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.checkouts.root().join(path).exists()
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> ToolResult {
        let cancel = CancellationToken::new();
        let result = self.tools.call(&self.scope, tool, &arguments, false, &cancel).await.unwrap();
        self.check_output(tool, &result);
        result
    }

    /// Structured results of calls that did their work must fit the schema that clients hold them against.
    fn check_output(&self, tool: &str, result: &ToolResult) {
        let definition = self.tools.definitions().find(|definition| definition.name == tool);
        if let (Some(definition), Some(data), false) = (definition, &result.structured, result.is_error) {
            assert!(fits(&definition.output_schema, data), "{tool}: {data}");
        }
    }

    /// A call after a crash: nobody knows whether an earlier try happened.
    pub(crate) async fn repeat(&self, tool: &str, arguments: Value) -> ToolResult {
        let cancel = CancellationToken::new();
        self.tools.call(&self.scope, tool, &arguments, true, &cancel).await.unwrap()
    }
}

/// Whether a value fits a schema, as far as our own output schemas go.
fn fits(schema: &Value, value: &Value) -> bool {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is_kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|other| other == kind),
        other => other == kind,
    };
    let has_required = schema["required"]
        .as_array()
        .is_none_or(|names| names.iter().all(|name| value.get(name.as_str().unwrap()).is_some()));
    let has_parts = match value {
        Value::Array(items) => items.iter().all(|item| fits(&schema["items"], item)),
        Value::Object(fields) => fields.iter().all(|(name, field)| fits(&schema["properties"][name], field)),
        Value::String(_) => schema["enum"].as_array().is_none_or(|words| words.contains(value)),
        _ => true,
    };
    is_kind && has_required && has_parts
}
