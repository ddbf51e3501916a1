//! Configuration of test runners, linters and compilers: tests left out, rules switched off.

use std::collections::BTreeSet;

use super::language::is_comment;
use super::{seen, shown, squeezed};
use crate::analyse::diff::{FileDiff, Line};
use crate::analyse::pattern::patterns;
use crate::analyse::place::name;
use crate::analyse::signal::{Signal, Weight};

patterns! {
    TEST_FILES = r"(?i)^(?:(?:jest|vitest|vite|playwright|cypress|karma|ava|wdio)\.config\.\w+|\.mocharc.*|package\.json|pytest\.ini|setup\.cfg|tox\.ini|pyproject\.toml|conftest\.py|cargo\.toml|nextest\.toml|phpunit\.xml.*|\.rspec|build\.gradle(?:\.kts)?|pom\.xml|\.nycrc.*|\.coveragerc|codecov\.ya?ml|deno\.jsonc?|bunfig\.toml)$";
    LINT_FILES = r"(?i)^(?:\.?eslint\S*|\.?prettier\S*|biome\.jsonc?|\.?ruff\.toml|\.flake8|\.pylintrc|mypy\.ini|pyrightconfig\.json|\.?clippy\.toml|\.?rustfmt\.toml|deny\.toml|tsconfig.*\.json|\.golangci\.ya?ml|\.rubocop\.ya?ml|\.editorconfig|setup\.cfg|pyproject\.toml|cargo\.toml|tox\.ini|checkstyle\.xml|detekt\.yml|\.stylelintrc.*)$";
    /// Settings that leave tests out.
    LEAVES_OUT = r"(?i)\b(?:testPathIgnorePatterns|modulePathIgnorePatterns|watchPathIgnorePatterns|testIgnore|collect_ignore(?:_glob)?|norecursedirs|exclude-?tests?|skipTests|maven\.test\.skip)\b|--ignore(?:-glob)?[= ]|--deselect\b|-k\s*['\x22]?not\b|-m\s*['\x22]?not\b|--skip\s|\bpassWithNoTests\b|\bpass-with-no-tests\b|\bautotests\s*=\s*false|^\s*(?:test|doctest)\s*=\s*false|\bignoreFailures\s*=\s*true|\btestFailureIgnore|\bbail\b.*false.*ignore|^\s*default-filter\s*=.*not";
    /// Settings that choose tests; other values may be right.
    CHOOSES = r#"(?i)^\s*["']?(?:testMatch|testRegex|testpaths|python_files|python_functions|python_classes|spec|default-filter|harness|testEnvironment)["']?\s*[:=]|^\s*["']?exclude["']?\s*[:=].*(?:test|spec)|\bpytest_collection_modifyitems\b|\bpytest_runtest_makereport\b|\bpytest_ignore_collect\b"#;
    /// Folders that hold no tests of the project.
    HARMLESS = r"^(?:[<\s]*rootDir[>\s]*)?[/\\.^]*(?:node_modules|dist|build|out|\.?venv|target|vendor|\.git|\.tox|\.next|coverage|__pycache__|\*?\.egg\S*)[/\\]*$";
    QUOTED = r#"["']([^"']*)["']"#;
    /// A rule that is switched off, or a place that is left out.
    LOOSENS = r#"(?i)["']?:\s*\[?\s*["'](?:off|ignore|allow)["']|["']:\s*\[?\s*0\s*[,\]]|=\s*["']allow["']|level\s*=\s*["']allow["']|\b(?:extend-)?ignore\b\s*[:=]|\bper-file-ignores\b|\bdisable\s*[:=]|\bskip(?:_\w+)?\s*[:=]|\b(?:extend-)?exclude\b\s*[:=]|\bignorePatterns\b|\bignores\s*:|\bignore_errors\s*=\s*true|\bignore_missing_imports\s*=\s*true|"(?:strict|noImplicitAny|strictNullChecks|noUncheckedIndexedAccess|noImplicitReturns|noUnused\w+)"\s*:\s*false|"skipLibCheck"\s*:\s*true|\bdisable_all|\bcontinue-on-error"#;
    TIGHT = r#"["']?([\w:-]+)["']?\s*[:=]\s*\{?\s*(?:level\s*=\s*)?\[?\s*["']?(?:deny|forbid|error|warn|2)["']?"#;
    LOOSE = r#"["']?([\w:-]+)["']?\s*[:=]\s*\{?\s*(?:level\s*=\s*)?\[?\s*["']?(?:allow|off|0)["']?"#;
}

pub(super) fn signals(file: &FileDiff<'_>) -> Vec<Signal> {
    let name = name(&file.path);
    let (is_test, is_lint) = (TEST_FILES.is_match(name), LINT_FILES.is_match(name));
    let is_ignore_list = name.ends_with("ignore")
        && ["eslint", "prettier", "stylelint"].iter().any(|tool| name.contains(tool));
    if !is_test && !is_lint {
        return Vec::new();
    }
    let before: BTreeSet<String> = file.removed().map(|line| squeezed(line.text)).collect();
    let is_new = |line: &&Line<'_>| !is_comment(line.text) && !before.contains(&squeezed(line.text));
    let mut signals = Vec::new();
    for line in file.added().filter(is_new) {
        let found = (is_test.then(|| of_tests(line.text)).flatten())
            .or_else(|| is_lint.then(|| of_lints(file, line.text, is_ignore_list)).flatten());
        if let Some((weight, what, remedy)) = found {
            // A file that is new sets things up; it loosens nothing that was there.
            let weight = if file.is_new() { weight.min(Weight::Minor) } else { weight };
            signals.push(seen(
                weight,
                &file.path,
                Some(line.number),
                format!("{} {what}", shown(line.text)),
                remedy,
            ));
        }
    }
    signals
}

type Found = (Weight, &'static str, &'static str);

fn of_tests(text: &str) -> Option<Found> {
    if LEAVES_OUT.is_match(text) && !names_only_harmless_folders(text) {
        return Some((Weight::Wrong, "leaves tests out", "let all tests run"));
    }
    CHOOSES.is_match(text).then_some((
        Weight::Doubt,
        "chooses which tests run",
        "make sure that all tests still run",
    ))
}

fn of_lints(file: &FileDiff<'_>, text: &str, is_ignore_list: bool) -> Option<Found> {
    let remedy = "do what the rule asks for";
    let rule = LOOSE.captures(text).map(|groups| groups[1].to_owned());
    let was_tight = rule.is_some_and(|rule| {
        file.removed().any(|line| TIGHT.captures(line.text).is_some_and(|groups| groups[1] == rule))
    });
    if was_tight {
        return Some((Weight::Doubt, "switches a rule off that was on", remedy));
    }
    let loosens = is_ignore_list && !text.trim().is_empty()
        || LOOSENS.is_match(text) && !names_only_harmless_folders(text);
    loosens.then_some((Weight::Minor, "loosens a check", remedy))
}

/// `["/node_modules/", "dist"]`: what every project leaves out.
fn names_only_harmless_folders(text: &str) -> bool {
    let (_, values) = text.split_once([':', '=']).unwrap_or(("", text));
    let mut quoted = QUOTED.captures_iter(values).map(|groups| groups[1].to_owned()).peekable();
    quoted.peek().is_some()
        && quoted.all(|value| value.split_whitespace().all(|folder| HARMLESS.is_match(folder)))
}
