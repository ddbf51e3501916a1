//! How languages declare tests and skip them.

use std::sync::LazyLock;

use regex::Regex;

use crate::analyse::pattern::{pattern, patterns};
use crate::analyse::place::extension;

patterns! {
    LEADING_ATTRIBUTES = r"^\s*(?:(?:@[\w.]+(?:\([^)]*\))?|#?!?\[[^\]]*\])\s*)+";
}

/// A language's marks. All patterns are applied to single lines.
pub(super) struct Language {
    /// A line that says something about the declaration below it.
    pub(super) attribute: Option<Regex>,
    /// If given, only declarations with such a mark above or before them are tests.
    pub(super) marks_test: Option<Regex>,
    /// A declaration; the first group that takes part is its name.
    pub(super) declares: Regex,
    /// A declaration that holds others.
    pub(super) groups: Option<Regex>,
    /// An attribute or a declaration that is not run, or expected to fail.
    pub(super) skips: Regex,
    /// A statement within a test that ends it early.
    pub(super) skips_inside: Regex,
    /// Whether tests stand in any file, not only in those named as tests.
    pub(super) is_anywhere: bool,
    /// Whether its tests are recognized with some certainty.
    pub(super) is_known: bool,
}

macro_rules! language {
    ($name:ident { $($field:ident: $value:expr),* $(,)? }) => {
        static $name: LazyLock<Language> = LazyLock::new(|| Language { $($field: $value),* });
    };
}

language!(RUST {
    attribute: Some(pattern(r"^\s*#!?\[")),
    marks_test: Some(pattern(
        r"#\[\s*(?:\w+::)*(?:test|rstest|test_case|quickcheck|wasm_bindgen_test|test_log|googletest)\b"
    )),
    declares: pattern(r"\bfn\s+(\w+)"),
    groups: None,
    skips: pattern(
        r"#!?\[\s*(?:ignore\b|should_panic\b|cfg_attr\(.*\bignore\b|cfg\(\s*(?:any\(\s*\)|FALSE|false|not\(\s*test\s*\)|never)\s*\))"
    ),
    skips_inside: pattern(r"^\s*(?:todo|unimplemented)!\("),
    is_anywhere: true,
    is_known: true,
});

language!(PYTHON {
    attribute: Some(pattern(r"^\s*@")),
    marks_test: None,
    declares: pattern(r"^\s*(?:async\s+)?def\s+(test\w*)\s*\(|^\s*class\s+(Test\w*|\w+Tests?|\w+TestCase)\b"),
    groups: Some(pattern(r"^\s*class\b")),
    skips: pattern(
        r"@\s*(?:pytest\.mark\.|unittest\.|mark\.)?(?:skip|skipif|skipIf|skipUnless|xfail|expectedFailure)\b|^\s*pytestmark\s*=.*\b(?:skip|skipif|xfail)\b|^\s*__test__\s*=\s*False"
    ),
    skips_inside: pattern(
        r"\bpytest\.(?:skip|xfail|exit)\(|\.skipTest\(|\braise\s+(?:unittest\.)?SkipTest\b"
    ),
    is_anywhere: false,
    is_known: true,
});

language!(JAVASCRIPT {
    attribute: None,
    marks_test: None,
    declares: pattern(
        r#"^\s*(?:[xf]?(?:it|test|describe|context|suite|specify|scenario)|Deno\.test)\b[\w.]*(?:\.each\b.*\)\s*)?\s*\(\s*(?:"([^"]*)|'([^']*)|`([^`]*)|$)"#
    ),
    groups: Some(pattern(r"^\s*[xf]?(?:describe|context|suite)\b")),
    skips: pattern(
        r"^\s*(?:x(?:it|test|describe|context|specify)|f(?:it|describe|context)|(?:it|test|describe|context|suite|specify)(?:\.\w+)*\.(?:skip|only|todo|fails|failing|fixme|skipIf|runIf|skipFailing))\b"
    ),
    skips_inside: pattern(
        r#"^\s*(?:this|t|ctx|context)\.skip\(|^\s*(?:test|it)\.(?:skip|fixme)\(\s*[^'"`\s]|^\s*pending\("#
    ),
    is_anywhere: false,
    is_known: true,
});

language!(GO {
    attribute: None,
    marks_test: None,
    declares: pattern(
        r#"^func\s+(?:\([^)]*\)\s*)?((?:Test|Fuzz|Benchmark|Example)\w*)\s*\(|\bt\.Run\(\s*"([^"]*)"|\b(?:It|Describe|Context|Specify|When)\(\s*"([^"]*)""#
    ),
    groups: None,
    skips: pattern(
        r"^\s*(?:[XPF](?:It|Describe|Context|Specify|When)\(|//go:build\s+ignore\b|// \+build\s+ignore\b)"
    ),
    skips_inside: pattern(r"\b[tbf]\.Skip(?:Now|f)?\("),
    is_anywhere: false,
    is_known: true,
});

