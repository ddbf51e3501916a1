//! Tests of the registry with tools that break its rules.

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::run::step::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    text: String,
}

#[derive(Deserialize, JsonSchema)]
struct Loose {}

#[derive(Serialize, JsonSchema)]
struct Output {
    length: usize,
}

const SPEC: Spec = Spec {
    name: "echo",
    title: "Echo",
    description: "Says it again.",
    writes: Writes::Nothing,
    effect: Effect::Pure,
};

struct Echo;

impl Tool<()> for Echo {
    const SPEC: Spec = SPEC;
    type Arguments = Arguments;
    type Output = Output;

    async fn run((): &(), Arguments { text }: Arguments) -> Result<Reply<Output>, Problem> {
        match text.as_str() {
            "told" => Err(Problem::told("no \u{1b}[31m")),
            "failure" => Err(Failure::permanent(ErrorCode::Internal, "broken").into()),
            _ => Ok(Reply::new(text.clone(), Output { length: text.len() })),
        }
    }
}

/// Writes files and says that repeating it is harmless.
struct Careless;

impl Tool<()> for Careless {
    const SPEC: Spec = Spec { name: "Careless", writes: Writes::Files, ..SPEC };
    type Arguments = Loose;
    type Output = Output;

    async fn run((): &(), Loose {}: Loose) -> Result<Reply<Output>, Problem> {
        Ok(Reply::new("", Output { length: 0 }))
    }
}

#[test]
fn broken_rules_are_named() {
    let registry = Registry::default().with::<Echo>().with::<Careless>().with::<Echo>();
    assert_eq!(
        registry.violations(),
        [
            "`Careless`: the name is not of the form [a-z_]{1,32}",
            "`Careless`: it writes files, so its effect class can't be `pure`",
            "`Careless`: unknown arguments are not refused",
            "`echo` is there twice",
        ]
    );
}

#[test]
fn annotations_follow_from_what_a_tool_writes() {
    let registry = Registry::<()>::default().with::<Echo>().with::<Careless>();
    let hints = |name| {
        let annotations = registry.find(name).unwrap().annotations;
        (annotations.read_only_hint, annotations.destructive_hint, annotations.idempotent_hint)
    };
    assert_eq!(hints("echo"), (true, false, true));
    assert_eq!(hints("Careless"), (false, true, true));
    assert!(!registry.find("Careless").unwrap().traits().reads_only);
}

#[tokio::test]
async fn answers_problems_and_failures_are_told_apart() {
    let registry = Registry::default().with::<Echo>();
    let call = async |text: &str| registry.call(&(), "echo", &json!({"text": text})).await;
    let result = call("a\0b").await.unwrap();
    assert_eq!((result.text.as_str(), result.structured), ("a\\x00b", Some(json!({"length": 3}))));
    let result = call("told").await.unwrap();
    assert_eq!((result.text.as_str(), result.is_error), ("no \\x1b[31m", true));
    assert_eq!(call("failure").await.unwrap_err().message, "broken");
    let result = call(&"x".repeat(1_000_000)).await.unwrap();
    assert!(result.text.len() < MAX_RESULT_BYTES + 50);
}
