//! Our tools, defined once as MCP tools. Agents call them in process through core's port `tool_host`; transports serve
//! the same definitions to other programs.
//!
//! Here live definitions, argument checks and what a tool says. Git, processes and the sandbox do not: tools reach
//! them through ports.

mod host;
pub mod patch;
pub mod path;
pub mod registry;
mod server;
mod text;

#[cfg(test)]
mod fake;

pub use host::WorkspaceTools;
