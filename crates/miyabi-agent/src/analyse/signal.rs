//! What an analyser saw, and what follows from it.

use miyabi_core::finding::{Finding, Severity};
use miyabi_core::gate::{Gate, GateResult, Verdict};

/// Signals named in a gate's one line.
const NAMED: usize = 3;

/// How sure an analyser is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Worth knowing.
    Note,
    /// Should be better; a reviewer judges it.
    Minor,
    /// Right or wrong: only a person can say. The gate stays open.
    Doubt,
    /// Wrong. The gate fails.
    Wrong,
}

/// Something an analyser saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signal {
    pub(super) source: &'static str,
    pub(super) weight: Weight,
    pub(super) path: String,
    /// The line of the new file, or where a removed line stood.
    pub(super) line: Option<u32>,
    pub(super) problem: String,
    pub(super) remedy: &'static str,
}

impl Signal {
    pub(super) fn severity(&self) -> Severity {
        match self.weight {
            Weight::Note => Severity::Note,
            // A doubt goes to a person by way of its gate; it should not turn the review away as well.
            Weight::Minor | Weight::Doubt => Severity::Minor,
            Weight::Wrong => Severity::Critical,
        }
    }

    pub(super) fn into_finding(self) -> Finding {
        Finding {
            severity: self.severity(),
            source: self.source.to_owned(),
            path: Some(self.path),
            line: self.line,
            problem: self.problem,
            remedy: self.remedy.to_owned(),
        }
    }

    fn in_one_line(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line} {}", self.path, self.problem),
            None => format!("{} {}", self.path, self.problem),
        }
    }
}

/// The gate's result for what was seen. A diff that was cut can fail, but never pass.
pub(super) fn gate(gate: Gate, signals: &[Signal], is_truncated: bool, passed: &str) -> GateResult {
    let worst = signals.iter().map(|signal| signal.weight).max();
    let (verdict, detail) = match worst {
        Some(worst @ (Weight::Wrong | Weight::Doubt)) => {
            let verdict = if worst == Weight::Wrong { Verdict::Fail } else { Verdict::Unknown };
            let named: Vec<_> = signals.iter().filter(|signal| signal.weight == worst).collect();
            let mut detail =
                named.iter().take(NAMED).map(|signal| signal.in_one_line()).collect::<Vec<_>>().join("; ");
            if named.len() > NAMED {
                detail.push_str(&format!("; and {} more", named.len() - NAMED));
            }
            (verdict, detail)
        }
        _ if is_truncated => (Verdict::Unknown, "the diff is too long to be looked at in full".into()),
        _ => (Verdict::Pass, passed.to_owned()),
    };
    GateResult { gate, verdict, detail, evidence: Vec::new() }
}
