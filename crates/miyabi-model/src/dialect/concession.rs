//! What we stop asking of a server that refuses it. Learnt from the refusal's words, for compatible servers differ
//! in what they support and only say so when asked. Each concession costs one more request, once per model and
//! process; what is conceded is written in another way or left out.

/// Something that a server may refuse and that the answer can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Concession {
    /// The schema of the answer goes into the instructions instead of a field of its own.
    SchemaInText = 1,
    /// A required tool call is only asked for, not forced.
    FreeToolChoice = 1 << 1,
    /// Nothing is said about reasoning.
    NoReasoning = 1 << 2,
    /// Usage is not asked for.
    NoStreamOptions = 1 << 3,
    /// No cache key or cache hint is sent.
    NoCacheHint = 1 << 4,
    /// The token limit has its other name.
    OtherTokenLimit = 1 << 5,
    /// Signed or encrypted reasoning of earlier turns is not sent back. It was refused for what this conversation
    /// holds, so this one is not remembered for others.
    NoState = 1 << 6,
    /// Nothing is said about parallel tool calls.
    NoParallelHint = 1 << 7,
    /// Encrypted reasoning is not asked for.
    NoEncryptedReasoning = 1 << 8,
}

/// Which words in a refusal point to which concession. Lower-case. The more specific come first.
const SIGNS: &[(&str, Concession)] = &[
    ("encrypted", Concession::NoEncryptedReasoning),
    ("encrypted", Concession::NoState),
    ("signature", Concession::NoState),
    ("thinking block", Concession::NoState),
    ("`thinking` or `redacted_thinking`", Concession::NoState),
    ("response_format", Concession::SchemaInText),
    ("json_schema", Concession::SchemaInText),
    ("response mime type", Concession::SchemaInText),
    ("responsemimetype", Concession::SchemaInText),
    ("responsejsonschema", Concession::SchemaInText),
    ("response_json_schema", Concession::SchemaInText),
    ("output_config.format", Concession::SchemaInText),
    ("output_format", Concession::SchemaInText),
    ("text.format", Concession::SchemaInText),
    ("structured output", Concession::SchemaInText),
    ("grammar", Concession::SchemaInText),
    ("guided", Concession::SchemaInText),
    ("tool_choice", Concession::FreeToolChoice),
    ("forced tool", Concession::FreeToolChoice),
    ("function_calling_config", Concession::FreeToolChoice),
    ("max_tokens", Concession::OtherTokenLimit),
    ("max_completion_tokens", Concession::OtherTokenLimit),
    ("stream_options", Concession::NoStreamOptions),
    ("prompt_cache", Concession::NoCacheHint),
    ("cache_control", Concession::NoCacheHint),
    ("parallel_tool_calls", Concession::NoParallelHint),
    ("output_config", Concession::NoReasoning),
    ("reasoning", Concession::NoReasoning),
    ("thinking", Concession::NoReasoning),
    ("effort", Concession::NoReasoning),
];

/// How servers say that they don't know a field.
const UNKNOWN_FIELD: &[&str] =
    &["support", "unknown", "unrecognized", "unexpected", "not permitted", "not allowed", "extra inputs"];

/// A set of concessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Concessions(u16);

impl Concessions {
    /// No concession: everything is asked for.
    pub const NONE: Self = Self(0);

    /// This set and one more.
    #[must_use]
    pub const fn with(self, concession: Concession) -> Self {
        Self(self.0 | concession as u16)
    }

    /// Whether the set holds a concession.
    pub const fn has(self, concession: Concession) -> bool {
        self.0 & concession as u16 != 0
    }

    /// What holds for the model whatever the conversation is.
    #[must_use]
    pub(crate) const fn lasting(self) -> Self {
        Self(self.0 & !(Concession::NoState as u16))
    }

    /// What a refusal suggests to concede next, best guess first; nothing that has been conceded.
    pub(crate) fn suggested_by(self, message: &str) -> impl Iterator<Item = Self> {
        let message = message.to_lowercase();
        // A limit that is only too high must not make us name it in a way that the server ignores.
        let names_a_field = UNKNOWN_FIELD.iter().any(|words| message.contains(words));
        SIGNS
            .iter()
            .filter(move |(sign, concession)| !self.has(*concession) && message.contains(sign))
            .filter(move |(_, concession)| *concession != Concession::OtherTokenLimit || names_a_field)
            .map(move |(_, concession)| self.with(*concession))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expected: Option<Concession>) {
        let first = Concessions::NONE.suggested_by(message).next();
        assert_eq!(first, expected.map(|concession| Concessions::NONE.with(concession)), "{message}");
    }

    #[test]
    fn refusals_are_understood() {
        check("'response_format' of type 'json_schema' is not supported", Some(Concession::SchemaInText));
        check(
            "Function calling with a response mime type: 'application/json' is unsupported",
            Some(Concession::SchemaInText),
        );
        check("tool_choice: type any is not supported", Some(Concession::FreeToolChoice));
        check(
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            Some(Concession::OtherTokenLimit),
        );
        check(
            "Your organization must be verified to generate reasoning summaries",
            Some(Concession::NoReasoning),
        );
        check("Encrypted content is not supported with this model.", Some(Concession::NoEncryptedReasoning));
        check("messages.1.content.0: Invalid `signature` in `thinking` block", Some(Concession::NoState));
        check("max_tokens is too large: 128000, at most 16384 tokens can be generated", None);
        check("model not found", None);
    }

    #[test]
    fn nothing_is_conceded_twice() {
        let made = Concessions::NONE.with(Concession::SchemaInText);
        assert_eq!(made.suggested_by("response_format").next(), None);
    }
}
