//! Values that look random, and those that only pretend.

use std::sync::LazyLock;

use regex::Regex;

use super::forms::{Found, Kind};
use crate::analyse::pattern::pattern;

/// Shannon's entropy from which on a value counts as random, in bits per character. English words joined by dashes
/// stay below; 20 random letters and digits are above.
const RANDOM_BITS: f64 = 3.7;
/// Random hex digits have at most 4 bits.
const RANDOM_HEX_BITS: f64 = 3.0;

static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:passw(?:or)?d|passwd|pwd|secret|token|api_?-?key|apikey|access_?-?key|private_?-?key|auth_?-?key|credential|client_?-?secret|encryption_?-?key|signing_?-?key)[a-z0-9_.-]{0,20}["'\]]{0,2}\s*(?::=|=>|:|=|,)\s*(?:&?str\s*=\s*|string\s*=\s*)?["'`]([^\s"'`]{16,256})["'`]"#,
    )
});
/// Without quotes, as in `.env` files.
static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*(?:export\s+)?[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIAL)[A-Z0-9_]*\s*=\s*([A-Za-z0-9+/_=.~-]{16,256})\s*$",
    )
});
/// Words that a real secret does not contain and a made-up one often does.
static FAKE_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)example|sample|dummy|fake|placeholder|change[-_]?me|your[-_]|insert[-_]|replace|redacted|not[-_]?(?:a[-_])?(?:real|secret)|invalid|x{6,}|\*{4,}|0{8,}|deadbeef|cafebabe|foobar|lorem|secret[-_]?key$|^test[-_]|[-_]test$|mock|testing|\.\.\.|…|todo",
    )
});

/// A random value that is given to something named like a secret.
pub(super) fn find(line: &str) -> Option<Found<'_>> {
    let groups = ASSIGNED.captures(line).or_else(|| PLAIN.captures(line))?;
    let secret = groups.get(1)?.as_str();
    let is_secret = is_random(secret) && !is_fake(secret) && !is_reference(secret);
    is_secret.then_some(Found { what: "a secret", secret, kind: Kind::Own })
}

/// Whether a value is a test vector or an obvious placeholder.
pub(super) fn is_fake(value: &str) -> bool {
    let different = value.chars().collect::<std::collections::BTreeSet<_>>().len();
    FAKE_WORDS.is_match(value) || different < 6 || is_counted_up(value)
}

fn is_random(value: &str) -> bool {
    let is_hex = value.chars().all(|c| c.is_ascii_hexdigit());
    let has_digit = value.chars().any(|c| c.is_ascii_digit());
    let has_letter = value.chars().any(|c| c.is_ascii_alphabetic());
    let least = if is_hex { RANDOM_HEX_BITS } else { RANDOM_BITS };
    has_digit && has_letter && entropy(value) >= least
}

/// Names, paths, templates and calls: they say where the secret is, not what it is.
fn is_reference(value: &str) -> bool {
    let marks = [
        "${",
        "{{",
        "$(",
        "<",
        "process.env",
        "os.environ",
        "::",
        "://",
        "(",
        "%s",
        "{}",
        "/*",
        "sha256:",
        "sha256-",
        "sha512-",
    ];
    let is_word = |word: &str| word.len() < 16 && word.chars().all(|c| c.is_ascii_lowercase());
    marks.iter().any(|mark| value.contains(mark))
        || value.starts_with(['/', '.', '$', '@', '#', '%'])
        || value.split(['-', '_', '.', '/', ':']).filter(|word| is_word(word)).count() >= 3
}

/// `0123456789abcdef`, `abcdefgh…`: mostly steps of one.
fn is_counted_up(value: &str) -> bool {
    let bytes = value.as_bytes();
    let steps = bytes.windows(2).filter(|pair| pair[1] == pair[0].wrapping_add(1)).count();
    bytes.len() > 8 && steps * 3 >= bytes.len() * 2
}

/// Shannon's entropy of the characters, in bits per character.
#[expect(clippy::cast_precision_loss, reason = "values of at most 256 characters")]
fn entropy(value: &str) -> f64 {
    let mut counts = std::collections::BTreeMap::new();
    for c in value.chars() {
        *counts.entry(c).or_insert(0u32) += 1;
    }
    let total = value.chars().count() as f64;
    counts.values().map(|count| f64::from(*count) / total).map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_shannons() {
        for (value, bits) in
            [("", 0.0), ("aaaa", 0.0), ("abab", 1.0), ("abcd", 2.0), ("0123456789abcdef", 4.0)]
        {
            assert!((entropy(value) - bits).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn placeholders_are_known() {
        for value in [
            "AKIAIOSFODNN7EXAMPLE",
            "your-api-key-here-1",
            "xxxxxxxxxxxxxxxx1",
            "0123456789abcdef0123",
            "aaaabbbbaaaabbbb",
        ] {
            assert!(is_fake(value), "{value}");
        }
        assert!(!is_fake("q8Zt4LmW2xVb7Rk1"));
    }
}
