//! Hard budgets: what a run may cost in money, tokens, turns and time.
//!
//! A model call is admitted only while everything spent and reserved is below the cap, its worst case is reserved in
//! the same event that says it begins, and its real cost is settled in the event that says it ended. So a cap can be
//! passed by at most one call, the one that was in flight.

use serde::{Deserialize, Serialize};

use crate::money::UsdMicros;
use crate::port::model::{Price, Usage};

/// Caps of a run. Zero means "nothing at all", not "no cap".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Money, in millionths of a US dollar.
    pub cost_usd_micros: UsdMicros,
    /// Tokens, input and output together.
    pub tokens: u64,
    /// Model requests of one session.
    pub turns: u32,
    /// Time in which the run works, in milliseconds. Waiting for a person does not count.
    pub wall_ms: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            cost_usd_micros: UsdMicros::from_usd(2),
            tokens: 4_000_000,
            turns: 120,
            wall_ms: 2 * 60 * 60 * 1000,
        }
    }
}

/// The price that is assumed when nobody knows a model's price.
pub const PRICE_CEILING: Price = Price {
    input: UsdMicros::from_usd(15),
    cached_input: UsdMicros::from_usd(15),
    output: UsdMicros::from_usd(75),
};

/// Tokens of a text, by the rule used everywhere here: characters / 4, rounded up.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

/// What a model call may cost at worst; reserved when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reserve {
    /// Money.
    pub cost_usd_micros: UsdMicros,
    /// Tokens.
    pub tokens: u64,
}

impl Reserve {
    /// The worst case of a call: the whole input uncached and the longest answer.
    pub fn worst_case(input_tokens: u64, max_output_tokens: u32, price: Price) -> Self {
        let output_tokens = u64::from(max_output_tokens);
        let usage = Usage { input_tokens, output_tokens, ..Usage::default() };
        Self { cost_usd_micros: price.cost(&usage), tokens: input_tokens + output_tokens }
    }
}

/// What a run has used and what its calls in flight may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Settled money.
    pub spent: UsdMicros,
    /// Settled tokens.
    pub tokens: u64,
    /// Reserved by calls in flight.
    pub reserved: Reserve,
    /// Calls in flight.
    pub in_flight: u32,
}

/// Which cap is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// Money.
    Cost,
    /// Tokens.
    Tokens,
}

/// Whether a call may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Admitted,
    /// Not while the others are in flight; ask again when one has settled.
    Deferred,
    /// Never: a cap is used up.
    Exhausted(Cap),
}

impl Ledger {
    /// Whether a call with this worst case may begin now.
    pub fn admit(&self, budget: &Budget, reserve: &Reserve) -> Admission {
        if self.spent >= budget.cost_usd_micros && reserve.cost_usd_micros > UsdMicros::ZERO {
            return Admission::Exhausted(Cap::Cost);
        }
        if self.tokens >= budget.tokens {
            return Admission::Exhausted(Cap::Tokens);
        }
        let cost = self.spent + self.reserved.cost_usd_micros + reserve.cost_usd_micros;
        let tokens = self.tokens.saturating_add(self.reserved.tokens).saturating_add(reserve.tokens);
        let fits = cost <= budget.cost_usd_micros && tokens <= budget.tokens;
        // A single call may pass the cap: its real cost is mostly far below its worst case, and refusing it would
        // leave the last part of every budget unusable.
        if fits || self.in_flight == 0 { Admission::Admitted } else { Admission::Deferred }
    }

    /// A call begins.
    pub fn reserve(&mut self, reserve: &Reserve) {
        self.reserved.cost_usd_micros += reserve.cost_usd_micros;
        self.reserved.tokens = self.reserved.tokens.saturating_add(reserve.tokens);
        self.in_flight += 1;
    }

    /// A call ended; `actual` is what it cost.
    pub fn settle(&mut self, reserve: &Reserve, actual: &Reserve) {
        self.reserved.cost_usd_micros = self.reserved.cost_usd_micros.saturating_sub(reserve.cost_usd_micros);
        self.reserved.tokens = self.reserved.tokens.saturating_sub(reserve.tokens);
        self.in_flight = self.in_flight.saturating_sub(1);
        self.spent += actual.cost_usd_micros;
        self.tokens = self.tokens.saturating_add(actual.tokens);
    }

    /// The largest used share of any cap, in percent.
    pub fn used_percent(&self, budget: &Budget) -> u64 {
        let share = |used: u64, cap: u64| used.saturating_mul(100).checked_div(cap).unwrap_or(100);
        let money = match (self.spent.0, budget.cost_usd_micros.0) {
            // A run without priced calls, such as a scripted one, uses nothing of a cap of zero.
            (0, 0) => 0,
            (spent, cap) => share(spent, cap),
        };
        money.max(share(self.tokens, budget.tokens))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn budget(cost: u64, tokens: u64) -> Budget {
        Budget { cost_usd_micros: UsdMicros(cost), tokens, ..Budget::default() }
    }

    fn reserve(cost: u64, tokens: u64) -> Reserve {
        Reserve { cost_usd_micros: UsdMicros(cost), tokens }
    }

    #[test]
    fn a_run_without_money_may_use_models_without_price() {
        let ledger = Ledger::default();
        assert_eq!(ledger.admit(&budget(0, 100), &reserve(0, 10)), Admission::Admitted);
        assert_eq!(ledger.admit(&budget(0, 100), &reserve(1, 10)), Admission::Exhausted(Cap::Cost));
    }

    proptest! {
        /// Whatever calls begin and end in whatever order: spending passes the cap by less than one call.
        #[test]
        fn cap_is_passed_by_one_call_at_most(
            cap in 1u64..1_000,
            calls in prop::collection::vec((1u64..200, 0u64..=100, any::<bool>()), 1..200),
        ) {
            let budget = budget(cap, u64::MAX);
            let (mut ledger, mut open, mut largest) = (Ledger::default(), Vec::new(), 0);
            for (worst, percent, finish_first) in calls {
                if finish_first && let Some((worst, actual)) = open.pop() {
                    ledger.settle(&worst, &actual);
                }
                let worst_case = reserve(worst, 1);
                if ledger.admit(&budget, &worst_case) == Admission::Admitted {
                    ledger.reserve(&worst_case);
                    largest = largest.max(worst);
                    open.push((worst_case, reserve(worst * percent / 100, 1)));
                }
            }
            for (worst, actual) in open.drain(..) {
                ledger.settle(&worst, &actual);
            }
            prop_assert!(ledger.spent.0 < cap + largest);
            prop_assert_eq!(ledger.in_flight, 0);
            prop_assert_eq!(ledger.reserved, Reserve::default());
        }
    }
}
