//! Finds a project's own commands by its files, as somebody new to the project would.
//!
//! A formatter or linter is named only where the project itself is set up for it: a gate that the project does not
//! keep would be red from the start.

use crate::gate::Checks;

/// Files at the root whose content [`detect`] wants to see.
pub const FILES_READ: &[&str] = &["package.json", "Makefile", "pyproject.toml", "setup.cfg", "tox.ini"];

/// The commands of a project with these files. `read` gives the content of a file named in [`FILES_READ`].
pub fn detect(files: &[String], read: &dyn Fn(&str) -> Option<String>) -> Checks {
    let project = Project { files, read };
    let mut checks = Checks::default();
    for found in [rust(&project), node(&project), python(&project), go(&project)].into_iter().flatten() {
        checks.setup.extend(found.setup);
        checks.format.extend(found.format);
        checks.lint.extend(found.lint);
        checks.build.extend(found.build);
        checks.test.extend(found.test);
    }
    // Make targets stand for the whole project, so they are asked only where nothing more exact is known.
    let made = make(&project);
    let fill = |own: &mut Vec<Vec<String>>, made: Vec<Vec<String>>| {
        if own.is_empty() {
            *own = made;
        }
    };
    fill(&mut checks.format, made.format);
    fill(&mut checks.lint, made.lint);
    fill(&mut checks.build, made.build);
    fill(&mut checks.test, made.test);
    checks
}

struct Project<'a> {
    files: &'a [String],
    read: &'a dyn Fn(&str) -> Option<String>,
}

impl Project<'_> {
    fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file == name)
    }

    fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    fn has_ending(&self, ending: &str) -> bool {
        self.files.iter().any(|file| file.ends_with(ending))
    }

    fn text(&self, name: &str) -> String {
        if self.has(name) { (self.read)(name).unwrap_or_default() } else { String::new() }
    }
}

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn rust(project: &Project<'_>) -> Option<Checks> {
    if !project.has("Cargo.toml") {
        return None;
    }
    let mut checks = Checks { test: vec![argv(&["cargo", "test", "--quiet"])], ..Checks::default() };
    if project.has_any(&["rustfmt.toml", ".rustfmt.toml"]) {
        checks.format.push(argv(&["cargo", "fmt", "--all", "--check"]));
    }
    if project.has_any(&["clippy.toml", ".clippy.toml"]) {
        checks.lint.push(argv(&["cargo", "clippy", "--quiet", "--all-targets"]));
    }
    Some(checks)
}

fn node(project: &Project<'_>) -> Option<Checks> {
    let manifest: serde_json::Value = serde_json::from_str(&project.text("package.json")).ok()?;
    let (manager, install) = if project.has("pnpm-lock.yaml") {
        ("pnpm", argv(&["pnpm", "install", "--frozen-lockfile", "--offline"]))
    } else if project.has("yarn.lock") {
        ("yarn", argv(&["yarn", "install", "--frozen-lockfile", "--offline"]))
    } else {
        ("npm", argv(&["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"]))
    };
    let has_dependencies = ["dependencies", "devDependencies"]
        .iter()
        .any(|key| manifest.get(key).and_then(|all| all.as_object()).is_some_and(|all| !all.is_empty()));
    let script = |name: &str| {
        let text = manifest.get("scripts")?.get(name)?.as_str()?;
        // What `npm init` writes is no test.
        (!text.contains("no test specified")).then(|| vec![argv(&[manager, "run", "--silent", name])])
    };
    let first = |names: &[&str]| names.iter().find_map(|name| script(name)).unwrap_or_default();
    Some(Checks {
        setup: if has_dependencies { vec![install] } else { Vec::new() },
        format: first(&["format:check", "fmt:check", "check:format", "prettier:check"]),
        lint: first(&["lint", "lint:check"]),
        build: first(&["build"]),
        test: first(&["test"]),
    })
}

