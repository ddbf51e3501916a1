//! The account of one task: each suite with its time budget, what became of it, and the closing line.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::counts::Counts;
use crate::say;

/// Keeps the account while suites run one after the other. A failed suite does not stop the next: a
/// person wants to see all that is wrong at once.
pub(crate) struct Ledger {
    patience: u32,
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    took: Duration,
    budget: Duration,
    verdict: Verdict,
    counts: Counts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Late,
    TooLate,
    Failed,
}

impl Ledger {
    /// An empty account; budgets are multiplied by `patience`.
    pub(crate) fn new(patience: u32) -> Self {
        Self { patience, rows: Vec::new() }
    }

    /// Runs a check that passes or fails as a whole, and counts as one.
    pub(crate) fn check(&mut self, name: &'static str, budget_s: u64, act: impl FnOnce() -> Result<()>) {
        self.suite(name, budget_s, || act().map(|()| Counts { passed: 1, ..Counts::default() }));
    }

    /// Runs a suite that counts its own tests. Past the budget it is warned about, past twice the
    /// budget it fails.
    pub(crate) fn suite(&mut self, name: &'static str, budget_s: u64, act: impl FnOnce() -> Result<Counts>) {
        let budget = Duration::from_secs(budget_s) * self.patience;
        say(&format!("\n== {name} (budget {} s)", budget.as_secs()));
        let start = Instant::now();
        let ended = act();
        let took = start.elapsed();
        let (verdict, counts) = judge(name, ended, took, budget);
        self.rows.push(Row { name, took, budget, verdict, counts });
    }

    /// Prints the account; failure when any suite failed.
    pub(crate) fn close(self) -> ExitCode {
        say("");
        let mut sum = Counts::default();
        for row in &self.rows {
            say(&row.to_string());
            sum += row.counts;
        }
        say("");
        crate::print_fact(&sum.to_string());
        if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// What a suite's end means, and how it counts. Every failed suite counts at least one failure.
fn judge(name: &str, ended: Result<Counts>, took: Duration, budget: Duration) -> (Verdict, Counts) {
    let mut counts = match ended {
        Ok(counts) => counts,
        Err(error) => {
            say(&format!("error: {name}: {error:#}"));
            return (Verdict::Failed, Counts { failed: 1, ..Counts::default() });
        }
    };
    let verdict = match () {
        () if counts.failed > 0 => Verdict::Failed,
        () if took > budget * 2 => Verdict::TooLate,
        () if took > budget => Verdict::Late,
        () => Verdict::Passed,
    };
    if verdict == Verdict::TooLate {
        counts.failed += 1;
    }
    (verdict, counts)
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mark, remark) = match self.verdict {
            Verdict::Passed => ("ok  ", ""),
            Verdict::Late => ("ok  ", "  warning: over its time budget"),
            Verdict::TooLate => {
                ("FAIL", "  over twice its time budget; MIYABI_PATIENCE=2 for a slow machine")
            }
            Verdict::Failed => ("FAIL", ""),
        };
        let (name, took, budget) = (self.name, self.took.as_secs_f64(), self.budget.as_secs());
        write!(f, "{mark} {name:<16}{took:>7.1} s of {budget:>4} s  {}{remark}", self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const THREE: Counts = Counts { passed: 3, failed: 0, skipped: 0 };

    #[test]
    fn time_is_warned_about_first_and_fails_at_twice_the_budget() {
        let verdict = |took| judge("t", Ok(THREE), took, SECOND * 10).0;
        assert!(verdict(SECOND * 10) == Verdict::Passed);
        assert!(verdict(SECOND * 11) == Verdict::Late);
        assert!(verdict(SECOND * 20) == Verdict::Late);
        assert!(verdict(SECOND * 21) == Verdict::TooLate);
    }

    #[test]
    fn what_fails_is_counted() {
        let late = judge("t", Ok(THREE), SECOND * 3, SECOND).1;
        assert_eq!(late, Counts { failed: 1, ..THREE });
        let broken = judge("t", Err(anyhow::anyhow!("no")), SECOND, SECOND).1;
        assert_eq!(broken, Counts { failed: 1, ..Counts::default() });
    }
}
