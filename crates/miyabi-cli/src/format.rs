//! How times, durations, sizes and ids are shown to people.

use miyabi_core::time::Timestamp;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

const MINUTE_MS: u64 = 60 * 1000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// `0.4 s`, `12 s`, `14m 02s`, `2h 05m`.
pub(crate) fn duration(millis: u64) -> String {
    match millis {
        0..10_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        10_000..MINUTE_MS => format!("{} s", millis / 1000),
        MINUTE_MS..HOUR_MS => format!("{}m {:02}s", millis / MINUTE_MS, millis % MINUTE_MS / 1000),
        _ => format!("{}h {:02}m", millis / HOUR_MS, millis % HOUR_MS / MINUTE_MS),
    }
}

/// `just now`, `14m ago`, `3h ago`, and RFC 3339 from a day on.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.millis_since(at) {
        0..MINUTE_MS => "just now".to_owned(),
        age @ MINUTE_MS..HOUR_MS => format!("{}m ago", age / MINUTE_MS),
        age @ HOUR_MS..DAY_MS => format!("{}h ago", age / HOUR_MS),
        _ => rfc3339(at),
    }
}

/// RFC 3339 in UTC with whole seconds.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| "-".to_owned(), |at| format!("{at:.0}"))
}

/// `512 B`, `1.5 KiB`, `3.0 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut tenths = count.saturating_mul(10) / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `90s`, `10m`, `2h`, `3d`, in milliseconds; `None` if it is not of that form.
pub(crate) fn parse_duration(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// A text in lines of at most so many columns, broken at blanks, and inside of words that are longer than a line (as
/// Japanese sentences are). All lines after the first begin with `indent` blanks; the first has `used` columns before
/// it already.
pub(crate) fn wrap(text: &str, width: usize, used: usize, indent: usize) -> String {
    let mut lines = String::new();
    let mut column = used;
    let mut is_line_start = true;
    let begin_line = |lines: &mut String, column: &mut usize| {
        lines.push('\n');
        lines.push_str(&" ".repeat(indent));
        *column = indent;
    };
    for word in text.split_whitespace() {
        let gap = usize::from(!is_line_start);
        let fits_on_a_line = indent + word.width() <= width;
        let is_broken = !fits_on_a_line || (is_line_start && column + word.width() > width);
        if column + gap + word.width() > width && !is_line_start && fits_on_a_line {
            begin_line(&mut lines, &mut column);
        } else if gap == 1 {
            lines.push(' ');
            column += 1;
        }
        for c in word.chars() {
            if is_broken && column + c.width().unwrap_or(0) > width && column > indent {
                begin_line(&mut lines, &mut column);
            }
            lines.push(c);
            column += c.width().unwrap_or(0);
        }
        is_line_start = false;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well_at_every_size() {
        for (millis, shown) in
            [(0, "0.0 s"), (440, "0.4 s"), (12_300, "12 s"), (842_000, "14m 02s"), (7_500_000, "2h 05m")]
        {
            assert_eq!(duration(millis), shown);
        }
    }

    #[test]
    fn sizes_use_binary_units() {
        for (count, shown) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 20, "3.0 MiB"), (5 << 40, "5.0 TiB")]
        {
            assert_eq!(bytes(count), shown);
        }
    }

    #[test]
    fn durations_are_read_strictly() {
        for (text, millis) in
            [("90s", 90_000), ("10m", 600_000), ("2h", 7_200_000), ("3d", 259_200_000), ("5", 5_000)]
        {
            assert_eq!(parse_duration(text), Some(millis), "{text}");
        }
        for text in ["", "m", "1.5h", "-1s", "10 m", "10x", "99999999999999999999d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn old_times_are_exact_and_fresh_ones_short() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let before = |millis| Timestamp::from_millis(now.as_millis() - millis);
        assert_eq!(ago(before(5_000), now), "just now");
        assert_eq!(ago(before(14 * MINUTE_MS), now), "14m ago");
        assert_eq!(ago(before(30 * HOUR_MS), now), "2023-11-13T16:13:20Z");
    }

    #[test]
    fn texts_are_wrapped_at_blanks_and_long_words_anywhere() {
        assert_eq!(wrap("one two three four", 12, 4, 2), "one two\n  three four");
        assert_eq!(wrap("a `very-long-command-name` b", 12, 0, 0), "a `very-long\n-command-nam\ne` b");
        assert_eq!(wrap("日本語の文は空白がない", 12, 0, 2), "日本語の文は\n  空白がない");
        assert_eq!(wrap("fits", 80, 7, 7), "fits");
        assert_eq!(wrap("", 80, 7, 7), "");
    }
}
