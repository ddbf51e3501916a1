//! One configuration out of its layers: default, the operator's file, the repository's (which only tightens),
//! variables, the command line; each later one wins.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::layer::{Origin, Reader, Setting, Sources};
use super::option::{OptionDoc, Path, options};
use super::problem::{Problem, Problems};
use super::{Config, check, repository};
use crate::project::RepositoryConfig;

/// A configuration that is whole and checked, and where each of its values comes from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effective {
    /// The values.
    pub config: Config,
    /// What the repository says about itself.
    pub repository: RepositoryConfig,
    /// All values with their origin, by key.
    pub entries: Vec<Entry>,
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key as in TOML.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Who set it.
    pub origin: Origin,
}

/// Reads, merges and checks all layers.
///
/// # Errors
/// Everything that is wrong, in all layers at once.
pub fn load(sources: &Sources) -> Result<Effective, Problems> {
    let options: Vec<&OptionDoc> = options().collect();
    let repository_options: Vec<&OptionDoc> = repository::OPTIONS.iter().collect();
    let mut problems = Vec::new();
    let mut merged = BTreeMap::new();

    let mut user = Reader::new(&options, Origin::User);
    if let Some(text) = &sources.user {
        user.document(text);
    }
    take(user, &mut merged, &mut problems);

    let mut own = Reader::new(&repository_options, Origin::Repository);
    if let Some(text) = &sources.repository {
        own.document(text);
    }
    let mut repository_settings = BTreeMap::new();
    take(own, &mut repository_settings, &mut problems);
    let repository: RepositoryConfig = build(&repository_settings, &Origin::Repository, &mut problems);
    tighten(&mut merged, &repository);

    let mut variables = Reader::new(&options, Origin::Flag);
    for (name, text) in &sources.variables {
        variables.variable(name, text);
    }
    take(variables, &mut merged, &mut problems);

    let mut flags = Reader::new(&options, Origin::Flag);
    for flag in &sources.flags {
        flags.flag(flag);
    }
    take(flags, &mut merged, &mut problems);

    let config: Config = build(&merged, &Origin::User, &mut problems);
    check::config(&config, &merged, &mut problems);
    check::repository(&repository, &mut problems);
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    let mut entries = entries(&config, &merged);
    entries.extend(repository_settings.into_values().map(Entry::from));
    Ok(Effective { config, repository, entries })
}

/// Reads one setting as the operator types it, for writing it to a file.
///
/// # Errors
/// What is wrong with key or value.
pub fn parse_setting(key: &str, text: &str) -> Result<(Path, Value), Problems> {
    let options: Vec<&OptionDoc> = options().collect();
    let mut reader = Reader::new(&options, Origin::Flag);
    reader.flag(&format!("{key}={text}"));
    match (reader.settings.pop(), reader.problems) {
        (Some(setting), problems) if problems.is_empty() => Ok((setting.path, setting.value)),
        (_, problems) => Err(Problems(problems)),
    }
}

impl From<Setting> for Entry {
    fn from(setting: Setting) -> Self {
        Self { key: setting.path.to_string(), value: setting.value, origin: setting.origin }
    }
}

/// Lays a layer over those before it.
fn take(layer: Reader<'_>, merged: &mut BTreeMap<Path, Setting>, problems: &mut Vec<Problem>) {
    problems.extend(layer.problems);
    for setting in layer.settings {
        merged.insert(setting.path.clone(), setting);
    }
}

/// What a repository changes of the operator's configuration: it protects more and allows smaller changes.
fn tighten(merged: &mut BTreeMap<Path, Setting>, repository: &RepositoryConfig) {
    let mut set = |key: [&str; 2], tightened: &dyn Fn(Option<&Value>) -> Option<Value>| {
        let path = Path(key.map(str::to_owned).to_vec());
        if let Some(value) = tightened(merged.get(&path).map(|setting| &setting.value)) {
            let origin = Origin::Repository;
            merged.insert(path.clone(), Setting { path, value, origin });
        }
    };
    set(["policy", "protected_paths"], &|before| {
        let own = repository.protected_paths.iter().map(|glob| Value::String(glob.clone()));
        let before = before.and_then(Value::as_array).cloned().unwrap_or_default();
        (!repository.protected_paths.is_empty())
            .then(|| Value::Array(before.into_iter().chain(own).collect()))
    });
    set(["run", "max_changed_lines"], &|before| {
        let default = i64::from(super::Run::default().max_changed_lines);
        let before = before.and_then(Value::as_integer).unwrap_or(default);
        let own = i64::from(repository.max_changed_lines?);
        (own < before).then_some(Value::Integer(own))
    });
}

/// The typed form of merged settings. Values were checked one by one, so what fails here fails as a whole.
fn build<T: serde::de::DeserializeOwned + Default>(
    settings: &BTreeMap<Path, Setting>,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> T {
    let mut root = Table::new();
    for setting in settings.values() {
        insert(&mut root, &setting.path.0, setting.value.clone());
    }
    T::deserialize(Value::Table(root)).unwrap_or_else(|error| {
        let message = error.message().replace('\n', ", ");
        problems.push(Problem { key: "configuration".into(), origin: origin.clone(), message, hint: None });
        T::default()
    })
}

fn insert(table: &mut Table, path: &[String], value: Value) {
    let [part, rest @ ..] = path else { return };
    if rest.is_empty() {
        // An empty table only says that there is one; it must not hide what stands in it.
        if !(table.contains_key(part) && value.as_table().is_some_and(Table::is_empty)) {
            table.insert(part.clone(), value);
        }
        return;
    }
    let inner = table.entry(part.clone()).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = inner {
        insert(inner, rest, value);
    }
}

/// Every value of a configuration with its origin.
fn entries(config: &Config, merged: &BTreeMap<Path, Setting>) -> Vec<Entry> {
    let mut all = BTreeMap::new();
    if let Ok(Value::Table(table)) = Value::try_from(config) {
        flatten(&Path(Vec::new()), table, &mut all);
    }
    let origin_of = |path: &Path| merged.get(path).map_or(Origin::Default, |setting| setting.origin.clone());
    all.into_iter()
        .map(|(path, value)| Entry { key: path.to_string(), origin: origin_of(&path), value })
        .collect()
}

fn flatten(path: &Path, table: Table, all: &mut BTreeMap<Path, Value>) {
    for (part, value) in table {
        let path = path.join(&part);
        match value {
            Value::Table(inner) => flatten(&path, inner, all),
            value => {
                all.insert(path, value);
            }
        }
    }
}
