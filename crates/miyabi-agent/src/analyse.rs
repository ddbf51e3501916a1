//! Analysers: what code alone can say about a change, without running anything and without a model.
//!
//! They read the diff. What they are sure of fails a gate; what only a person can judge leaves the gate open; the rest
//! goes to the reviewers as findings. Nothing here reads files or asks a port.

mod diff;
mod invisible;
mod pattern;
mod place;
mod protected;
mod secrets;
mod signal;
mod size;
mod tampering;
mod touch_set;

use miyabi_core::finding::Finding;
use miyabi_core::gate::GateResult;
use miyabi_core::port::repositories::Change;

pub use place::is_test_path;
pub use protected::protected_paths;

/// A change, and what it is measured against.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The change.
    pub change: &'a Change,
    /// Globs of the files that the task may touch.
    pub touches: &'a [String],
    /// The largest change that passes, in changed lines; generated files don't count.
    pub max_changed_lines: u32,
}

/// The gates that need nothing but the diff, in a fixed order.
pub fn gates(input: &Input<'_>) -> Vec<GateResult> {
    let files = diff::parse(&input.change.patch);
    vec![
        secrets::gate(input.change, &files),
        size::gate(input.change, input.max_changed_lines),
        tampering::gate(input.change, &files),
        touch_set::gate(input.change, input.touches),
    ]
}

/// What reviewers should know before they read the diff, worst first.
pub fn findings(change: &Change) -> Vec<Finding> {
    let files = diff::parse(&change.patch);
    let mut signals = secrets::signals(&files);
    signals.extend(tampering::signals(change, &files));
    signals.extend(invisible::signals(&files));
    signals.sort_by_key(|signal| std::cmp::Reverse(signal.severity()));
    signals.into_iter().map(signal::Signal::into_finding).collect()
}

#[cfg(test)]
mod tests;
