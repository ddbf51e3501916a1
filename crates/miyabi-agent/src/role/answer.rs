//! Reads typed values out of models' answers: forgiving about the wrapping, strict about the value.

use miyabi_core::port::model::{Answer, Finish};
use serde::de::DeserializeOwned;

/// The longest answer that is looked at, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// The JSON value that an answer consists of. Code fences and words around a single object are passed over.
///
/// # Errors
/// The words that go back to the model.
pub(super) fn parse<T: DeserializeOwned>(answer: &Answer) -> Result<T, String> {
    match answer.finish {
        Finish::Length => return Err("it was cut off at the length limit; be shorter".into()),
        Finish::Filtered => return Err("the provider withheld it".into()),
        Finish::Stop | Finish::ToolCalls => {}
    }
    let text = answer.text.trim();
    if text.len() > MAX_BYTES {
        return Err(format!("it has {} bytes, at most {MAX_BYTES} are read", text.len()));
    }
    let (Some(from), Some(to)) = (text.find('{'), text.rfind('}')) else {
        return Err("it holds no JSON object".into());
    };
    if from > to {
        return Err("it holds no JSON object".into());
    }
    serde_json::from_str(&text[from..=to]).map_err(|error| format!("{error}"))
}

/// A text bounded and on one line.
pub(super) fn line(text: &str, max_chars: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    crate::prompt::text::visible(&words.join(" "), max_chars)
}

/// Checks a list's length and its texts' lengths.
///
/// # Errors
/// The words that go back to the model.
pub(super) fn check_list(
    name: &str,
    list: &[String],
    max_items: usize,
    max_chars: usize,
) -> Result<(), String> {
    if list.len() > max_items {
        return Err(format!("`{name}` has {} items, at most {max_items} are taken", list.len()));
    }
    for item in list {
        if item.trim().is_empty() {
            return Err(format!("`{name}` has an empty item"));
        }
        if item.chars().count() > max_chars {
            return Err(format!("an item of `{name}` is longer than {max_chars} characters"));
        }
    }
    Ok(())
}
