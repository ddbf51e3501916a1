//! Commands that check the project: in pipelines, makefiles, scripts, hooks. Made harmless, or taken away.

use std::collections::BTreeSet;

use super::language::is_comment;
use super::{seen, shown, squeezed};
use crate::analyse::diff::{FileDiff, Line, Side};
use crate::analyse::pattern::patterns;
use crate::analyse::place::{extension, is_ci, name};
use crate::analyse::signal::{Signal, Weight};

patterns! {
    /// A command that checks something.
    CHECK = r"\b(pytest|unittest|jest|vitest|mocha|ava|tsc|eslint|biome|prettier|ruff|flake8|pylint|mypy|pyright|black|isort|clippy|nextest|golangci-lint|staticcheck|tox|nox|rspec|rubocop|phpunit|phpstan|ctest|shellcheck|hadolint|playwright|cypress|cargo\s+(?:\+\S+\s+)?(?:test|fmt|check|build|deny|audit)|go\s+(?:test|vet|build)|dotnet\s+(?:test|build)|(?:mvn|mvnw|gradle|gradlew)\s[^#]*(?:test|verify|check|build)|(?:npm|yarn|pnpm|bun)\s+(?:run\s+)?(?:test|lint|check|typecheck|build|format)[\w:-]*|(?:make|just|task)\s+(?:test|check|lint|build|verify)[\w:-]*|mix\s+(?:test|format|credo)|swift\s+test|bazel\s+test)\b";
    /// What makes a command succeed whatever happens.
    ALWAYS = r"\|\|\s*(?:true|:|exit\s+0|/bin/true|echo\b|printf\b|return\s+0)|;\s*(?:true|:|exit\s+0)\s*[\x22']?,?\s*$|--exit-zero\b|--exit-code[= ]0\b|--(?:pass-with-no-tests|passWithNoTests|no-tests[= ]pass)\b|\|\s*cat\s*$";
    /// What lets a step of a pipeline fail.
    TOLERATES = r"(?i)^\s*-?\s*(?:continue-on-error|continueOnError|allow_failure|ignore_failure|ignore_errors)\s*:\s*['\x22]?true|^\s*-?\s*if:\s*['\x22]?(?:false|\$\{\{\s*false\s*\}\})|catchError\(|fail[_-]fast:\s*never";
    /// What leaves some tests out.
    LEAVES_OUT = r"\s(?:--deselect|--ignore(?:-glob)?[= ]|--skip\s+[\w:]|--testPathIgnorePatterns|-k\s*['\x22]?not\b|-m\s*['\x22]?not\b|--grep[- ]invert|-skip[= ]|-DskipTests|-Dmaven\.test\.skip|-x\s+test\b|--exclude(?:-task)?\s+\S*test|-E\s*['\x22]?not\()";
    NO_VERIFY = r"--no-verify\b|\bHUSKY=0|\bSKIP_(?:TESTS|CHECKS)=|core\.hooksPath\s*=?\s*/dev/null|\bgit\s+commit\s+.*\s-n\b";
    EXITS = r"^\s*(?:exit\s+0|set\s+\+(?:e\b|o\s+errexit)|trap\s+.*exit\s+0.*EXIT)";
    IGNORED_BY_MAKE = r"^\t\s*@?-|^\.IGNORE\b";
    SCRIPT = r#"^\s*"((?:pre|post)?(?:test|lint|check|verify|type-?check|ci|format|build|coverage)[\w:.-]*)"\s*:\s*"((?:[^"\\]|\\.)*)""#;
    VERSION = r"^(?:[\^~<>=*]|v?\d+(?:\.|$)|workspace:|file:|link:|npm:|latest|git)";
    IN_VAIN = r"^\s*(?:$|true|:|exit\s+0|echo\b[^&|;]*(?:(?:&&|;)\s*exit\s+0)?$|node\s+-e\s+['\x22\\]*(?:0|process\.exit\(0\))?['\x22\\;]*$)";
}

const REMEDY: &str = "let the check fail when something is wrong";

pub(super) fn signals(file: &FileDiff<'_>, files: &[FileDiff<'_>]) -> Vec<Signal> {
    if !is_runner(&file.path) {
        return Vec::new();
    }
    let before: BTreeSet<String> = file.removed().map(|line| squeezed(line.text)).collect();
    let new = file.added().filter(|line| !is_comment(line.text) && !before.contains(&squeezed(line.text)));
    let mut signals: Vec<Signal> = new.filter_map(|line| harmless(file, line)).collect();
    if name(&file.path) == "package.json" {
        signals.extend(scripts(file));
    } else {
        signals.extend(taken_away(file, files));
    }
    signals
}

/// Whether a file holds commands that check the project.
fn is_runner(path: &str) -> bool {
    let lower = path.to_lowercase();
    let name = name(&lower);
    let names = [
        "makefile",
        "gnumakefile",
        "justfile",
        ".justfile",
        "taskfile.yml",
        "taskfile.yaml",
        "package.json",
        "tox.ini",
        "noxfile.py",
        ".pre-commit-config.yaml",
        "lefthook.yml",
        "rakefile",
        "build.gradle",
        "build.gradle.kts",
        "turbo.json",
        "composer.json",
    ];
    let is_script = matches!(extension(&lower).as_deref(), Some("sh" | "bash" | "mk" | "ps1" | "bat"));
    let is_hook =
        lower.starts_with(".husky/") || lower.starts_with(".githooks/") || lower.starts_with("hooks/");
    let is_plain_script = !name.contains('.')
        && ["scripts/", "script/", "bin/", "tools/", "ci/"].iter().any(|folder| lower.starts_with(folder));
    is_ci(&lower) || names.contains(&name) || is_script || is_hook || is_plain_script
}

