//! Regular expressions, compiled once. The engine is linear in the length of the text, whatever the pattern.

use regex::Regex;

/// Makes a pattern that stands in the source.
#[expect(clippy::expect_used, reason = "constant patterns: the analysers' tests use each of them")]
pub(super) fn pattern(text: &'static str) -> Regex {
    Regex::new(text).expect("patterns in the source are well-formed")
}

/// Declares patterns that are compiled when they are first needed.
macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* static $name: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| $crate::analyse::pattern::pattern($text));)*

        #[cfg(test)]
        #[test]
        fn patterns_are_well_formed() {
            $(assert!(!$name.as_str().is_empty());)*
        }
    };
}

pub(super) use patterns;
