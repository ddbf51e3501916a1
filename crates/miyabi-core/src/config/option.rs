//! What an option is: its key, its form and its words. Sections declare options through `declare!`.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::Value;

use super::section;

/// The place of a value: `budget`, `cost_usd`. Names that a user makes up, such as a provider's, are parts too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<String>);

impl Path {
    /// This place and one more part.
    #[must_use]
    pub fn join(&self, part: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(part.to_owned());
        Self(parts)
    }
}

impl fmt::Display for Path {
    /// As in TOML: parts that need it are quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            if !part.is_empty() && part.bytes().all(is_bare) {
                f.write_str(part)?;
            } else {
                write!(f, "{}", Value::String(part.clone()))?;
            }
        }
        Ok(())
    }
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number, not negative.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// US dollars with at most six decimals.
    Amount,
    /// A list of texts.
    List,
    /// A list of commands, each a list of a program and its arguments.
    Commands,
    /// A list of tables; see the option's text.
    Tables,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a text"),
            Self::Choice(words) => write!(f, "one of `{}`", words.join("`, `")),
            Self::Integer => f.write_str("a whole number"),
            Self::Boolean => f.write_str("`true` or `false`"),
            Self::Amount => f.write_str("an amount in US dollars such as `2` or `\"0.25\"`"),
            Self::List => f.write_str("a list of texts such as `[\"a\", \"b\"]`"),
            Self::Commands => f.write_str("a list of commands such as `[[\"cargo\", \"test\"]]`"),
            Self::Tables => {
                f.write_str("a list of tables such as `[{ tool = \"shell\", verdict = \"ask\" }]`")
            }
        }
    }
}

/// A type that can stand behind an option.
pub(crate) trait OptionValue: DeserializeOwned {
    /// What it looks like.
    const FORM: Form;
}

macro_rules! forms {
    ($($ty:ty = $form:expr;)*) => {$(
        impl OptionValue for $ty {
            const FORM: Form = $form;
        }
    )*};
}

forms! {
    String = Form::Text;
    bool = Form::Boolean;
    u8 = Form::Integer;
    u32 = Form::Integer;
    u64 = Form::Integer;
    Vec<String> = Form::List;
    Vec<Vec<String>> = Form::Commands;
    crate::port::model::ModelName = Form::Text;
    Vec<crate::port::model::ModelName> = Form::List;
    Vec<crate::policy::ToolRule> = Form::Tables;
    crate::policy::Mode = Form::Choice(&["manual", "auto", "turbo"]);
    crate::sandbox::SandboxLevel = Form::Choice(&["strict", "reduced", "external"]);
    crate::run::spec::Autonomy = Form::Choice(&["plan", "pr", "deploy"]);
    section::Usd = Form::Amount;
    section::Dialect = Form::Choice(&["responses", "chat", "compatible", "gemini", "anthropic", "scripted"]);
    section::EngineChoice = Form::Choice(&["loop", "patch", "recipe"]);
    section::LogLevel = Form::Choice(&["error", "warn", "info", "debug", "trace"]);
    section::LogFormat = Form::Choice(&["text", "json"]);
}

impl<T: OptionValue> OptionValue for Option<T> {
    const FORM: Form = T::FORM;
}

/// An option as it is declared.
#[derive(Debug, Clone, Copy)]
pub struct OptionDoc {
    /// The parts of the section's place; `*` stands for a name that the user makes up.
    pub section: &'static [&'static str],
    /// The last part; `*` where the section itself is a table of values.
    pub name: &'static str,
    /// The lines of its description: meaning, unit, default.
    pub doc: &'static [&'static str],
    /// What its value looks like.
    pub form: Form,
    /// Whether a value can be read.
    pub(crate) fits: fn(Value) -> bool,
}

impl OptionDoc {
    /// All parts of the key.
    pub fn parts(&self) -> impl Iterator<Item = &'static str> {
        self.section.iter().copied().chain([self.name])
    }

    /// The key as it stands in documentation: `providers.<name>.base_url`.
    pub fn key(&self) -> String {
        let parts = self.parts().map(|part| if part == "*" { "<name>" } else { part });
        parts.collect::<Vec<_>>().join(".")
    }

    /// Whether this option's key begins with these parts.
    pub(crate) fn begins_with(&self, path: &[String]) -> bool {
        let mut own = self.parts();
        path.iter().all(|part| own.next().is_some_and(|own| own == "*" || own == part))
    }

    /// Whether these parts are this option's key.
    pub(crate) fn is_at(&self, path: &[String]) -> bool {
        self.section.len() + 1 == path.len() && self.begins_with(path)
    }
}

/// Whether a value can be read as a type.
pub(crate) fn fits<T: OptionValue>(value: Value) -> bool {
    T::deserialize(value).is_ok()
}

/// All options of the operator's configuration, section by section.
pub fn options() -> impl Iterator<Item = &'static OptionDoc> {
    section::ALL.iter().copied().flatten()
}

/// Declares a section: the struct, its defaults, and its options with their doc comments as descriptions. `with` adds
/// a table whose own options are declared elsewhere.
macro_rules! declare {
    (
        $(#[doc = $struct_doc:literal])*
        $name:ident at $section:expr => {
            $($(#[doc = $doc:literal])* $field:ident: $ty:ty = $default:expr;)*
        }
        $(with { $(#[doc = $nested_doc:literal])* $nested:ident: $nested_ty:ty })?
    ) => {
        $(#[doc = $struct_doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $doc])* pub $field: $ty,)*
            $($(#[doc = $nested_doc])* pub $nested: $nested_ty,)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* $($nested: Default::default(),)? }
            }
        }

        impl $name {
            /// The options of this section.
            pub(crate) const OPTIONS: &'static [$crate::config::option::OptionDoc] = &[
                $($crate::config::option::OptionDoc {
                    section: $section,
                    name: stringify!($field),
                    doc: &[$($doc),*],
                    form: <$ty as $crate::config::option::OptionValue>::FORM,
                    fits: $crate::config::option::fits::<$ty>,
                },)*
            ];
        }
    };
}
pub(crate) use declare;