fn python(project: &Project<'_>) -> Option<Checks> {
    let manifest = project.text("pyproject.toml");
    let is_python =
        project.has_any(&["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "tox.ini"]);
    if !is_python {
        return None;
    }
    let mut checks = Checks::default();
    if manifest.contains("[tool.ruff") || project.has_any(&["ruff.toml", ".ruff.toml"]) {
        checks.lint.push(argv(&["ruff", "check", "."]));
    }
    if manifest.contains("[tool.black") {
        checks.format.push(argv(&["black", "--check", "--quiet", "."]));
    }
    let uses_pytest = project.has_any(&["pytest.ini", "conftest.py"])
        || manifest.contains("pytest")
        || project.has_ending("/conftest.py")
        || [project.text("setup.cfg"), project.text("tox.ini")].iter().any(|text| text.contains("pytest"));
    let has_tests = project.files.iter().any(|file| {
        let name = file.rsplit('/').next().unwrap_or(file);
        name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py"))
    });
    if uses_pytest && has_tests {
        checks.test.push(argv(&["python3", "-m", "pytest", "-q"]));
    } else if has_tests {
        checks.test.push(argv(&["python3", "-m", "unittest", "discover", "-q"]));
    }
    Some(checks)
}

fn go(project: &Project<'_>) -> Option<Checks> {
    project.has("go.mod").then(|| Checks {
        lint: vec![argv(&["go", "vet", "./..."])],
        build: vec![argv(&["go", "build", "./..."])],
        test: vec![argv(&["go", "test", "./..."])],
        ..Checks::default()
    })
}

fn make(project: &Project<'_>) -> Checks {
    let makefile = project.text("Makefile");
    let has_target = |name: &str| {
        let names = makefile
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(_, rest)| !rest.starts_with('='));
        names.map(|(names, _)| names).any(|names| {
            !names.starts_with([' ', '\t']) && names.split_whitespace().any(|target| target == name)
        })
    };
    let first = |names: &[&str]| {
        let name = names.iter().find(|name| has_target(name));
        name.map(|name| vec![argv(&["make", "--silent", name])]).unwrap_or_default()
    };
    Checks {
        setup: Vec::new(),
        format: first(&["fmt-check", "format-check", "check-format"]),
        lint: first(&["lint"]),
        build: first(&["build"]),
        test: first(&["test", "check"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(files: &[(&str, &str)]) -> Checks {
        let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        let read =
            |name: &str| files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_owned());
        detect(&names, &read)
    }

    #[test]
    fn an_empty_project_has_no_commands() {
        assert_eq!(detected(&[("README.md", "")]), Checks::default());
    }

    #[test]
    fn rust_is_tested_and_checked_for_what_it_configures() {
        let plain = detected(&[("Cargo.toml", "")]);
        assert_eq!(plain.test, [argv(&["cargo", "test", "--quiet"])]);
        assert!(plain.format.is_empty() && plain.lint.is_empty());
        let strict = detected(&[("Cargo.toml", ""), ("rustfmt.toml", ""), ("clippy.toml", "")]);
        assert_eq!((strict.format.len(), strict.lint.len()), (1, 1));
    }

    #[test]
    fn node_uses_its_own_scripts_and_manager() {
        let manifest =
            r#"{"scripts": {"test": "vitest run", "lint": "eslint ."}, "devDependencies": {"vitest": "1"}}"#;
        let npm = detected(&[("package.json", manifest)]);
        assert_eq!(npm.setup, [argv(&["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"])]);
        assert_eq!(npm.test, [argv(&["npm", "run", "--silent", "test"])]);
        let pnpm = detected(&[("package.json", manifest), ("pnpm-lock.yaml", "")]);
        assert_eq!(pnpm.lint, [argv(&["pnpm", "run", "--silent", "lint"])]);
    }

    #[test]
    fn the_default_script_of_npm_is_no_test() {
        let manifest = r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#;
        assert!(detected(&[("package.json", manifest)]).test.is_empty());
        assert_eq!(detected(&[("package.json", "not json")]), Checks::default());
    }

    #[test]
    fn python_tests_are_found_by_name() {
        let pytest = detected(&[("pyproject.toml", "[tool.pytest.ini_options]"), ("tests/test_a.py", "")]);
        assert_eq!(pytest.test, [argv(&["python3", "-m", "pytest", "-q"])]);
        let plain = detected(&[("setup.py", ""), ("test_a.py", "")]);
        assert_eq!(plain.test, [argv(&["python3", "-m", "unittest", "discover", "-q"])]);
        assert!(detected(&[("setup.py", "")]).test.is_empty());
    }

    #[test]
    fn make_fills_what_nothing_else_knows() {
        let makefile = "A := 1\n.PHONY: test\ntest: build\n\tfalse\nbuild:\n\ttrue\n";
        let made = detected(&[("Makefile", makefile)]);
        assert_eq!(made.test, [argv(&["make", "--silent", "test"])]);
        assert_eq!(made.build, [argv(&["make", "--silent", "build"])]);
        assert!(made.lint.is_empty());
        let rust = detected(&[("Makefile", makefile), ("Cargo.toml", "")]);
        assert_eq!(rust.test, [argv(&["cargo", "test", "--quiet"])]);
    }
}
