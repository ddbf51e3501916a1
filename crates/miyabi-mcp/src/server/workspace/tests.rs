//! Tests of the whole set of tools.

use std::sync::Arc;

use miyabi_core::port::tool_host::ToolHost;
use proptest::prelude::*;
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

/// Values that a confused or hostile model may give.
fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-c./\\\\~ \r\n\t\u{1b}\u{202e}日*?(\\[{+-]{0,12}",
        Just("f".to_owned()),
        Just("one".to_owned()),
        Just(".git/config".to_owned()),
        Just("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+two\n".to_owned()),
    ];
    prop_oneof![
        6 => text.prop_map(Value::from),
        2 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!([{"text": "a"}, {"item": 1, "command": "x"}])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_fields_of_any_value_make_a_tool_panic(values in prop::collection::vec(any_value(), 8), leave_out in 0u8..255, is_repeat: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            bench.put("f", b"one\r\n");
            // Random text is no command to run outside of a sandbox.
            let tools = bench.tools.definitions().filter(|definition| !["shell", "check"].contains(&definition.name));
            let tools: Vec<_> = tools.map(|definition| (definition.name, definition.input_schema.clone())).collect();
            for (name, schema) in tools {
                let fields = schema["properties"].as_object().unwrap().keys().zip(&values).enumerate();
                let kept = fields.filter(|(index, _)| leave_out & (1 << index) == 0);
                let arguments: Value = kept.map(|(_, (field, value))| (field.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into();
                let result = match is_repeat {
                    true => bench.repeat(name, arguments).await,
                    false => bench.call(name, arguments).await,
                };
                assert!(result.text.len() < 70_000, "{name}");
                let hidden = result.text.chars().find(|c| c.is_control() && *c != '\n' && *c != '\t' || *c == '\u{202e}');
                assert_eq!(hidden, None, "{name}: {}", result.text);
            }
        });
    }
}

#[test]
fn the_host_can_be_shared() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    let host: Arc<dyn ToolHost> = Arc::new(Bench::new().tools);
    shared(&host);
}
