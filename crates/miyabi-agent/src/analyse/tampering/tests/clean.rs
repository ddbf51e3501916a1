//! Honest changes: the gate passes, or leaves the decision to a person.

use miyabi_core::gate::Verdict;

use super::{judged, weights};
use crate::analyse::signal::Weight;

type Case = (&'static str, &'static [(&'static str, &'static str)]);

fn check(expected: Verdict, cases: &[Case]) {
    let judge = |(what, files): &Case| (*what, judged(files));
    let wrong: Vec<_> = cases.iter().map(judge).filter(|(_, (verdict, _))| *verdict != expected).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn honest_changes_pass() {
    check(
        Verdict::Pass,
        &[
            ("code alone", &[("src/a.rs", " fn add(a: u32) -> u32 {\n-    a\n+    a + 1\n }")]),
            (
                "a test added",
                &[(
                    "src/a.rs",
                    " mod tests {\n+    #[test]\n+    fn adds() {\n+        assert_eq!(add(1), 2);\n+    }\n }",
                )],
            ),
            ("a test file added", &[("+tests/test_b.py", "+def test_b():\n+    assert f() == 1")]),
            (
                "a test moved within its file",
                &[(
                    "a.test.js",
                    "-it('a', () => {\n-  expect(1).toBe(x)\n-})\n it('b', () => {})\n+it('a', () => {\n+  expect(1).toBe(x)\n+})",
                )],
            ),
            (
                "a test moved to another file",
                &[
                    ("src/a.rs", "-    #[test]\n-    fn adds() {\n-        assert_eq!(add(1), 2);\n-    }"),
                    ("+tests/sums.rs", "+#[test]\n+fn adds() {\n+    assert_eq!(add(1), 2);\n+}"),
                ],
            ),
            (
                "a test file split",
                &[
                    (
                        "-tests/test_all.py",
                        "-def test_a():\n-    assert a() == 1\n-def test_b():\n-    assert b() == 2",
                    ),
                    ("+tests/test_a.py", "+def test_a():\n+    assert a() == 1"),
                    ("+tests/test_b.py", "+def test_b():\n+    assert b() == 2"),
                ],
            ),
            ("a test file renamed", &[("tests/test_a.py => tests/test_sums.py", "")]),
            (
                "a test renamed",
                &[(
                    "tests/a.rs",
                    " #[test]\n-fn adds() {\n+fn adds_two_numbers() {\n     assert_eq!(add(1), 2);",
                )],
            ),
            (
                "an ignored test moved",
                &[(
                    "tests/a.rs",
                    "-#[test]\n-#[ignore]\n-fn slow() {}\n fn x() {}\n+#[test]\n+#[ignore]\n+fn slow() {}",
                )],
            ),
            ("a skip taken away", &[("a.test.js", "-it.skip('adds', () => {\n+it('adds', () => {")]),
            (
                "reformatted by rustfmt",
                &[(
                    "tests/a.rs",
                    " #[test]\n fn adds() {\n-    assert_eq!(add(1, 1), 2, \"a long message\");\n+    assert_eq!(\n+        add(1, 1),\n+        2,\n+        \"a long message\"\n+    );",
                )],
            ),
            (
                "reformatted by prettier",
                &[(
                    "a.test.ts",
                    "-  it('adds', () => { expect(add(1)).toBe(2) })\n+  it(\"adds\", () => {\n+    expect(add(1)).toBe(2);\n+  });",
                )],
            ),
            (
                "name on its own line",
                &[("a.test.ts", "-it('adds a lot', async () => {\n+it(\n+  'adds a lot',\n+  async () => {")],
            ),
            (
                "indented deeper",
                &[(
                    "test_a.py",
                    "-def test_a():\n-    assert a() == 1\n+class TestA:\n+    def test_a(self):\n+        assert a() == 1",
                )],
            ),
            (
                "new expected value with the code",
                &[
                    ("src/a.py", "-X = 1\n+X = 2"),
                    ("tests/test_a.py", " def test_x():\n-    assert X == 1\n+    assert X == 2"),
                ],
            ),
            (
                "an assertion made stronger",
                &[("tests/a.rs", "-    assert!(add(1) > 0);\n+    assert_eq!(add(1), 2);")],
            ),
            ("clippy's advice", &[("tests/a.rs", "-    assert_eq!(ok(), true);\n+    assert!(ok());")]),
            (
                "debug_assert in code",
                &[("src/a.rs", " fn add(a: u32) {\n-    debug_assert!(a > 0);\n     go(a)")],
            ),
            ("word in code", &[("src/a.rs", "+    let skip = ignore(\"only\");")]),
            ("a helper that is no test", &[("tests/common/helpers.rs", "-fn setup() {}\n+fn prepare() {}")]),
            (
                "code deleted with its test",
                &[
                    ("-src/old.py", "-def old(): pass"),
                    ("-tests/test_old.py", "-def test_old():\n-    assert old() is None"),
                ],
            ),
            (
                "a dependency updated",
                &[("package.json", "-    \"jest\": \"^29.0.0\",\n+    \"jest\": \"^30.1.0\",")],
            ),
            (
                "a build dependency removed",
                &[("package.json", "   \"devDependencies\": {\n-    \"build-tools\": \"1.2.3\",")],
            ),
            (
                "more arguments",
                &[("package.json", "-    \"test\": \"jest\"\n+    \"test\": \"jest --coverage\"")],
            ),
            ("a new script", &[("package.json", "     \"test\": \"jest\",\n+    \"docs\": \"typedoc\"")]),
            ("or true where it is harmless", &[("scripts/stop.sh", "+kill \"$pid\" || true")]),
            ("a new make target", &[("Makefile", " test:\n \tcargo test\n+docs:\n+\tcargo doc")]),
            (
                "node_modules left out",
                &[(
                    "jest.config.js",
                    " module.exports = {\n+  testPathIgnorePatterns: ['/node_modules/', '/dist/'],\n }",
                )],
            ),
            ("coverage raised", &[("pyproject.toml", "-fail_under = 80\n+fail_under = 90")]),
            ("a lint made strict", &[("Cargo.toml", " [lints.clippy]\n+unwrap_used = \"deny\"")]),
            (
                "a suppression moved",
                &[("src/a.rs", "-#[allow(clippy::all)]\n mod a;\n+#[allow(clippy::all)]\n mod b;")],
            ),
            (
                "documents",
                &[(
                    "docs/testing.md",
                    "+Skip slow tests with `#[ignore]` or `it.skip('x')`; `cargo test || true` hides failures.",
                )],
            ),
            ("fixtures", &[("tests/data/a.json", "-{\"a\": 1}\n+{\"a\": 2}")]),
        ],
    );
}

#[test]
fn what_may_be_right_is_left_to_a_person() {
    check(
        Verdict::Unknown,
        &[
            (
                "a pipeline edited",
                &[(".github/workflows/ci.yml", "-    runs-on: ubuntu-22.04\n+    runs-on: ubuntu-24.04")],
            ),
            ("a pipeline added", &[("+.gitlab-ci.yml", "+test:\n+  script: pytest")]),
            (
                "another test runner",
                &[("package.json", "-    \"test\": \"jest\"\n+    \"test\": \"vitest run\"")],
            ),
            ("a check changed", &[("Makefile", " test:\n-\tcargo test\n+\tcargo test --workspace --locked")]),
            (
                "a rule switched off",
                &[("Cargo.toml", " [lints.clippy]\n-unwrap_used = \"deny\"\n+unwrap_used = \"allow\"")],
            ),
            (
                "tests chosen otherwise",
                &[("pyproject.toml", "-testpaths = [\"tests\"]\n+testpaths = [\"tests/unit\"]")],
            ),
        ],
    );
}

#[test]
fn what_reviewers_should_know_is_noted() {
    let noted = |files: &[(&str, &str)], expected: &str| {
        let seen = weights(files);
        let is_noted =
            |(weight, problem): &(Weight, String)| *weight <= Weight::Minor && problem.contains(expected);
        assert!(
            seen.iter().any(is_noted) && seen.iter().all(|(weight, _)| *weight <= Weight::Minor),
            "{seen:?}"
        );
    };
    noted(&[("test_a.py", "-    assert X == 1\n+    assert X == 2")], "expected values of tests are changed");
    noted(
        &[("tests/a.rs", "+#[test]\n+#[ignore = \"needs a network\"]\n+fn reaches_it() {}")],
        "is skipped from the start",
    );
    noted(&[("tests/a.rs", " #[test]\n-fn adds() {\n+fn sums() {")], "is renamed or replaced");
    noted(
        &[("-src/old.py", "-x"), ("-tests/test_old.py", "-def test_old():")],
        "together with what they test",
    );
    noted(&[("a.test.js", "+jest.retryTimes(3)")], "until it passes");
    noted(&[("scripts/stop.sh", "+kill \"$pid\" || true")], "hides the failure");
}
