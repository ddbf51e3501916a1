//! Arguments as a model wrote them, made into what a tool takes.

use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use super::{Problem, schema};
use crate::text;

/// Reads arguments. Numbers and truth values that came as text, and whole numbers that came with a fraction of zero,
/// are taken for what they mean: models of several providers write them so.
pub(super) fn decode<T: DeserializeOwned>(schema: &Value, arguments: &Value) -> Result<T, Problem> {
    let mut arguments = match arguments {
        Value::Null => Value::Object(serde_json::Map::new()),
        other => other.clone(),
    };
    if let (Some(fields), Some(properties)) = (arguments.as_object_mut(), schema["properties"].as_object()) {
        for (name, value) in fields.iter_mut() {
            if let Some(property) = properties.get(name) {
                mend(property, value);
            }
        }
    }
    serde_path_to_error::deserialize(arguments).map_err(|error| wrong(schema, &error))
}

fn mend(property: &Value, value: &mut Value) {
    let mended = match (property["type"].as_str(), &*value) {
        (Some("integer"), Value::String(text)) => text.trim().parse::<u64>().ok().map(Value::from),
        (Some("integer"), Value::Number(number)) => whole(number).map(Value::from),
        (Some("boolean"), Value::String(text)) => text.trim().parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    if let Some(mended) = mended {
        *value = mended;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only whole numbers below 2^32 are cast"
)]
fn whole(number: &Number) -> Option<u64> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    (float.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&float)).then_some(float as u64)
}

fn wrong(schema: &Value, error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let path = error.path().to_string();
    let place = if path == "." { String::new() } else { format!("`{}`: ", text::cut(&path, 80)) };
    let reason = text::cut(&error.inner().to_string(), 200);
    Problem::told(format!("wrong arguments: {place}{reason}. Expected: {}", schema::shape(schema)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        path: String,
        limit: Option<u32>,
        all: Option<bool>,
    }

    fn decode_sample(value: &Value) -> Result<Sample, String> {
        decode(&schema::of_input::<Sample>(), value).map_err(|problem| problem.to_string())
    }

    #[test]
    fn what_is_meant_is_taken() {
        for limit in [json!(5), json!(5.0), json!("5"), json!(" 5 ")] {
            let sample = decode_sample(&json!({"path": "a", "limit": limit, "all": "true"})).unwrap();
            assert_eq!((sample.limit, sample.all), (Some(5), Some(true)));
        }
        let sample = decode_sample(&json!({"path": "5", "limit": null})).unwrap();
        assert_eq!((sample.path.as_str(), sample.limit), ("5", None));
    }

    #[test]
    fn errors_name_the_field_and_the_shape() {
        let shape = "Expected: {all?: boolean, limit?: integer, path: string}";
        for (value, expected) in [
            (json!({}), "wrong arguments: missing field `path`. "),
            (json!(null), "wrong arguments: missing field `path`. "),
            (json!({"path": 3}), "wrong arguments: `path`: invalid type: integer `3`, expected a string. "),
            (
                json!({"path": "a", "limit": -1}),
                "wrong arguments: `limit`: invalid value: integer `-1`, expected u32. ",
            ),
            (
                json!({"path": "a", "file": 1}),
                "wrong arguments: `file`: unknown field `file`, expected one of `path`, `limit`, `all`. ",
            ),
        ] {
            assert_eq!(decode_sample(&value), Err(format!("{expected}{shape}")));
        }
    }

    #[test]
    fn long_values_are_not_echoed() {
        let error = decode_sample(&json!({"path": "a", "limit": "x".repeat(100_000)})).unwrap_err();
        assert!(error.len() < 500, "{}", error.len());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let name = prop_oneof![Just("path".to_owned()), Just("limit".into()), Just("all".into()), ".*"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_json_makes_it_panic(value in any_json()) {
            if let Err(error) = decode_sample(&value) {
                prop_assert!(error.len() < 600);
                prop_assert!(error.starts_with("wrong arguments: "));
            }
        }
    }
}
