//! Reading how many tests passed from the closing lines of `cargo nextest` and `cargo test`.

/// Tests by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Ended as they should.
    pub(crate) passed: u32,
    /// Did not, hung, or could not be started.
    pub(crate) failed: u32,
    /// Not run because they are marked so.
    pub(crate) skipped: u32,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Counts {
    /// The form that tools recognise: `12 passed, 0 failed`, with `, 1 skipped` only where it is so.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Whether a line is a runner's closing line.
pub(crate) fn is_closing(line: &str) -> bool {
    closing(&plain(line)).is_some()
}

/// The sum of all closing lines; `None` when there is none, which means that no runner came to its end.
pub(crate) fn total(lines: &[String]) -> Option<Counts> {
    let mut sum = None;
    for counts in lines.iter().filter_map(|line| closing(&plain(line)).map(read)) {
        *sum.get_or_insert_with(Counts::default) += counts;
    }
    sum
}

/// The part with the numbers: after `tests run:` (nextest) or `test result: ok.` (libtest).
fn closing(line: &str) -> Option<&str> {
    // Only at the start of a line: nextest shows a failed test's own output, indented, with such a line in it.
    if let Some(rest) = line.strip_prefix("test result: ") {
        return rest.split_once(". ").map(|(_, numbers)| numbers);
    }
    let rest = line.trim_start().strip_prefix("Summary [")?;
    ["tests run: ", "test run: "]
        .into_iter()
        .find_map(|mark| rest.split_once(mark))
        .map(|(_, numbers)| numbers)
}

/// Reads `3 passed (1 slow), 1 failed, 2 timed out, 0 skipped` and the form with semicolons.
fn read(numbers: &str) -> Counts {
    let mut counts = Counts::default();
    for part in numbers.split([',', ';']) {
        let part = part.split('(').next().unwrap_or_default().trim();
        let Some((number, word)) = part.split_once(' ') else {
            continue;
        };
        let Ok(number) = number.parse::<u32>() else {
            continue;
        };
        match word {
            "passed" => counts.passed += number,
            "failed" | "timed out" | "exec failed" => counts.failed += number,
            "skipped" | "ignored" => counts.skipped += number,
            _ => {}
        }
    }
    counts
}

/// The line without colour codes.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        text.push_str(before);
        rest = after.split_once(|end: char| end.is_ascii_alphabetic()).map_or("", |(_, rest)| rest);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, passed: u32, failed: u32, skipped: u32) {
        assert!(is_closing(line), "not recognised: {line}");
        let expected = Counts { passed, failed, skipped };
        assert_eq!(total(&[line.to_owned()]), Some(expected), "{line}");
    }

    #[test]
    fn closing_lines_of_both_runners_are_read() {
        check("     Summary [   0.012s] 3 tests run: 3 passed, 0 skipped", 3, 0, 0);
        check("     Summary [   1.2s] 1 test run: 1 passed, 4 skipped", 1, 0, 4);
        check("Summary [ 9s] 5/9 tests run: 2 passed (1 slow), 1 failed, 2 timed out, 4 skipped", 2, 3, 4);
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m7\u{1b}[0m tests run: \u{1b}[1m7\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 skipped",
            7,
            0,
            0,
        );
        check(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 5 filtered out; finished in 0.00s",
            12,
            0,
            1,
        );
        check("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", 1, 2, 0);
    }

    #[test]
    fn other_lines_are_not_counted() {
        let shown = "    test result: FAILED. 0 passed; 1 failed; 0 ignored";
        for line in ["running 3 tests", "test summary ... ok", "Summary of the matter", "", shown] {
            assert!(!is_closing(line), "{line}");
        }
        assert_eq!(total(&[]), None);
    }

    #[test]
    fn several_runners_add_up() {
        let lines = [
            "test result: ok. 2 passed; 0 failed; 0 ignored".to_owned(),
            "test result: ok. 3 passed; 0 failed; 1 ignored".to_owned(),
        ];
        assert_eq!(total(&lines).unwrap().to_string(), "5 passed, 0 failed, 1 skipped");
    }
}
