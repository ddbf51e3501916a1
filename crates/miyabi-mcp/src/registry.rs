//! The tools registry: definition, effect class and handler of each tool, typed in and out.
//!
//! A server's tools share a context `C`: what they need to do their work. No transport and no policy live here.

mod arguments;
mod definition;
mod schema;

use futures::future::BoxFuture;
use miyabi_core::error::Failure;
use miyabi_core::port::tool_host::ToolResult;
use miyabi_core::run::value::Control;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use definition::{Annotations, Definition, Spec, Writes};

use crate::text;

/// No result is longer than this, whatever a tool says, in bytes.
const MAX_RESULT_BYTES: usize = 64 * 1024;

/// A tool over a server's context.
pub trait Tool<C> {
    /// What is said about it.
    const SPEC: Spec;
    /// Its arguments; unknown fields are refused if the type says so.
    type Arguments: DeserializeOwned + JsonSchema + Send;
    /// Its result as data.
    type Output: Serialize + JsonSchema + Send;

    /// Carries a call out.
    ///
    /// # Errors
    /// [`Problem::Told`] for what the caller can act on, [`Problem::Failure`] for what it can't.
    fn run(
        context: &C,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Reply<Self::Output>, Problem>> + Send;
}

/// What a tool answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply<O> {
    /// The text for the model.
    pub text: String,
    /// The same as data.
    pub output: O,
    /// Whether it ran but did not do what was asked.
    pub is_error: bool,
    /// Whether files may have changed.
    pub may_have_changed: bool,
    /// What it means for the conversation.
    pub control: Option<Control>,
}

impl<O> Reply<O> {
    /// An answer that changed nothing.
    pub fn new(text: impl Into<String>, output: O) -> Self {
        let text = text.into();
        Self { text, output, is_error: false, may_have_changed: false, control: None }
    }

    /// The same, of a tool that may have changed files.
    #[must_use]
    pub fn changed(self) -> Self {
        Self { may_have_changed: true, ..self }
    }
}

/// Why a tool did not answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The caller can act on it: it becomes a result that is marked as an error.
    #[error("{text}")]
    Told {
        /// What is wrong and what to do about it.
        text: String,
        /// The same as data.
        data: Option<Value>,
    },
    /// The caller can do nothing about it.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl Problem {
    /// A problem without data.
    pub fn told(text: impl Into<String>) -> Self {
        Self::Told { text: text.into(), data: None }
    }
}

type Handler<C> = for<'a> fn(&'a C, &'a Definition, &'a Value) -> BoxFuture<'a, Result<ToolResult, Failure>>;

struct Entry<C> {
    definition: Definition,
    handler: Handler<C>,
}

/// The tools of one server, in a fixed order.
pub struct Registry<C> {
    entries: Vec<Entry<C>>,
}

impl<C: Sync> Default for Registry<C> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<C: Sync> Registry<C> {
    /// Adds a tool at the end.
    #[must_use]
    pub fn with<T: Tool<C> + 'static>(mut self) -> Self {
        self.entries.push(Entry {
            definition: Definition::of::<C, T>(),
            handler: |context, definition, arguments| {
                Box::pin(invoke::<C, T>(context, definition, arguments))
            },
        });
        self
    }

    /// All definitions.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.entries.iter().map(|entry| &entry.definition)
    }

    /// The definition of a tool.
    pub fn find(&self, name: &str) -> Option<&Definition> {
        self.definitions().find(|definition| definition.name == name)
    }

    /// Rules of the house that definitions break, one line each. A test of each server holds this empty.
    pub fn violations(&self) -> Vec<String> {
        let mut all: Vec<String> = self.definitions().flat_map(Definition::violations).collect();
        for (index, definition) in self.definitions().enumerate() {
            if self.definitions().take(index).any(|other| other.name == definition.name) {
                all.push(format!("`{}` is there twice", definition.name));
            }
        }
        all
    }

    /// Carries a call out. Unknown tools and wrong arguments are results.
    ///
    /// # Errors
    /// What the caller can do nothing about.
    pub async fn call(&self, context: &C, name: &str, arguments: &Value) -> Result<ToolResult, Failure> {
        let Some(entry) = self.entries.iter().find(|entry| entry.definition.name == name) else {
            return Ok(told(self.unknown(name), None));
        };
        (entry.handler)(context, &entry.definition, arguments).await
    }

    fn unknown(&self, name: &str) -> String {
        let shown = text::cut(name, 80);
        let nearest = text::nearest(name, self.definitions().map(|definition| definition.name));
        let names: Vec<_> = self.definitions().map(|definition| definition.name).collect();
        match nearest {
            Some(nearest) => format!("there is no tool `{shown}`; did you mean `{nearest}`?"),
            None => format!("there is no tool `{shown}`; the tools are: {}", names.join(", ")),
        }
    }
}

async fn invoke<C: Sync, T: Tool<C>>(
    context: &C,
    definition: &Definition,
    arguments: &Value,
) -> Result<ToolResult, Failure> {
    let answer = match arguments::decode(&definition.input_schema, arguments) {
        Ok(arguments) => T::run(context, arguments).await,
        Err(problem) => Err(problem),
    };
    let reply = match answer {
        Ok(reply) => reply,
        Err(Problem::Told { text, data }) => return Ok(told(text, data)),
        Err(Problem::Failure(failure)) => return Err(failure),
    };
    Ok(ToolResult {
        text: presentable(&reply.text),
        structured: serde_json::to_value(reply.output).ok(),
        is_error: reply.is_error,
        may_have_changed: reply.may_have_changed,
        control: reply.control,
    })
}

fn told(text: impl AsRef<str>, structured: Option<Value>) -> ToolResult {
    ToolResult {
        text: presentable(text.as_ref()),
        structured,
        is_error: true,
        may_have_changed: false,
        control: None,
    }
}

/// The last guard on the way out: no control characters, and an end.
fn presentable(said: &str) -> String {
    text::cut(&text::escape(said), MAX_RESULT_BYTES)
}

#[cfg(test)]
mod tests;
