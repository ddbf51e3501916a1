//! Finds the JSON value in a text that should have been JSON only. Models that are told a schema in words like to
//! wrap their answer in a code fence or a sentence.

use serde_json::Value;

/// The JSON value of a text, as it stands there: the whole text, or the one object or list in it when prose or a
/// fence surrounds it. `None` when there is none, or when there are several and it can't be told which is meant.
pub(crate) fn extract(text: &str) -> Option<&str> {
    let trimmed = text.trim();
    if serde_json::from_str::<serde::de::IgnoredAny>(trimmed).is_ok() {
        return Some(trimmed);
    }
    let mut found = None;
    let mut rest = trimmed;
    while let Some(start) = rest.find(['{', '[']) {
        rest = &rest[start..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        if let Some(Ok(_)) = values.next() {
            let end = values.byte_offset();
            if found.replace(&rest[..end]).is_some() {
                return None;
            }
            rest = &rest[end..];
        } else {
            rest = &rest[1..];
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_in_what_surrounds_it() {
        for (text, expected) in [
            (r#" {"a":1} "#, Some(r#"{"a":1}"#)),
            ("3", Some("3")),
            ("```json\n{\"a\":[1]}\n```", Some(r#"{"a":[1]}"#)),
            ("Here you are: {\"a\":\"}\"}. Done.", Some(r#"{"a":"}"}"#)),
            ("{not json} but {\"a\":1}", Some(r#"{"a":1}"#)),
            ("{\"a\":1} or {\"b\":2}", None),
            ("no", None),
            ("{\"a\":", None),
            ("", None),
        ] {
            assert_eq!(extract(text), expected, "{text}");
        }
    }
}
