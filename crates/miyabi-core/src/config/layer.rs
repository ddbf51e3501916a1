//! The layers of a configuration, each read into places and values. Nothing is merged here.

use std::collections::BTreeMap;
use std::fmt;

use toml::{Table, Value};

use super::nearest::nearest;
use super::option::{Form, OptionDoc, Path};
use super::problem::Problem;

/// What begins the name of a variable that sets an option: `MIYABI__BUDGET__COST_USD`.
const VARIABLE_PREFIX: &str = "MIYABI__";

/// The texts that a configuration is made of. The command line gathers them.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The operator's own file.
    pub user: Option<String>,
    /// `.miyabi/config.toml` of the repository. Untrusted: it can name commands and tighten, nothing else.
    pub repository: Option<String>,
    /// Variables; those that don't begin with `MIYABI__` are passed over.
    pub variables: BTreeMap<String, String>,
    /// Settings of the command line, each `key=value`; the last one of a key wins.
    pub flags: Vec<String>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The operator's file.
    User,
    /// The repository's file.
    Repository,
    /// A variable of this name.
    Variable(String),
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::User => f.write_str("user file"),
            Self::Repository => f.write_str("repository"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// A value at its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    pub(super) path: Path,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// Reads a layer's text form by a table of options, and collects what is wrong with it.
pub(super) struct Reader<'a> {
    options: &'a [&'a OptionDoc],
    origin: Origin,
    pub(super) settings: Vec<Setting>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(options: &'a [&'a OptionDoc], origin: Origin) -> Self {
        Self { options, origin, settings: Vec::new(), problems: Vec::new() }
    }

    /// A TOML document.
    pub(super) fn document(&mut self, text: &str) {
        match text.parse::<Table>() {
            Ok(table) => self.walk(&Path(Vec::new()), Value::Table(table)),
            Err(error) => {
                let line =
                    error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
                let place = line.map_or_else(|| "the file".to_owned(), |line| format!("line {line}"));
                self.problem(place, format!("is not TOML: {}", error.message().replace('\n', ", ")), None);
            }
        }
    }

    /// A variable, if it sets an option.
    pub(super) fn variable(&mut self, name: &str, text: &str) {
        let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) else {
            return;
        };
        self.origin = Origin::Variable(name.to_owned());
        let path = Path(rest.to_lowercase().split("__").map(str::to_owned).collect());
        self.text(&path, text);
    }

    /// A `key=value` of the command line.
    pub(super) fn flag(&mut self, flag: &str) {
        let Some((key, text)) = flag.split_once('=') else {
            return self.problem(flag.to_owned(), "is not of the form `key=value`".into(), None);
        };
        match parse_key(key) {
            Some(path) => self.text(&path, text),
            None => self.problem(key.to_owned(), "is not a key such as `budget.cost_usd`".into(), None),
        }
    }

    /// A value given as text: what it means follows from the option's form.
    fn text(&mut self, path: &Path, text: &str) {
        match self.options.iter().find(|option| option.is_at(&path.0)) {
            Some(option) => self.leaf(option, path, value_of(option.form, text)),
            None => self.unknown(path),
        }
    }

    fn walk(&mut self, path: &Path, value: Value) {
        if let Some(option) = self.options.iter().find(|option| option.is_at(&path.0)) {
            return self.leaf(option, path, value);
        }
        if !self.options.iter().any(|option| option.begins_with(&path.0)) {
            return self.unknown(path);
        }
        match value {
            // `[providers.ollama]` without a key still says that there is one.
            Value::Table(table) if table.is_empty() && !path.0.is_empty() => {
                let origin = self.origin.clone();
                self.settings.push(Setting { path: path.clone(), value: Value::Table(table), origin });
            }
            Value::Table(table) => {
                for (part, value) in table {
                    self.walk(&path.join(&part), value);
                }
            }
            _ => self.problem(path.to_string(), "must be a table".into(), None),
        }
    }

    fn leaf(&mut self, option: &OptionDoc, path: &Path, value: Value) {
        if (option.fits)(value.clone()) {
            let origin = self.origin.clone();
            self.settings.push(Setting { path: path.clone(), value, origin });
            return;
        }
        let hint = match (option.form, &value) {
            (Form::Choice(words), Value::String(text)) => nearest(text, words.iter().copied()),
            _ => None,
        };
        let message = format!("must be {}, not `{}`", option.form, shown(&value));
        self.problem(path.to_string(), message, hint.map(|word| format!("did you mean `{word}`?")));
    }

    fn unknown(&mut self, path: &Path) {
        let hint = self.nearest_key(path).map(|key| format!("did you mean `{key}`?"));
        self.problem(path.to_string(), "is not an option".into(), hint);
    }

    /// The known key closest to a wrong one: first by its wrong part alone, then anywhere by its last part.
    fn nearest_key(&self, path: &Path) -> Option<String> {
        let known = (0..path.0.len())
            .rev()
            .find(|length| self.options.iter().any(|option| option.begins_with(&path.0[..*length])))?;
        let wrong = path.0.get(known)?;
        let beside = self.options.iter().filter(|option| option.begins_with(&path.0[..known]));
        let words = beside.filter_map(|option| option.parts().nth(known)).filter(|word| *word != "*");
        if let Some(word) = nearest(wrong, words) {
            return Some(Path(path.0[..known].to_vec()).join(word).to_string());
        }
        let last = path.0.last()?;
        self.options.iter().find(|option| option.name == last).map(|option| option.key())
    }

    fn problem(&mut self, key: String, message: String, hint: Option<String>) {
        let origin = self.origin.clone();
        self.problems.push(Problem { key, origin, message, hint });
    }
}

/// The parts of a dotted key; quoted parts as in TOML.
pub(super) fn parse_key(key: &str) -> Option<Path> {
    if key.contains(['\n', '\r', '#', '=']) {
        return None;
    }
    let mut table = format!("{key} = 0").parse::<Table>().ok()?;
    let mut parts = Vec::new();
    loop {
        let (part, value) = table.into_iter().next()?;
        parts.push(part);
        match value {
            Value::Table(inner) => table = inner,
            _ => return Some(Path(parts)),
        }
    }
}

/// The value that a text stands for. A text that does not fit stays a text, so that the form is reported as wrong.
pub(super) fn value_of(form: Form, text: &str) -> Value {
    let text = text.trim();
    let as_text = || Value::String(text.to_owned());
    let as_toml = || format!("value = {text}").parse::<Table>().ok()?.remove("value");
    match form {
        Form::Text | Form::Choice(_) | Form::Amount => as_text(),
        Form::Integer => text.parse().map_or_else(|_| as_text(), Value::Integer),
        Form::Boolean => text.parse().map_or_else(|_| as_text(), Value::Boolean),
        Form::List if !text.starts_with('[') => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
        Form::List | Form::Commands | Form::Tables => as_toml().unwrap_or_else(as_text),
    }
}

/// A value in an error: short, on one line.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Table(_) => "a table".to_owned(),
        other => other.to_string(),
    };
    let text = text.replace(char::is_control, " ");
    if text.chars().count() > LONGEST { text.chars().take(LONGEST).chain(['…']).collect() } else { text }
}