language!(JVM_AND_DOTNET {
    attribute: Some(pattern(r"^\s*(?:@\w|\[\w)")),
    marks_test: Some(pattern(
        r"@(?:\w+\.)*(?:Test|ParameterizedTest|RepeatedTest|TestFactory|Property)\b|\[(?:Fact|Theory|Test|TestMethod|TestCase)\b"
    )),
    declares: pattern(r"\b(\w+|`[^`]+`)\s*\("),
    groups: None,
    skips: pattern(
        r"@(?:\w+\.)*(?:Disabled|Ignore|DisabledIf\w*|DisabledOn\w*)\b|\[(?:Ignore|Explicit)\b|\bSkip\s*=|\benabled\s*=\s*false\b|@Test\(\s*expected\b"
    ),
    skips_inside: pattern(
        r"\bAssert\.(?:Ignore|Inconclusive)\(|\bassumeTrue\(\s*false\b|\bAssumptions?\.abort\(|\bthrow new SkipException\b"
    ),
    is_anywhere: true,
    is_known: true,
});

language!(RUBY {
    attribute: None,
    marks_test: None,
    declares: pattern(
        r#"^\s*[xf]?(?:it|specify|test|scenario|describe|context|feature)\b\s*\(?\s*(?:"([^"]*)|'([^']*))|^\s*def\s+(test_\w+)"#
    ),
    groups: Some(pattern(r"^\s*[xf]?(?:describe|context|feature)\b")),
    skips: pattern(
        r"^\s*(?:[xf](?:it|specify|describe|context|scenario|feature)|pending)\b|\b(?:skip|pending):\s"
    ),
    skips_inside: pattern(r"^\s*(?:skip|pending)\b"),
    is_anywhere: false,
    is_known: true,
});

language!(OTHER {
    attribute: Some(pattern(r"^\s*(?:@|\[|#\[|///?\s*@)")),
    marks_test: None,
    declares: pattern(
        r#"\b(?:TEST|TEST_F|TEST_P|TYPED_TEST|TEST_CASE|SCENARIO|BOOST_AUTO_TEST_CASE)\s*\(\s*([^){]*)|\bfunc(?:tion)?\s+(test\w*)\s*\(|^\s*@test\s+"([^"]*)"|^\s*test\s+"([^"]*)""#
    ),
    groups: None,
    skips: pattern(r"\bDISABLED_\w+|@(?:tag\s+:skip|Disabled|Ignore)\b|\.disabled\("),
    skips_inside: pattern(r"\bGTEST_SKIP\(|markTest(?:Skipped|Incomplete)\(|\bXCTSkip|^\s*skip\b|\bSKIP\("),
    is_anywhere: false,
    is_known: false,
});

impl Language {
    /// The language of a file, by its extension.
    pub(super) fn of(path: &str) -> &'static Self {
        match extension(path).as_deref() {
            Some("rs") => &RUST,
            Some("py") => &PYTHON,
            Some("js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" | "vue" | "svelte") => {
                &JAVASCRIPT
            }
            Some("go") => &GO,
            Some("java" | "kt" | "kts" | "scala" | "cs") => &JVM_AND_DOTNET,
            Some("rb") => &RUBY,
            _ => &OTHER,
        }
    }

    /// The name of a test or group that a line declares; empty if it stands on the next line.
    pub(super) fn declared<'a>(&self, line: &'a str) -> Option<&'a str> {
        // What stands within an attribute is no declaration: `[Ignore("later")]`.
        let line = match &self.attribute {
            Some(_) => &line[LEADING_ATTRIBUTES.find(line).map_or(0, |found| found.end())..],
            None => line,
        };
        let groups = self.declares.captures(line)?;
        let name = groups.iter().skip(1).flatten().next();
        Some(name.map_or("", |name| name.as_str().trim()))
    }
}

/// Whether a line is a comment, so that what it says does not run.
pub(super) fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    let starts = ["//", "/*", "* ", "*/", "<!--", "--", ";;", "\"\"\""];
    // `#[test]` and `#include` are no comments.
    let is_hash = line.starts_with("# ")
        || line == "#"
        || line.starts_with("##")
        || line.starts_with("#!") && !line.starts_with("#![");
    line == "*" || is_hash || starts.iter().any(|start| line.starts_with(start))
}
