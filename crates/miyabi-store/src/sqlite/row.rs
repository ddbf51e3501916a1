//! From columns to core's types and back.

use miyabi_core::digest::Digest;
use miyabi_core::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as WordError, StrDeserializer};
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use super::fault::Fault;

/// A number as SQLite keeps it. Numbers above 2^63 do not occur; should one, it is kept as the largest that fits.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A row with the name of its table, for messages.
pub(crate) struct Columns<'r> {
    table: &'static str,
    row: &'r SqliteRow,
}

impl<'r> Columns<'r> {
    pub(crate) fn of(table: &'static str, row: &'r SqliteRow) -> Self {
        Self { table, row }
    }

    /// A column as it is stored.
    pub(crate) fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &'static str) -> Result<T, Fault> {
        self.row.try_get(column).map_err(|_| Fault::damaged(self.table, column))
    }

    pub(crate) fn number(&self, column: &'static str) -> Result<u64, Fault> {
        u64::try_from(self.get::<i64>(column)?).map_err(|_| Fault::damaged(self.table, column))
    }

    pub(crate) fn maybe_number(&self, column: &'static str) -> Result<Option<u64>, Fault> {
        let number = self.get::<Option<i64>>(column)?;
        let number = number.map(u64::try_from).transpose();
        number.map_err(|_| Fault::damaged(self.table, column))
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, Fault> {
        self.number(column).map(Timestamp::from_millis)
    }

    pub(crate) fn digest(&self, column: &'static str) -> Result<Digest, Fault> {
        let bytes = <[u8; 32]>::try_from(self.get::<&[u8]>(column)?);
        bytes.map(Digest::from_bytes).map_err(|_| Fault::damaged(self.table, column))
    }

    /// A text that is one of a type's words, or the text form of an id.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Fault> {
        parse_word(self.get(column)?).ok_or_else(|| Fault::damaged(self.table, column))
    }

    pub(crate) fn maybe_word<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, Fault> {
        match self.get::<Option<&str>>(column)? {
            Some(text) => parse_word(text).map(Some).ok_or_else(|| Fault::damaged(self.table, column)),
            None => Ok(None),
        }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Fault> {
        serde_json::from_str(self.get(column)?).map_err(|_| Fault::damaged(self.table, column))
    }
}

fn parse_word<T: DeserializeOwned>(text: &str) -> Option<T> {
    let text: StrDeserializer<'_, WordError> = text.into_deserializer();
    T::deserialize(text).ok()
}

/// The JSON text of a list of texts.
pub(crate) fn json_list(items: &[String]) -> String {
    serde_json::Value::from(items).to_string()
}
