//! What is said about a tool, in the form that MCP lists it.

use miyabi_core::port::model;
use miyabi_core::run::step::Effect;
use miyabi_core::run::value::ToolTraits;
use serde::Serialize;
use serde_json::Value;

use super::{Tool, schema};

/// What a tool's author says about it.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The name to call it by: `[a-z_]{1,32}`.
    pub name: &'static str,
    /// A name for people.
    pub title: &'static str,
    /// What it does, when to use it, limits and side effects. Every model call carries it, so it is short.
    pub description: &'static str,
    /// What it may write.
    pub writes: Writes,
    /// What may be done about a call whose outcome was lost in a crash.
    pub effect: Effect,
}

/// What a tool may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// Nothing: calls may run beside each other.
    Nothing,
    /// Only what can be made again, such as build products.
    Scratch,
    /// Files of the project.
    Files,
}

/// MCP's hints about a tool's behaviour (revision 2025-11-25, `ToolAnnotations`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// It changes nothing.
    pub read_only_hint: bool,
    /// It may overwrite or remove.
    pub destructive_hint: bool,
    /// The same call again changes nothing more.
    pub idempotent_hint: bool,
    /// It reaches beyond the machine.
    pub open_world_hint: bool,
}

/// A tool as MCP's `tools/list` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// The name to call it by.
    pub name: &'static str,
    /// A name for people.
    pub title: &'static str,
    /// What it does, when to use it, limits and side effects.
    pub description: &'static str,
    /// JSON Schema of the arguments.
    pub input_schema: Value,
    /// JSON Schema of the structured result.
    pub output_schema: Value,
    /// Hints about its behaviour.
    pub annotations: Annotations,
    /// What it may write; [`Annotations`] say less.
    #[serde(skip)]
    pub writes: Writes,
    /// What may be done about a call whose outcome was lost in a crash.
    #[serde(skip)]
    pub effect: Effect,
}

impl Definition {
    pub(super) fn of<C, T: Tool<C>>() -> Self {
        let Spec { name, title, description, writes, effect } = T::SPEC;
        let annotations = Annotations {
            read_only_hint: writes == Writes::Nothing,
            destructive_hint: writes == Writes::Files,
            idempotent_hint: matches!(effect, Effect::Pure | Effect::Keyed),
            open_world_hint: false,
        };
        Self {
            name,
            title,
            description,
            input_schema: schema::of_input::<T::Arguments>(),
            output_schema: schema::of_output::<T::Output>(),
            annotations,
            writes,
            effect,
        }
    }

    /// The tool as a model sees it.
    pub fn for_model(&self) -> model::Tool {
        model::Tool {
            name: self.name.into(),
            description: self.description.into(),
            input_schema: self.input_schema.clone(),
        }
    }

    /// What the engine needs to know of it.
    pub fn traits(&self) -> ToolTraits {
        ToolTraits { effect: self.effect, reads_only: self.writes == Writes::Nothing }
    }

    /// Rules of the house that it breaks.
    pub(super) fn violations(&self) -> Vec<String> {
        let name = self.name;
        let well_named =
            (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let rules = [
            (well_named, "the name is not of the form [a-z_]{1,32}"),
            (!self.title.is_empty() && !self.description.is_empty(), "title or description is missing"),
            (
                self.writes != Writes::Files || self.effect != Effect::Pure,
                "it writes files, so its effect class can't be `pure`",
            ),
            (self.input_schema["type"] == "object", "the arguments are no object"),
            (self.output_schema["type"] == "object", "the structured result is no object"),
            (self.input_schema["additionalProperties"] == false, "unknown arguments are not refused"),
        ];
        let broken = rules.iter().filter(|(holds, _)| !holds);
        broken.map(|(_, rule)| format!("`{name}`: {rule}")).collect()
    }
}
