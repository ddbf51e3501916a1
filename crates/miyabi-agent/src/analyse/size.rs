//! The size of a change: what nobody can review is not merged.

use miyabi_core::gate::{Gate, GateResult, Verdict};
use miyabi_core::port::repositories::Change;

use super::place::is_generated;

pub(super) fn gate(change: &Change, max_changed_lines: u32) -> GateResult {
    let counted = change.files.iter().filter(|file| !is_generated(&file.path));
    let lines = counted.fold(0u32, |sum, file| sum.saturating_add(file.added).saturating_add(file.removed));
    let files = change.files.len();
    let (verdict, detail) = if lines > max_changed_lines {
        (Verdict::Fail, format!("{lines} changed lines; at most {max_changed_lines} may go into one change"))
    } else {
        (Verdict::Pass, format!("{lines} changed lines in {files} files"))
    };
    GateResult { gate: Gate::ChangeSize, verdict, detail, evidence: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{change_of, file};
    use super::*;

    #[test]
    fn generated_lines_are_not_counted() {
        let files = vec![file("src/a.rs", 1500, 500), file("Cargo.lock", 9000, 9000)];
        let change = change_of(files);
        assert_eq!(gate(&change, 2000).verdict, Verdict::Pass);
        let result = gate(&change, 1999);
        assert_eq!(
            (result.verdict, result.detail.as_str()),
            (Verdict::Fail, "2000 changed lines; at most 1999 may go into one change")
        );
        let huge = change_of(vec![file("a", u32::MAX, u32::MAX), file("b", 1, 1)]);
        assert_eq!(gate(&huge, 2000).verdict, Verdict::Fail);
    }
}
