//! Changes that make checks pass by making them weaker: each must fail the gate.

use miyabi_core::gate::Verdict;

use super::{judged, weights};
use crate::analyse::signal::Weight;

/// What is done, the files, a part of what the gate must say.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for (what, files, expected) in cases {
        let (verdict, detail) = judged(files);
        if verdict != Verdict::Fail || !detail.contains(expected) {
            wrong.push(format!("{what}: {verdict:?}: {detail}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn tests_that_are_skipped() {
    check(&[
        (
            "rust ignore",
            &[("src/a.rs", " #[test]\n+#[ignore]\n fn adds() {\n     assert_eq!(1, 1);")],
            "src/a.rs:2 test `adds` is skipped",
        ),
        (
            "rust ignore with a reason",
            &[("tests/a.rs", "+#[ignore = \"flaky\"]\n #[tokio::test]\n async fn adds() {")],
            "`adds` is skipped",
        ),
        (
            "rust should panic",
            &[("tests/a.rs", " #[test]\n+#[should_panic]\n fn adds() {")],
            "`adds` is skipped",
        ),
        (
            "rust never compiled",
            &[("tests/a.rs", "+#[cfg(any())]\n #[test]\n fn adds() {")],
            "`adds` is skipped",
        ),
        (
            "rust ignore far from its test",
            &[("tests/a.rs", " #[test]\n+#[ignore]\n #[case(1)]\n #[case(2)]")],
            "is skipped",
        ),
        (
            "jest it.skip",
            &[("a.test.js", "-it('adds', () => {\n+it.skip('adds', () => {\n   expect(1).toBe(1)")],
            "`adds` is skipped",
        ),
        (
            "jest xit",
            &[("a.test.ts", "-  it(\"adds\", async () => {\n+  xit(\"adds\", async () => {")],
            "`adds` is skipped",
        ),
        (
            "describe.skip",
            &[("a.spec.ts", "-describe('sums', () => {\n+describe.skip('sums', () => {")],
            "`sums` is skipped",
        ),
        (
            "only",
            &[("a.spec.ts", "-  it('easy', () => {\n+  it.only('easy', () => {")],
            "`easy` is skipped, singled out",
        ),
        (
            "a new test with only",
            &[("a.spec.ts", "+describe.only('easy', () => {\n+})\n describe('x', () => {")],
            "easy",
        ),
        (
            "todo",
            &[(
                "a.spec.ts",
                "-  test('adds', () => {\n-    expect(add(1)).toBe(2)\n-  })\n+  test.todo('adds')",
            )],
            "`adds` is skipped",
        ),
        (
            "pytest skip",
            &[("tests/test_a.py", "+@pytest.mark.skip(reason=\"later\")\n def test_adds():")],
            "`test_adds` is skipped",
        ),
        (
            "pytest skipif",
            &[(
                "tests/test_a.py",
                "+@pytest.mark.skipif(True, reason='x')\n @pytest.mark.asyncio\n async def test_adds():",
            )],
            "`test_adds` is skipped",
        ),
        (
            "pytest xfail",
            &[("test_a.py", "+@pytest.mark.xfail\n def test_adds():")],
            "`test_adds` is skipped",
        ),
        (
            "pytest module",
            &[("test_a.py", " import pytest\n+pytestmark = pytest.mark.skip\n \n def test_adds():")],
            "is skipped",
        ),
        (
            "unittest class",
            &[("test_a.py", "+@unittest.skip('x')\n class TestSums(TestCase):")],
            "`TestSums` is skipped",
        ),
        (
            "pytest skip inside",
            &[("test_a.py", " def test_adds():\n+    pytest.skip('no')\n     assert add(1) == 2")],
            "skips the test",
        ),
        (
            "unittest skip inside",
            &[("test_a.py", " def test_adds(self):\n+    self.skipTest('no')\n     self.assertEqual(1, 1)")],
            "skips the test",
        ),
        (
            "go skip",
            &[("sum_test.go", " func TestAdds(t *testing.T) {\n+\tt.Skip(\"later\")\n \tif add(1) != 2 {")],
            "skips the test",
        ),
        ("go build tag", &[("sum_test.go", "+//go:build ignore\n+\n package sum\n ")], "is skipped"),
        (
            "junit disabled",
            &[("src/test/java/SumTest.java", "+    @Disabled\n     @Test\n     void adds() {")],
            "`adds` is skipped",
        ),
        (
            "nunit ignore",
            &[("SumTests.cs", "     [Test]\n+    [Ignore(\"later\")]\n     public void Adds() {")],
            "`Adds` is skipped",
        ),
        (
            "rspec",
            &[("spec/sum_spec.rb", "-  it 'adds' do\n+  xit 'adds' do\n     expect(1).to eq(1)")],
            "`adds` is skipped",
        ),
        ("gtest", &[("sum_test.cc", "-TEST(Sum, Adds) {\n+TEST(Sum, DISABLED_Adds) {")], "skipped"),
        (
            "return at the beginning",
            &[("test_a.py", " def test_adds():\n+    return\n     assert add(1) == 2")],
            "leaves the test at its beginning",
        ),
        ("exit in a test", &[("tests/conftest.py", " import sys\n+sys.exit(0)")], "ends the process"),
        (
            "assertion swallowed",
            &[("test_a.py", "     try:\n         check()\n+    except AssertionError:\n+        pass")],
            "swallow",
        ),
    ]);
}

#[test]
fn tests_that_are_gone() {
    check(&[
        (
            "rust test deleted",
            &[("src/a.rs", "-#[test]\n-fn adds() {\n-    assert_eq!(add(1), 2);\n-}\n fn other() {}")],
            "test `adds` is removed",
        ),
        (
            "rust attribute deleted",
            &[("src/a.rs", "-    #[test]\n     fn adds() {\n         check(add(1), 2);")],
            "test `adds` is removed",
        ),
        (
            "jest test deleted",
            &[("a.test.js", " it('a', () => {})\n-it('adds', () => {\n-  expect(add(1)).toBe(2)\n-})")],
            "test `adds` is removed",
        ),
        (
            "jest test commented out",
            &[("a.test.js", "-it('adds', () => {\n-})\n+// it('adds', () => {\n+// })")],
            "test `adds` is removed",
        ),
        (
            "python test renamed away",
            &[("test_a.py", "-def test_adds():\n+def _test_adds():\n     assert add(1) == 2")],
            "test `test_adds` is removed",
        ),
        (
            "go test deleted",
            &[("sum_test.go", "-func TestAdds(t *testing.T) {\n-}\n func TestOther(t *testing.T) {")],
            "test `TestAdds` is removed",
        ),
        (
            "test file deleted",
            &[("-tests/test_a.py", "-def test_adds():\n-    assert add(1) == 2")],
            "a test file is deleted",
        ),
        (
            "test file of an unknown form deleted",
            &[("-tests/it.lua", "-check(add(1), 2)")],
            "a test file is deleted",
        ),
        (
            "test file renamed away",
            &[("tests/test_a.py => tests/test_a.py.bak", "")],
            "no test file any more",
        ),
        (
            "one of two replaced",
            &[("a.test.js", "-it('a', () => {})\n-it('b', () => {})\n+it('c', () => {})")],
            "is removed",
        ),
    ]);
}

#[test]
fn assertions_that_say_less() {
    check(&[
        (
            "assertion removed",
            &[("tests/a.rs", " fn adds() {\n-    assert_eq!(add(1, 1), 2);\n     let x = 1;")],
            "1 assertions fewer",
        ),
        (
            "assertion commented out",
            &[("test_a.py", "-    assert add(1) == 2\n+    # assert add(1) == 2")],
            "1 assertions fewer",
        ),
        (
            "in a module of tests",
            &[("src/a.rs", "@@ mod tests {\n     fn adds() {\n-        assert_eq!(add(1), 2);\n     }")],
            "1 assertions fewer",
        ),
        (
            "expect removed",
            &[("a.test.ts", "   const x = add(1)\n-  expect(x).toEqual(2)\n+  console.log(x)")],
            "1 assertions fewer",
        ),
        (
            "go check removed",
            &[("a_test.go", "-\t\tt.Errorf(\"got %d\", got)\n+\t\t_ = got")],
            "1 assertions fewer",
        ),
        (
            "assertEqual to assertTrue",
            &[("test_a.py", "-        self.assertEqual(add(1), 2)\n+        self.assertTrue(add(1))")],
            "only asks for truth",
        ),
        (
            "assert_eq to assert",
            &[("tests/a.rs", "-    assert_eq!(add(1), 2);\n+    assert!(add(1) > 0);")],
            "only asks for truth",
        ),
        (
            "toBe to toBeDefined",
            &[("a.test.ts", "-  expect(add(1)).toBe(2)\n+  expect(add(1)).toBeDefined()")],
            "only asks for truth",
        ),
        (
            "assert true",
            &[("tests/a.rs", "-    assert_eq!(add(1), 2);\n+    assert!(true);")],
            "holds whatever the code does",
        ),
        (
            "python assert True",
            &[("test_a.py", "-    assert add(1) == 2\n+    assert True")],
            "holds whatever the code does",
        ),
        (
            "expect true",
            &[("a.test.ts", "-  expect(add(1)).toBe(2)\n+  expect(true).toBe(true)")],
            "holds whatever the code does",
        ),
        (
            "or true",
            &[("test_a.py", "-    assert add(1) == 2\n+    assert add(1) == 2 or True")],
            "holds whatever the code does",
        ),
    ]);
}

#[test]
fn checks_that_can_not_fail() {
    check(&[
        (
            "or true in make",
            &[("Makefile", " test:\n-\tcargo test\n+\tcargo test || true")],
            "can't fail any more",
        ),
        (
            "or colon in a script",
            &[("scripts/check.sh", "-npm run lint\n+npm run lint || :")],
            "can't fail any more",
        ),
        ("minus in make", &[("Makefile", " test:\n-\tpytest\n+\t-pytest")], "can't fail any more"),
        (
            "continue on error",
            &[(".github/workflows/ci.yml", "       - run: cargo test\n+        continue-on-error: true")],
            "without consequence",
        ),
        (
            "allow failure",
            &[(".gitlab-ci.yml", " test:\n   script: pytest\n+  allow_failure: true")],
            "without consequence",
        ),
        (
            "job that never runs",
            &[(".github/workflows/ci.yml", "   test:\n+    if: false\n     steps:")],
            "without consequence",
        ),
        ("exit 0", &[("ci/check.sh", " #!/bin/sh\n+exit 0\n cargo test")], "as if all were well"),
        (
            "no verify",
            &[("scripts/release.sh", "-git commit -m x\n+git commit --no-verify -m x")],
            "goes past the checks",
        ),
        ("hook emptied", &[(".husky/pre-commit", "-npx eslint .\n+echo ok")], "is not run any more"),
        (
            "pipeline without tests",
            &[(
                ".github/workflows/ci.yml",
                "       - uses: actions/checkout@v4\n-      - run: cargo test --all\n       - run: cargo build",
            )],
            "is not run any more",
        ),
        ("pipeline deleted", &[("-.github/workflows/ci.yml", "-on: push")], "a pipeline is removed"),
        (
            "make target emptied",
            &[("Makefile", " test:\n-\tgo test ./...\n+\t@echo ok")],
            "is not run any more",
        ),
        (
            "npm script in vain",
            &[("package.json", "   \"scripts\": {\n-    \"test\": \"jest\",\n+    \"test\": \"echo ok\",")],
            "does nothing any more",
        ),
        (
            "npm script gone",
            &[("package.json", "-    \"lint\": \"eslint .\",\n     \"test\": \"jest\"")],
            "is taken away",
        ),
        (
            "npm script or true",
            &[("package.json", "-    \"test\": \"jest\"\n+    \"test\": \"jest || true\"")],
            "can't fail any more",
        ),
        (
            "pass with no tests",
            &[("package.json", "-    \"test\": \"jest\"\n+    \"test\": \"jest --passWithNoTests\"")],
            "can't fail any more",
        ),
        (
            "tests left out in make",
            &[("Makefile", "-\tpytest\n+\tpytest --deselect tests/test_a.py::test_adds")],
            "leaves tests out",
        ),
        ("cargo skip", &[("scripts/test.sh", "-cargo test\n+cargo test -- --skip adds")], "leaves tests out"),
    ]);
}

#[test]
fn suites_that_leave_tests_out() {
    check(&[
        (
            "jest ignore",
            &[("jest.config.js", " module.exports = {\n+  testPathIgnorePatterns: ['sum.test.js'],\n }")],
            "leaves tests out",
        ),
        (
            "conftest",
            &[("conftest.py", " import pytest\n+collect_ignore = ['test_a.py']")],
            "leaves tests out",
        ),
        (
            "pytest ini",
            &[("pytest.ini", " [pytest]\n+addopts = --ignore=tests/test_a.py")],
            "leaves tests out",
        ),
        (
            "pyproject",
            &[("pyproject.toml", " [tool.pytest.ini_options]\n+addopts = \"-k 'not adds'\"")],
            "leaves tests out",
        ),
        ("cargo test = false", &[("Cargo.toml", " [lib]\n+test = false")], "leaves tests out"),
        ("cargo autotests", &[("Cargo.toml", " [package]\n+autotests = false")], "leaves tests out"),
        ("vitest", &[("vitest.config.ts", "   test: {\n+    passWithNoTests: true,")], "leaves tests out"),
        (
            "coverage lowered",
            &[("pyproject.toml", " [tool.coverage.report]\n-fail_under = 90\n+fail_under = 40")],
            "`fail_under` is lowered from 90 to 40",
        ),
        (
            "coverage taken away",
            &[("setup.cfg", " [coverage:report]\n-fail_under = 90")],
            "`fail_under` is taken away",
        ),
        (
            "jest coverage",
            &[(
                "jest.config.js",
                "   coverageThreshold: { global: {\n-    branches: 80,\n+    branches: 10,",
            )],
            "`branches` is lowered from 80 to 10",
        ),
        (
            "codecov",
            &[("codecov.yml", " coverage:\n   status:\n-    target: 85%\n+    target: 20%")],
            "`target` is lowered from 85 to 20",
        ),
        (
            "warnings allowed",
            &[(
                "package.json",
                "-    \"lint\": \"eslint --max-warnings 0 .\",\n+    \"lint\": \"eslint --max-warnings 999 .\",",
            )],
            "raised from 0 to 999",
        ),
    ]);
}

#[test]
fn lints_that_are_switched_off() {
    check(&[
        ("ts-nocheck", &[("src/a.ts", "+// @ts-nocheck\n import x from 'x'")], "switches checks off"),
        ("all warnings", &[("src/lib.rs", "+#![allow(warnings)]\n mod a;")], "switches checks off"),
        ("clippy all", &[("src/lib.rs", "+#![allow(clippy::all)]\n mod a;")], "switches checks off"),
        ("eslint for a file", &[("src/a.js", "+/* eslint-disable */\n var x")], "switches checks off"),
        ("flake8 for a file", &[("src/a.py", "+# flake8: noqa\n import x")], "switches checks off"),
    ]);
    for (path, line) in [
        ("src/a.rs", "+#[allow(clippy::unwrap_used)]\n fn a() {}"),
        ("src/a.ts", "+// eslint-disable-next-line no-eval\n eval(x)"),
        ("src/a.py", "-x = 1\n+x = 1  # noqa: E501"),
        ("src/a.py", "-x = f()\n+x = f()  # type: ignore[arg-type]"),
        ("src/a.ts", "+// @ts-expect-error\n f(1)"),
    ] {
        let seen = weights(&[(path, line)]);
        assert!(seen.iter().any(|(weight, problem)| *weight == Weight::Minor && problem.contains("switches a check off")), "{line}: {seen:?}");
    }
}
