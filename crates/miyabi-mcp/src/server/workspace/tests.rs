//! Tests of the whole set of tools.

use std::sync::Arc;

use miyabi_core::port::tool_host::ToolHost;
use serde_json::{Value, json};

use crate::fake::Bench;
use crate::registry::Definition;

/// Tokens by the rule of the house: characters of the JSON / 4.
fn tokens(value: &Value) -> usize {
    value.to_string().chars().count() / 4
}

#[test]
fn definitions_keep_the_rules_of_the_house() {
    assert_eq!(super::registry().violations(), Vec::<String>::new());
}

#[test]
fn definitions_cost_few_tokens() {
    let bench = Bench::new();
    let tools = bench.tools.tools("codegen");
    assert!(tools.len() <= 12);
    for tool in &tools {
        println!("{:12} {:4} tokens", tool.name, tokens(&serde_json::to_value(tool).unwrap()));
    }
    let all = tokens(&serde_json::to_value(&tools).unwrap());
    println!("all          {all:4} tokens");
    assert!(all < 2000, "{all} tokens");
}

#[test]
fn only_codegen_has_tools() {
    let tools = Bench::new().tools;
    for role in ["issue", "coordinator", "review", "pr", "deployment", ""] {
        assert!(tools.tools(role).is_empty(), "{role}");
    }
}

#[test]
fn definitions_are_as_they_were() {
    let bench = Bench::new();
    let definitions: Vec<&Definition> = bench.tools.definitions().collect();
    insta::assert_json_snapshot!("definitions", definitions);
}

#[tokio::test]
async fn unknown_tools_name_the_nearest() {
    let bench = Bench::new();
    let result = bench.call("reed", json!({})).await;
    assert_eq!(
        (result.is_error, result.text.as_str()),
        (true, "there is no tool `reed`; did you mean `read`?")
    );
    let result = bench.call(&"x".repeat(10_000), json!({})).await;
    assert!(result.text.len() < 300, "{}", result.text);
}

#[tokio::test]
async fn no_arguments_of_any_shape_make_a_tool_panic() {
    let bench = Bench::new();
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let strange =
        [json!(null), json!([]), json!("text"), json!(1e300), json!({"path": deep}), json!({"": {}}), deep];
    let names: Vec<_> = bench.tools.definitions().map(|definition| definition.name).collect();
    for name in names {
        for arguments in &strange {
            let result = bench.call(name, arguments.clone()).await;
            assert!(result.is_error || name == "check", "{name} {arguments}");
            assert!(!result.text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}

#[test]
fn the_host_can_be_shared() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    let host: Arc<dyn ToolHost> = Arc::new(Bench::new().tools);
    shared(&host);
}
