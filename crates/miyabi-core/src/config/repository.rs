//! The options of a repository's own file. The list is closed: what is not in it is an error, for the file is written
//! by whoever can write to the repository.

use super::option::{Form, OptionDoc, fits};

const fn option(
    section: &'static [&'static str],
    name: &'static str,
    form: Form,
    fits: fn(toml::Value) -> bool,
    doc: &'static [&'static str],
) -> OptionDoc {
    OptionDoc { section, name, doc, form, fits }
}

const fn commands(
    section: &'static [&'static str],
    name: &'static str,
    doc: &'static [&'static str],
) -> OptionDoc {
    option(section, name, Form::Commands, fits::<Vec<Vec<String>>>, doc)
}

const fn list(
    section: &'static [&'static str],
    name: &'static str,
    doc: &'static [&'static str],
) -> OptionDoc {
    option(section, name, Form::List, fits::<Vec<String>>, doc)
}

const fn text(
    section: &'static [&'static str],
    name: &'static str,
    doc: &'static [&'static str],
) -> OptionDoc {
    option(section, name, Form::Text, fits::<String>, doc)
}

const fn number(
    section: &'static [&'static str],
    name: &'static str,
    doc: &'static [&'static str],
) -> OptionDoc {
    option(section, name, Form::Integer, fits::<u64>, doc)
}

const HEALTH: &[&str] = &["deploy", "health"];

/// All keys of `.miyabi/config.toml`.
pub(super) const OPTIONS: &[OptionDoc] = &[
    commands(&["checks"], "setup", &["Run once before the first command: dependencies, generated files."]),
    commands(&["checks"], "format", &["The formatter in its checking mode."]),
    commands(&["checks"], "lint", &["Linters."]),
    commands(&["checks"], "build", &["The build."]),
    commands(&["checks"], "test", &["The tests."]),
    list(
        &[],
        "protected_paths",
        &["Globs of files whose change needs a person's approval; added to the operator's."],
    ),
    list(&[], "labels", &["Labels that the Issue agent may set, beside the kinds of issues."]),
    option(
        &[],
        "max_changed_lines",
        Form::Integer,
        fits::<u32>,
        &["The largest change that passes the gate, in changed lines; can only lower the operator's."],
    ),
    commands(
        &["deploy"],
        "build",
        &["Commands that make the release, run in the sandbox at the merge commit."],
    ),
    text(&["deploy"], "folder", &["The folder that becomes the release. Default: the repository's root."]),
    list(&["deploy"], "run", &["The program that answers, with its arguments. Default: a static site."]),
    text(HEALTH, "path", &["The path that must answer with a status of 200 to 399. Default: `/`."]),
    text(HEALTH, "contains", &["A text that the answer must contain. Default: none."]),
    list(
        HEALTH,
        "command",
        &["A command that must end with exit code 0, instead of the request. Default: none."],
    ),
    option(
        HEALTH,
        "samples",
        Form::Integer,
        fits::<u32>,
        &["Healthy samples in a row that count as healthy. Default: 3."],
    ),
    number(HEALTH, "interval_ms", &["Milliseconds between two samples. Default: 200."]),
    number(
        HEALTH,
        "start_timeout_ms",
        &["Milliseconds after which a release that never was healthy has failed. Default: 20000."],
    ),
    number(HEALTH, "watch_ms", &["Milliseconds for which a healthy release is watched. Default: 2000."]),
];

#[cfg(test)]
mod tests {
    use crate::project::{DeployConfig, HealthCheck, PartialChecks, RepositoryConfig};

    #[test]
    fn every_key_of_the_file_is_listed() {
        let some = || Some(vec![vec!["true".to_owned()]]);
        let checks =
            PartialChecks { setup: some(), format: some(), lint: some(), build: some(), test: some() };
        let health = HealthCheck {
            contains: Some("x".into()),
            command: Some(vec!["x".into()]),
            ..HealthCheck::default()
        };
        let deploy = DeployConfig {
            build: vec![vec!["true".into()]],
            folder: ".".into(),
            run: Some(vec!["x".into()]),
            health,
        };
        let full = RepositoryConfig {
            checks,
            protected_paths: vec!["x".into()],
            labels: vec!["x".into()],
            max_changed_lines: Some(1),
            deploy: Some(deploy),
        };
        let table = toml::Table::try_from(&full).expect("serialises");
        let mut keys = Vec::new();
        collect(&table, "", &mut keys);
        let mut listed: Vec<String> = super::OPTIONS.iter().map(super::OptionDoc::key).collect();
        keys.sort();
        listed.sort();
        assert_eq!(keys, listed);
    }

    fn collect(table: &toml::Table, prefix: &str, keys: &mut Vec<String>) {
        for (key, value) in table {
            match value {
                toml::Value::Table(inner) => collect(inner, &format!("{prefix}{key}."), keys),
                _ => keys.push(format!("{prefix}{key}")),
            }
        }
    }
}
