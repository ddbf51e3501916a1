//! What a path says about a file: test, generated, code, continuous integration.

/// Words that name a folder of tests.
const TEST_FOLDERS: &[&str] =
    &["test", "tests", "__tests__", "spec", "specs", "e2e", "testdata", "__mocks__", "integration_tests"];

/// Extensions of files that hold code.
const CODE: &[&str] = &[
    "rs", "py", "js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "go", "java", "kt", "kts", "scala",
    "cs", "fs", "rb", "php", "c", "cc", "cpp", "cxx", "h", "hh", "hpp", "swift", "m", "mm", "ex", "exs",
    "erl", "hs", "ml", "clj", "dart", "lua", "pl", "r", "jl", "sh", "bash", "bats", "zig", "nim", "vue",
    "svelte", "sol",
];

/// Files that tools write: locked dependencies, snapshots of generators.
const LOCK_FILES: &[(&str, &str)] = &[
    ("cargo.lock", "cargo.toml"),
    ("package-lock.json", "package.json"),
    ("npm-shrinkwrap.json", "package.json"),
    ("yarn.lock", "package.json"),
    ("pnpm-lock.yaml", "package.json"),
    ("bun.lock", "package.json"),
    ("poetry.lock", "pyproject.toml"),
    ("uv.lock", "pyproject.toml"),
    ("pdm.lock", "pyproject.toml"),
    ("pipfile.lock", "pipfile"),
    ("go.sum", "go.mod"),
    ("gemfile.lock", "gemfile"),
    ("composer.lock", "composer.json"),
    ("mix.lock", "mix.exs"),
    ("pubspec.lock", "pubspec.yaml"),
];

const GENERATED_ENDS: &[&str] = &[
    ".min.js",
    ".min.css",
    ".js.map",
    ".css.map",
    ".pb.go",
    "_pb2.py",
    "_pb2_grpc.py",
    ".pb.rs",
    ".g.dart",
    ".snap",
    ".designer.cs",
];

/// Whether a file belongs to the tests, judged by its path: test code and what tests read.
pub fn is_test_path(path: &str) -> bool {
    let lower = path.to_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    if folders.split('/').any(|folder| TEST_FOLDERS.contains(&folder)) {
        return true;
    }
    if !is_code(&lower) {
        return false;
    }
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let words_end = ["_test", "_tests", "_spec", "-test", "-spec"];
    stem == "conftest"
        || stem == "tests"
        || stem.starts_with("test_")
        || words_end.iter().any(|end| stem.ends_with(end))
        || [".test.", ".spec.", ".cy.", ".e2e."].iter().any(|middle| name.contains(middle))
        || is_camel_case_test(path)
}

/// `SumTest.java`, `SumTests.cs`: by convention of languages whose file names begin with a capital letter.
fn is_camel_case_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((stem, extension)) = name.split_once('.') else { return false };
    ["java", "kt", "scala", "cs", "fs", "php", "swift"].contains(&extension)
        && ["Test", "Tests", "TestCase", "Spec", "IT"].iter().any(|end| stem.ends_with(end))
}

/// Whether a file holds code, judged by its extension.
pub(super) fn is_code(path: &str) -> bool {
    extension(path).is_some_and(|extension| CODE.contains(&extension.as_str()))
}

/// Whether tools wrote the file, so that its lines say nothing about the size of a change.
pub(super) fn is_generated(path: &str) -> bool {
    let lower = path.to_lowercase();
    manifest_of(&lower).is_some() || GENERATED_ENDS.iter().any(|end| lower.ends_with(end))
}

/// The name of the file from which a lock file is made.
pub(super) fn manifest_of(path: &str) -> Option<&'static str> {
    let name = name(path).to_lowercase();
    LOCK_FILES.iter().find(|(lock, _)| *lock == name).map(|(_, manifest)| *manifest)
}

/// Whether the file tells a continuous integration what to run.
pub(super) fn is_ci(path: &str) -> bool {
    let lower = path.to_lowercase();
    let folders = [
        ".github/workflows/",
        ".github/actions/",
        ".circleci/",
        ".buildkite/",
        ".woodpecker/",
        ".ci/",
        ".gitlab/ci/",
    ];
    let names = [
        ".gitlab-ci.yml",
        "jenkinsfile",
        "azure-pipelines.yml",
        ".travis.yml",
        ".drone.yml",
        "bitbucket-pipelines.yml",
        "appveyor.yml",
        ".appveyor.yml",
        ".cirrus.yml",
        "cloudbuild.yaml",
    ];
    folders.iter().any(|folder| lower.starts_with(folder)) || names.contains(&name(&lower))
}

/// The last part of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What stands after the last dot, in small letters.
pub(super) fn extension(path: &str) -> Option<String> {
    name(path).rsplit_once('.').map(|(_, extension)| extension.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_known_by_their_place_and_name() {
        for path in [
            "tests/it.rs",
            "src/tests.rs",
            "src/run/tests.rs",
            "a/test_sum.py",
            "a/sum_test.go",
            "src/sum.test.ts",
            "src/__tests__/a.js",
            "spec/sum_spec.rb",
            "app/src/test/java/A.java",
            "SumTest.java",
            "Sums.Tests/SumTests.cs",
            "conftest.py",
            "tests/data/a.json",
        ] {
            assert!(is_test_path(path), "{path}");
        }
        for path in [
            "src/main.rs",
            "src/contest.py",
            "latest.js",
            "testimony.md",
            "docs/test_plan.md",
            "src/attestation.go",
            "Greatest.java",
            "crates/testkit/src/lib.rs",
            "src/testing.rs",
        ] {
            assert!(!is_test_path(path), "{path}");
        }
    }

    #[test]
    fn generated_files_are_known() {
        for path in
            ["Cargo.lock", "web/package-lock.json", "a/b.min.js", "api/v1.pb.go", "src/snapshots/x.snap"]
        {
            assert!(is_generated(path), "{path}");
        }
        for path in ["src/lock.rs", "min.js", "block.json"] {
            assert!(!is_generated(path), "{path}");
        }
        assert_eq!(manifest_of("web/yarn.lock"), Some("package.json"));
    }

    #[test]
    fn ci_is_known() {
        for path in [".github/workflows/ci.yml", "Jenkinsfile", ".gitlab-ci.yml", ".CI/run"] {
            assert!(is_ci(path), "{path}");
        }
        for path in [".github/ISSUE_TEMPLATE.md", "src/ci.rs", "docs/.github.md"] {
            assert!(!is_ci(path), "{path}");
        }
    }
}
