//! Money as whole millionths of a US dollar, so that sums are exact.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An amount in millionths of a US dollar. The API writes it as a decimal string plus the currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UsdMicros(pub u64);

/// Why a text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount in US dollars such as `2` or `0.25`")]
pub struct ParseMoneyError(pub String);

impl UsdMicros {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Whole dollars.
    pub const fn from_usd(dollars: u64) -> Self {
        Self(dollars.saturating_mul(1_000_000))
    }

    /// What `count` units cost at a price per million units, rounded up: a cap must not be passed by rounding.
    pub fn for_units(count: u64, price_per_million: Self) -> Self {
        let exact = u128::from(count) * u128::from(price_per_million.0);
        Self(u64::try_from(exact.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }

    /// The difference, or zero if `other` is more.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The decimal form without the currency: `0.31`, `12.00`, `0.000125`. At least two decimals.
    pub fn decimal(self) -> String {
        let (whole, part) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let mut decimals = format!("{part:06}");
        while decimals.len() > 2 && decimals.ends_with('0') {
            decimals.pop();
        }
        format!("{whole}.{decimals}")
    }
}

impl Add for UsdMicros {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for UsdMicros {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for UsdMicros {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for UsdMicros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // People read cents; below a cent two significant places say more than `$0.00`.
        let cents = self.0.div_ceil(10_000);
        if self.0 > 0 && self.0 < 10_000 {
            write!(f, "${}", self.decimal())
        } else {
            write!(f, "${}.{:02}", cents / 100, cents % 100)
        }
    }
}

impl FromStr for UsdMicros {
    type Err = ParseMoneyError;
    fn from_str(text: &str) -> Result<Self, ParseMoneyError> {
        let fail = || ParseMoneyError(text.chars().take(32).collect());
        let digits = text.strip_prefix('$').unwrap_or(text);
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > 6 || !plain(whole) || !plain(part) {
            return Err(fail());
        }
        let whole: u64 = whole.parse().map_err(|_| fail())?;
        let part: u64 = format!("{part:0<6}").parse().map_err(|_| fail())?;
        let micros = whole.checked_mul(1_000_000).and_then(|micros| micros.checked_add(part));
        micros.map(Self).ok_or_else(fail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, micros) in [("2", 2_000_000), ("0.25", 250_000), ("$1.000001", 1_000_001), ("0.", 0)] {
            assert_eq!(text.parse(), Ok(UsdMicros(micros)), "{text}");
        }
        for text in ["", "-1", "1.0000001", "1e3", "$", ".5", "99999999999999999999"] {
            assert!(text.parse::<UsdMicros>().is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_shown_in_cents_and_never_as_nothing() {
        assert_eq!(UsdMicros(310_000).to_string(), "$0.31");
        assert_eq!(UsdMicros(125).to_string(), "$0.000125");
        assert_eq!(UsdMicros::ZERO.to_string(), "$0.00");
        assert_eq!(UsdMicros(1_999_999).to_string(), "$2.00");
    }

    #[test]
    fn unit_prices_round_up() {
        assert_eq!(UsdMicros::for_units(1, UsdMicros::from_usd(3)), UsdMicros(3));
        assert_eq!(UsdMicros::for_units(1, UsdMicros(1)), UsdMicros(1));
        assert_eq!(UsdMicros::for_units(0, UsdMicros::from_usd(3)), UsdMicros::ZERO);
    }
}
