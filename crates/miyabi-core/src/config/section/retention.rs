//! What is kept and for how long, and the program's own log.

use serde::{Deserialize, Serialize};

use crate::config::option::declare;

declare! {
    /// What is kept and for how long. Nothing of a run that has not ended is ever removed, and no checkout whose
    /// change is neither merged nor discarded on purpose.
    Retention at &["retention"] => {
        /// Days for which the record of an ended run is kept. Default: 90.
        ended_runs_days: u32 = 90;
        /// Days for which the checkouts of an ended run are kept. Default: 7.
        checkouts_days: u32 = 7;
        /// Days for which contents that nothing refers to any more are kept. Default: 1.
        artifacts_days: u32 = 1;
        /// Old releases that are kept per project, beside the current one and the one before it. Default: 5.
        keep_releases: u32 = 5;
    }
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// What a person should look at.
    Error,
    /// Degraded, but coping.
    Warn,
    /// Changes of state.
    Info,
    /// Why something was done.
    Debug,
    /// Everything.
    Trace,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

declare! {
    /// The program's own log, for operators. What a run did stands in its journal.
    Log at &["log"] => {
        /// `error`, `warn`, `info`, `debug` or `trace`. Default: `info`.
        level: LogLevel = LogLevel::Info;
        /// `text` or `json`. Default: `text`.
        format: LogFormat = LogFormat::Text;
    }
}
