//! What a run used and may use.

use miyabi_core::port::model::ModelName;
use miyabi_core::run::RunState;
use miyabi_core::usecase::run;
use serde::{Deserialize, Serialize};

use super::Money;

/// The caps of a run, and how much of them is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Money it may cost.
    pub cost_cap: Money,
    /// Money it cost.
    pub cost: Money,
    /// Money that calls under way may cost at worst.
    pub cost_reserved: Money,
    /// Tokens it may use.
    pub tokens_cap: u64,
    /// Tokens it used.
    pub tokens: u64,
    /// Model requests that one conversation may make.
    pub turns_cap: u32,
    /// Time in which it may work, in milliseconds.
    pub wall_ms_cap: u64,
    /// The largest used share of money and tokens, in percent.
    pub used_percent: u64,
}

impl From<&RunState> for Budget {
    fn from(state: &RunState) -> Self {
        let (caps, ledger) = (&state.spec.budget, &state.ledger);
        Self {
            cost_cap: caps.cost_usd_micros.into(),
            cost: ledger.spent.into(),
            cost_reserved: ledger.reserved.cost_usd_micros.into(),
            tokens_cap: caps.tokens,
            tokens: ledger.tokens,
            turns_cap: caps.turns,
            wall_ms_cap: caps.wall_ms,
            used_percent: ledger.used_percent(caps),
        }
    }
}

/// What a model used in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCost {
    /// The model.
    pub model: ModelName,
    /// Its answers.
    pub answers: u32,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Those that the provider's cache served.
    pub cached_input_tokens: u64,
    /// Output tokens, reasoning included.
    pub output_tokens: u64,
    /// Those spent on reasoning.
    pub reasoning_tokens: u64,
    /// Whether some of the counts are estimates.
    pub is_estimated: bool,
    /// What that cost.
    pub cost: Money,
}

impl From<run::ModelCost> for ModelCost {
    fn from(cost: run::ModelCost) -> Self {
        Self {
            model: cost.model,
            answers: cost.answers,
            input_tokens: cost.usage.input_tokens,
            cached_input_tokens: cost.usage.cached_input_tokens,
            output_tokens: cost.usage.output_tokens,
            reasoning_tokens: cost.usage.reasoning_tokens,
            is_estimated: cost.usage.estimated,
            cost: cost.cost_usd_micros.into(),
        }
    }
}
