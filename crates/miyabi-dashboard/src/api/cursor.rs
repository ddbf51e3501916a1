//! Where a page begins: opaque to callers, checked when it comes back.

use std::fmt::Display;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// A place in a list. Callers give it back as it is; its content may change at any time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// A cursor that was not made for this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list")]
pub struct CursorError;

impl Cursor {
    /// A place in the list of this name.
    pub(crate) fn new(list: &str, place: impl Display) -> Self {
        Self(URL_SAFE_NO_PAD.encode(format!("{list}:{place}")))
    }

    /// The place, if the cursor belongs to the list of this name.
    pub(crate) fn place<T: FromStr>(&self, list: &str) -> Result<T, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| CursorError)?;
        let text = String::from_utf8(bytes).map_err(|_| CursorError)?;
        let place = text.strip_prefix(list).and_then(|rest| rest.strip_prefix(':'));
        place.and_then(|place| place.parse().ok()).ok_or(CursorError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cursors_come_back_and_belong_to_one_list(place: u64, text: String) {
            let cursor = Cursor::new("runs", place);
            prop_assert_eq!(cursor.place("runs"), Ok(place));
            prop_assert_eq!(cursor.place::<u64>("issues"), Err(CursorError));
            prop_assert!(Cursor(text).place::<u64>("runs").is_err());
        }
    }
}
