//! The built-in table of well-known models: context sizes and list prices. The numbers are in `catalog.toml`, each
//! with its source; here is only how they are looked up.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use miyabi_core::money::UsdMicros;
use miyabi_core::port::model::{Info, Price};
use serde::Deserialize;

const SOURCE: &str = include_str!("catalog.toml");

/// What is assumed of a model that is configured by name only: small enough for common local servers, price unknown.
pub const CAUTIOUS: Info =
    Info { context_tokens: 32_768, max_output_tokens: 8_192, price: None, scripted: false };

/// A row of the file. Prices are US dollars per million tokens, as texts so that they are exact.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    context_tokens: u64,
    max_output_tokens: u32,
    input: Option<String>,
    cached_input: Option<String>,
    output: Option<String>,
}

type Table = BTreeMap<String, BTreeMap<String, Row>>;

// A file that can't be read would leave the table empty; a test reads every row.
static TABLE: LazyLock<Table> = LazyLock::new(|| toml::from_str(SOURCE).unwrap_or_default());

/// Whether the table has a part of this name.
pub(crate) fn has(catalog: &str) -> bool {
    TABLE.contains_key(catalog)
}

/// The models in a part of the table.
pub(crate) fn names(catalog: &str) -> Vec<String> {
    TABLE.get(catalog).map(|models| models.keys().cloned().collect()).unwrap_or_default()
}

/// What the table knows of a model. A dated name such as `claude-haiku-4-5-20251001` or `gpt-5-2025-08-07` is
/// looked up without its date when it isn't listed itself.
pub(crate) fn find(catalog: &str, model: &str) -> Option<Info> {
    let models = TABLE.get(catalog)?;
    models.get(model).or_else(|| models.get(undated(model)?)).map(Row::info)
}

impl Row {
    fn info(&self) -> Info {
        let amount = |text: &Option<String>| text.as_deref()?.parse::<UsdMicros>().ok();
        let price = match (amount(&self.input), amount(&self.cached_input), amount(&self.output)) {
            (Some(input), cached_input, Some(output)) => {
                Some(Price { input, cached_input: cached_input.unwrap_or(input), output })
            }
            _ => None,
        };
        Info {
            context_tokens: self.context_tokens,
            max_output_tokens: self.max_output_tokens,
            price,
            scripted: false,
        }
    }
}

/// A name without the date at its end; `None` when there is none.
fn undated(model: &str) -> Option<&str> {
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let (rest, last) = model.rsplit_once('-')?;
    if digits(last, 8) {
        return Some(rest);
    }
    let (rest, month) = rest.rsplit_once('-')?;
    let (rest, year) = rest.rsplit_once('-')?;
    (digits(last, 2) && digits(month, 2) && digits(year, 4)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_whole() {
        let table: Table = toml::from_str(SOURCE).expect("the file parses");
        for (catalog, models) in &table {
            for (name, row) in models {
                let amounts = [&row.input, &row.cached_input, &row.output];
                let given = amounts.iter().filter(|amount| amount.is_some()).count();
                assert!(given == 0 || given == 3, "{catalog}/{name}: all prices or none");
                for amount in amounts.into_iter().flatten() {
                    assert!(amount.parse::<UsdMicros>().is_ok(), "{catalog}/{name}: {amount}");
                }
                assert!(u64::from(row.max_output_tokens) <= row.context_tokens, "{catalog}/{name}");
                assert_eq!(undated(name), None, "{catalog}/{name}: dated names are found by their plain one");
            }
        }
    }

    #[test]
    fn dates_are_taken_off() {
        assert_eq!(undated("claude-haiku-4-5-20251001"), Some("claude-haiku-4-5"));
        assert_eq!(undated("gpt-5-2025-08-07"), Some("gpt-5"));
        assert_eq!(undated("gpt-5.4-mini"), None);
        assert_eq!(undated("claude-opus-4-5"), None);
    }
}