/// A script or pipeline whose purpose, by its name, is to check.
fn is_checking(path: &str) -> bool {
    let lower = path.to_lowercase();
    let words = ["test", "check", "lint", "verify", "gate", "husky", "hooks", "ci"];
    is_ci(&lower)
        || lower
            .split(['/', '.', '_', '-'])
            .any(|part| words.contains(&part) || part == "tests" || part == "checks")
}

/// An added line that lets a check succeed whatever is there.
fn harmless(file: &FileDiff<'_>, line: &Line<'_>) -> Option<Signal> {
    let text = line.text;
    let is_check = CHECK.is_match(text);
    let is_make = name(&file.path).to_lowercase().contains("makefile")
        || extension(&file.path).as_deref() == Some("mk");
    let (weight, what) = if is_check && (ALWAYS.is_match(text) || is_make && IGNORED_BY_MAKE.is_match(text)) {
        (Weight::Wrong, "can't fail any more")
    } else if is_check && LEAVES_OUT.is_match(text) {
        (Weight::Wrong, "leaves tests out")
    } else if TOLERATES.is_match(text) {
        (Weight::Wrong, "lets a step fail without consequence")
    } else if NO_VERIFY.is_match(text) {
        (Weight::Wrong, "goes past the checks")
    } else if EXITS.is_match(text) && is_checking(&file.path) {
        (if file.is_new() { Weight::Minor } else { Weight::Wrong }, "ends a check as if all were well")
    } else if ALWAYS.is_match(text) {
        (Weight::Note, "hides the failure of a command")
    } else {
        return None;
    };
    Some(seen(weight, &file.path, Some(line.number), format!("{} {what}", shown(text)), REMEDY))
}

/// Commands that are gone, and not found in any other file of the change.
fn taken_away(file: &FileDiff<'_>, files: &[FileDiff<'_>]) -> Vec<Signal> {
    // What still stands around the change counts as well.
    let now: Vec<&Line<'_>> = files
        .iter()
        .filter(|file| is_runner(&file.path))
        .flat_map(FileDiff::lines)
        .filter(|line| line.side != Side::Removed && !is_comment(line.text))
        .collect();
    let kept: BTreeSet<String> = now.iter().map(|line| squeezed(line.text)).collect();
    let tools_now: BTreeSet<String> = now.iter().flat_map(|line| tools(line.text)).collect();
    let gone: BTreeSet<String> = file.removed().flat_map(|line| tools(line.text)).collect();
    let is_replaced = file.added().flat_map(|line| tools(line.text)).any(|tool| !gone.contains(&tool));
    // A part of the project that goes away takes its scripts with it.
    let is_part = file.is_deleted && file.path.contains('/') && !is_ci(&file.path);
    let mut signals = Vec::new();
    for line in file.removed().filter(|line| !is_comment(line.text) && !kept.contains(&squeezed(line.text))) {
        let before = tools(line.text);
        let (weight, what) = if before.is_empty() {
            continue;
        } else if before.iter().all(|tool| tools_now.contains(tool)) {
            // An edited pipeline is reported once, as a whole.
            (if is_ci(&file.path) { Weight::Note } else { Weight::Doubt }, "is changed")
        } else if is_replaced || is_part || before.iter().all(|tool| tool.contains("build")) {
            (Weight::Doubt, "is replaced or not run any more")
        } else {
            (Weight::Wrong, "is not run any more")
        };
        let problem = format!("{} {what}", shown(line.text));
        signals.push(seen(weight, &file.path, Some(line.number), problem, REMEDY));
    }
    signals
}

fn tools(text: &str) -> Vec<String> {
    CHECK.captures_iter(text).map(|groups| squeezed(&groups[1])).collect()
}

/// The scripts of a `package.json`.
fn scripts(file: &FileDiff<'_>) -> Vec<Signal> {
    let script = |line: &Line<'_>| {
        let groups = SCRIPT.captures(line.text)?;
        let (name, command) = (groups[1].to_owned(), groups[2].to_owned());
        (!VERSION.is_match(&command)).then_some((name, command, line.number))
    };
    let after: Vec<_> = file.added().filter_map(script).collect();
    let mut signals = Vec::new();
    for (name, old, number) in file.removed().filter_map(script) {
        let now = after.iter().find(|(other, ..)| *other == name);
        let (weight, what) = match now {
            None if file.is_deleted && file.path.contains('/') => (Weight::Doubt, "is taken away"),
            None => (Weight::Wrong, "is taken away"),
            Some((_, new, _)) if IN_VAIN.is_match(new) => (Weight::Wrong, "does nothing any more"),
            // More of the same, or a lost comma.
            Some((_, new, _)) if new.starts_with(&old) => continue,
            Some((_, new, _)) if tools(&old).iter().any(|tool| !tools(new).contains(tool)) => {
                (Weight::Doubt, "runs something else now")
            }
            Some(_) => (Weight::Minor, "is changed"),
        };
        let line = now.map_or(number, |(.., line)| *line);
        signals.push(seen(
            weight,
            &file.path,
            Some(line),
            format!("the script {} {what}", shown(&name)),
            REMEDY,
        ));
    }
    signals
}
