//! Amounts of money.

use miyabi_core::money::UsdMicros;
use serde::{Deserialize, Serialize};

/// A currency by its ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Currency {
    /// US dollars.
    #[serde(rename = "USD")]
    Usd,
}

/// An amount: `{"amount": "0.31", "currency": "USD"}`. The amount is exact and has at least two decimals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// The decimal text.
    #[serde(with = "decimal")]
    pub amount: UsdMicros,
    /// Its currency.
    pub currency: Currency,
}

impl From<UsdMicros> for Money {
    fn from(amount: UsdMicros) -> Self {
        Self { amount, currency: Currency::Usd }
    }
}

mod decimal {
    use miyabi_core::money::UsdMicros;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(amount: &UsdMicros, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&amount.decimal())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UsdMicros, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
