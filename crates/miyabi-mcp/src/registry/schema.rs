//! JSON Schemas of Rust types, without what costs tokens and tells a model nothing.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// The schema of a type, all definitions in place.
pub(super) fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut value = schema.to_value();
    clean(&mut value);
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

fn clean(value: &mut Value) {
    match value {
        Value::Object(object) => {
            clean_object(object);
            for (key, inner) in object.iter_mut() {
                // A property may have any name, such as `title`, so only its schema is cleaned.
                match inner {
                    Value::Object(properties) if key == "properties" => {
                        properties.values_mut().for_each(clean);
                    }
                    _ => clean(inner),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clean),
        _ => {}
    }
}

fn clean_object(object: &mut Map<String, Value>) {
    for noise in ["$schema", "title", "format", "minimum", "maximum"] {
        object.remove(noise);
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    // An optional field may be left out; that it may be null as well is no help.
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
        assert_eq!(of::<Sample>(), expected);
    }

    #[test]
    fn a_shape_is_one_line() {
        assert_eq!(
            shape(&of::<Sample>()),
            r#"{gate?: "lint" | "test", limit?: integer, path: string, steps: [{title: string}]}"#
        );
    }
}
