//! What a command said, as a model is shown it: how it ended, the beginning and the end of its output.

use miyabi_core::port::checkouts::ExecOutcome;
use miyabi_core::sandbox::LimitHit;
use schemars::JsonSchema;
use serde::Serialize;

use crate::text;

/// The most that is shown of the beginning and of the end, in bytes. Escapes make output longer, so it is cut again.
const SHOWN_BYTES: usize = 6 * 1024;

/// How a command ended, as data.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Ended {
    /// `null` when a signal ended it.
    pub(super) exit_code: Option<i32>,
    pub(super) signal: Option<i32>,
    /// The ceiling that ended it: `timeout`, `cpu`, `memory`, `disk` or `file_size`.
    pub(super) limit: Option<&'static str>,
    pub(super) duration_ms: u64,
    pub(super) output_bytes: u64,
    /// Bytes of the output that are not in the text.
    pub(super) left_out_bytes: u64,
    /// The stored output.
    pub(super) artifacts: Vec<String>,
}

impl Ended {
    pub(super) fn of(outcome: &ExecOutcome) -> Self {
        Self {
            exit_code: outcome.exit_code,
            signal: outcome.signal,
            limit: outcome.limit.map(limit_word),
            duration_ms: outcome.duration_ms,
            output_bytes: outcome.total_bytes,
            left_out_bytes: left_out(outcome),
            artifacts: vec![outcome.log.to_string()],
        }
    }
}

/// Whether a command ended by itself, with exit code 0.
pub(super) fn succeeded(outcome: &ExecOutcome) -> bool {
    outcome.exit_code == Some(0) && outcome.limit.is_none()
}

/// How a command ended, in a few words.
pub(super) fn ending(outcome: &ExecOutcome) -> String {
    let how = match (outcome.limit, outcome.exit_code, outcome.signal) {
        (Some(limit), ..) => format!("ended by a limit: {}", limit_word(limit)),
        (None, Some(code), _) => format!("exit code {code}"),
        (None, None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None, None) => "ended without an exit code".into(),
    };
    format!("{how}, {}", seconds(outcome.duration_ms))
}

/// Beginning and end of the output, and where the middle is.
pub(super) fn shown(outcome: &ExecOutcome) -> String {
    let head = text::cut(&text::program_output(&outcome.head), SHOWN_BYTES);
    let tail = text::cut(&text::program_output(&outcome.tail), SHOWN_BYTES);
    match left_out(outcome) {
        0 => {
            // The two parts may meet inside of a character.
            let whole = [outcome.head.as_slice(), outcome.tail.as_slice()].concat();
            text::cut(&text::program_output(&whole), 2 * SHOWN_BYTES)
        }
        bytes => format!("{head}\n[{bytes} bytes left out; page with recall {}]\n{tail}", outcome.log),
    }
}

/// The end of the output alone, and where the rest is.
pub(super) fn tail(outcome: &ExecOutcome) -> String {
    let mut end = text::program_output(&outcome.tail);
    if left_out(outcome) == 0 {
        end = shown(outcome);
    }
    if outcome.total_bytes > end.len() as u64 {
        end = format!("[the end; the whole: recall {}]\n{end}", outcome.log);
    }
    end
}

fn left_out(outcome: &ExecOutcome) -> u64 {
    let shown = (outcome.head.len() + outcome.tail.len()) as u64;
    outcome.total_bytes.saturating_sub(shown)
}

fn limit_word(limit: LimitHit) -> &'static str {
    match limit {
        LimitHit::Timeout => "timeout",
        LimitHit::Cpu => "cpu",
        LimitHit::Memory => "memory",
        LimitHit::Disk => "disk",
        LimitHit::FileSize => "file_size",
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}
