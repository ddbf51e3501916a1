//! JSON Schemas of Rust types, without what costs tokens and tells a model nothing.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// The schema of arguments. What may be left out may also be null; only the first is said.
pub(super) fn of_input<T: JsonSchema>() -> Value {
    let mut schema = of::<T>(SchemaSettings::draft2020_12().for_deserialize());
    without_null(&mut schema);
    schema
}

/// The schema of a structured result, which clients hold results against.
pub(super) fn of_output<T: JsonSchema>() -> Value {
    of::<T>(SchemaSettings::draft2020_12().for_serialize())
}

/// The schema of a type, all definitions in place.
fn of<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut value = schema.to_value();
    each(&mut value, &mut |object| {
        for noise in ["$schema", "title", "format", "minimum", "maximum"] {
            object.remove(noise);
        }
    });
    // A root's description repeats the tool's.
    if let Value::Object(root) = &mut value {
        root.remove("description");
    }
    value
}

/// A schema in one line, for people and models: `{path: string, limit_lines?: integer}`.
pub(super) fn shape(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object() else {
        return match (&schema["type"], &schema["enum"], &schema["items"]) {
            (_, Value::Array(words), _) => words.iter().map(Value::to_string).collect::<Vec<_>>().join(" | "),
            (_, _, items) if items.is_object() => format!("[{}]", shape(items)),
            (Value::String(kind), ..) => kind.clone(),
            _ => "any".into(),
        };
    };
    let required = |name: &String| match &schema["required"] {
        Value::Array(names) => names.iter().any(|required| required == name),
        _ => false,
    };
    let field = |(name, of): (&String, &Value)| {
        let mark = if required(name) { "" } else { "?" };
        format!("{name}{mark}: {}", shape(of))
    };
    format!("{{{}}}", properties.iter().map(field).collect::<Vec<_>>().join(", "))
}

/// Takes the choice of null out of a schema.
fn without_null(schema: &mut Value) {
    each(schema, &mut |object| {
        if object.get("default") == Some(&Value::Null) {
            object.remove("default");
        }
        if let Some(Value::Array(kinds)) = object.get_mut("type") {
            kinds.retain(|kind| kind != "null");
            if let [kind] = kinds.as_slice() {
                let kind = kind.clone();
                object.insert("type".into(), kind);
            }
        }
        if let Some(Value::Array(choices)) = object.get_mut("enum") {
            choices.retain(|choice| !choice.is_null());
        }
        if let Some(Value::Array(options)) = object.get_mut("anyOf") {
            options.retain(|option| option["type"] != "null");
            if let [Value::Object(only)] = options.as_slice() {
                let only = only.clone();
                object.remove("anyOf");
                object.extend(only);
            }
        }
    });
}

/// Does something to a schema and all within it.
fn each(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            change(object);
            for (key, inner) in object.iter_mut() {
                match inner {
                    // A property may have any name, such as `title`: it is no keyword there.
                    Value::Object(properties) if key == "properties" => {
                        properties.values_mut().for_each(|property| each(property, change));
                    }
                    _ => each(inner, change),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, change)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// Where.
        path: String,
        limit: Option<u32>,
        gate: Option<Kind>,
        steps: Vec<Inner>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Lint,
        Test,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        title: String,
    }

    #[test]
    fn schemas_hold_only_what_a_model_needs() {
        let expected = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["path", "steps"],
            "properties": {
                "path": {"type": "string", "description": "Where."},
                "limit": {"type": "integer"},
                "gate": {"type": "string", "enum": ["lint", "test"]},
                "steps": {"type": "array", "items": {
                    "type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}
                }},
            },
        });
        assert_eq!(of_input::<Sample>(), expected);
    }

    #[derive(serde::Serialize, JsonSchema)]
    struct Answer {
        exit_code: Option<i32>,
    }

    #[test]
    fn results_may_be_null_where_they_are() {
        let expected = json!({
            "type": "object",
            "required": ["exit_code"],
            "properties": {"exit_code": {"type": ["integer", "null"]}},
        });
        assert_eq!(of_output::<Answer>(), expected);
        assert_eq!(serde_json::to_value(Answer { exit_code: None }).unwrap(), json!({"exit_code": null}));
    }

    #[test]
    fn a_shape_is_one_line() {
        assert_eq!(
            shape(&of_input::<Sample>()),
            r#"{gate?: "lint" | "test", limit?: integer, path: string, steps: [{title: string}]}"#
        );
    }
}
