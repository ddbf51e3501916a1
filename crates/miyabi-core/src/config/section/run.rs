//! What a run may cost, when a person is asked, and how runs go.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::budget;
use crate::config::option::declare;
use crate::money::UsdMicros;
use crate::policy::{self, Mode, ToolRule};
use crate::port::model::Price;
use crate::run::spec::{Autonomy, Limits};

/// An amount of US dollars as people write it: `2`, `0.25` or `"0.25"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usd(pub UsdMicros);

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.decimal())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Usd;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in US dollars")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Usd, E> {
                text.parse().map(Usd).map_err(E::custom)
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Usd, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Usd, E> {
                self.visit_str(&number.to_string())
            }
            // The shortest decimal form of a float is what the person wrote, for the few digits amounts have.
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Usd, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

declare! {
    /// What one run may cost. Zero means "nothing at all", not "no cap". Next run.
    Budget at &["budget"] => {
        /// Money for one run, in US dollars. Default: 2.00.
        cost_usd: Usd = Usd(UsdMicros::from_usd(2));
        /// Tokens for one run, input and output together. Default: 4000000.
        tokens: u64 = 4_000_000;
        /// Model requests of one conversation. Default: 120.
        turns: u32 = 120;
        /// Seconds in which one run works; waiting for a person does not count. Default: 7200.
        wall_s: u64 = 7_200;
        /// US dollars per million input tokens of a model whose price nobody knows. Default: 15.00.
        unknown_input_usd: Usd = Usd(budget::PRICE_CEILING.input);
        /// US dollars per million output tokens of a model whose price nobody knows. Default: 75.00.
        unknown_output_usd: Usd = Usd(budget::PRICE_CEILING.output);
    }
}

impl Budget {
    /// The caps of a run.
    pub fn caps(&self) -> budget::Budget {
        budget::Budget {
            cost_usd_micros: self.cost_usd.0,
            tokens: self.tokens,
            turns: self.turns,
            wall_ms: self.wall_s.saturating_mul(1_000),
        }
    }

    /// The price that is assumed when nobody knows a model's.
    pub fn price_ceiling(&self) -> Price {
        Price {
            input: self.unknown_input_usd.0,
            cached_input: self.unknown_input_usd.0,
            output: self.unknown_output_usd.0,
        }
    }
}

declare! {
    /// When a person is asked. Next run.
    Policy at &["policy"] => {
        /// `manual`: a person approves plan, change and deployment. `auto`: the change, and what a rule names.
        /// `turbo`: only what may never go without a person. Default: `auto`.
        mode: Mode = Mode::Auto;
        /// Rules about tools, first match wins: `[{ tool = "shell", verdict = "ask" }]` with the verdicts `allow`,
        /// `ask` and `deny` and a glob over tool names. Default: none; all tools are allowed.
        tools: Vec<ToolRule> = Vec::new();
        /// Globs of files whose change needs a person's approval in every mode, beside the built-in ones. Default:
        /// none.
        protected_paths: Vec<String> = Vec::new();
    }
}

impl Policy {
    /// The policy of a run.
    pub fn rules(&self) -> policy::Policy {
        policy::Policy {
            mode: self.mode,
            tools: self.tools.clone(),
            protected_paths: self.protected_paths.clone(),
        }
    }
}

/// What writes a change, if the caller names nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineChoice {
    /// A model with tools.
    #[default]
    Loop,
    /// The patch that the text carries.
    Patch,
    /// A recipe of the operator.
    Recipe,
}

declare! {
    /// How runs go. Next run, but for `concurrent_runs`.
    Run at &["run"] => {
        /// The last stage that a run enters by itself: `plan`, `pr` (the merged pull request) or `deploy`. Default:
        /// `pr`.
        autonomy: Autonomy = Autonomy::Pr;
        /// Tasks of one run that work at the same time. Default: 4.
        parallel: u32 = Limits::default().parallel;
        /// Runs that work at the same time; more wait for their turn. Default: 2.
        concurrent_runs: u32 = 2;
        /// Below this confidence the Issue agent asks instead of acting, in percent. Default: 60.
        confidence_percent: u8 = Limits::default().confidence_percent;
        /// How often an agent's unusable answer is sent back before the run ends. Default: 3.
        corrections: u32 = Limits::default().corrections;
        /// How often CodeGen may say that it is done and be refused by the gates. Default: 4.
        finishes: u32 = Limits::default().finishes;
        /// How often a change goes back from review to CodeGen. Default: 3.
        fixes: u32 = Limits::default().fixes;
        /// How often a step that may succeed later is tried. Default: 4.
        attempts: u32 = Limits::default().attempts;
        /// How often a merge is tried on a branch that keeps moving. Default: 8.
        merge_rounds: u32 = Limits::default().merge_rounds;
        /// The largest change that passes the gate, in changed lines. A repository can only lower it. Default: 2000.
        max_changed_lines: u32 = 2_000;
        /// Bring a merged change to your own checkout, if that is clean. Default: false.
        apply: bool = false;
    }
}

impl Run {
    /// The numbers that shape the agents' work.
    pub fn limits(&self) -> Limits {
        Limits {
            confidence_percent: self.confidence_percent,
            corrections: self.corrections,
            finishes: self.finishes,
            fixes: self.fixes,
            attempts: self.attempts,
            parallel: self.parallel,
            merge_rounds: self.merge_rounds,
        }
    }
}

declare! {
    /// A recipe: the operator's own commands that make a change without a model.
    Recipe at &["recipes", "*"] => {
        /// The commands, run in order in the sandbox; the first that fails ends the run. Default: none, so a recipe
        /// must name some.
        commands: Vec<Vec<String>> = Vec::new();
    }
}
