//! What the terminal is and can: decided once, from flags, variables and the descriptors themselves.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

/// Variables as they were when the program started.
pub(crate) type Variables = BTreeMap<String, String>;

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal that has them.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The language of messages. Codes, JSON keys and logs are English in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Lang {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

/// What the terminal is and can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// Standard output is a terminal.
    pub(crate) stdout_is_tty: bool,
    /// Standard error is a terminal.
    pub(crate) stderr_is_tty: bool,
    /// Standard input is a terminal and questions may be asked.
    pub(crate) may_ask: bool,
    /// Columns.
    pub(crate) width: usize,
    /// Lines.
    pub(crate) height: usize,
    /// Colours on standard output.
    pub(crate) color: bool,
    /// Colours on standard error.
    pub(crate) error_color: bool,
    /// Marks and lines beyond ASCII.
    pub(crate) unicode: bool,
    /// The language.
    pub(crate) lang: Lang,
}

impl Terminal {
    /// Looks at the descriptors and variables.
    pub(crate) fn look(choice: ColorChoice, no_input: bool, variables: &Variables) -> Self {
        let stdout_is_tty = std::io::stdout().is_terminal();
        let stderr_is_tty = std::io::stderr().is_terminal();
        let size = terminal_size::terminal_size();
        let width = size.map_or(80, |(width, _)| usize::from(width.0).max(20));
        let height = size.map_or(24, |(_, height)| usize::from(height.0).max(2));
        Self {
            stdout_is_tty,
            stderr_is_tty,
            may_ask: std::io::stdin().is_terminal() && stderr_is_tty && !no_input,
            width,
            height,
            color: color(choice, stdout_is_tty, variables),
            error_color: color(choice, stderr_is_tty, variables),
            unicode: unicode(variables),
            lang: lang(variables),
        }
    }
}

fn set<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// The flag wins; then `NO_COLOR`, `CLICOLOR_FORCE`, `FORCE_COLOR`, `CLICOLOR=0`, `TERM=dumb`.
fn color(choice: ColorChoice, is_tty: bool, variables: &Variables) -> bool {
    match choice {
        ColorChoice::Always => return true,
        ColorChoice::Never => return false,
        ColorChoice::Auto => {}
    }
    let forced = |name| set(variables, name).is_some_and(|value| value != "0");
    if set(variables, "NO_COLOR").is_some() {
        return false;
    }
    if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") {
        return true;
    }
    is_tty
        && set(variables, "CLICOLOR") != Some("0")
        && set(variables, "TERM").is_some_and(|term| term != "dumb")
}

/// The locale says UTF-8, and nobody wants plain marks.
fn unicode(variables: &Variables) -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| set(variables, name)).unwrap_or_default();
    let is_utf8 = locale.to_ascii_lowercase().replace('-', "").contains("utf8");
    is_utf8 && set(variables, "MIYABI_ASCII").is_none() && set(variables, "TERM") != Some("dumb")
}

fn lang(variables: &Variables) -> Lang {
    let names = ["MIYABI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
    let wanted = names.iter().find_map(|name| set(variables, name)).unwrap_or_default();
    if wanted.to_ascii_lowercase().starts_with("ja") { Lang::Ja } else { Lang::En }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn colour_follows_flag_then_variables_then_terminal() {
        let xterm = ("TERM", "xterm");
        for (choice, is_tty, pairs, expected) in [
            (ColorChoice::Always, false, vec![("NO_COLOR", "1")], true),
            (ColorChoice::Never, true, vec![xterm, ("CLICOLOR_FORCE", "1")], false),
            (ColorChoice::Auto, true, vec![xterm], true),
            (ColorChoice::Auto, false, vec![xterm], false),
            (ColorChoice::Auto, true, vec![xterm, ("NO_COLOR", "1")], false),
            (ColorChoice::Auto, true, vec![xterm, ("NO_COLOR", "")], true),
            (ColorChoice::Auto, false, vec![("FORCE_COLOR", "1")], true),
            (ColorChoice::Auto, true, vec![xterm, ("CLICOLOR", "0")], false),
            (ColorChoice::Auto, true, vec![("TERM", "dumb")], false),
        ] {
            assert_eq!(color(choice, is_tty, &variables(&pairs)), expected, "{choice:?} {is_tty} {pairs:?}");
        }
    }

    #[test]
    fn language_and_marks_follow_the_locale() {
        let japanese = variables(&[("LANG", "ja_JP.UTF-8")]);
        assert_eq!((lang(&japanese), unicode(&japanese)), (Lang::Ja, true));
        let overridden = variables(&[("LANG", "ja_JP.UTF-8"), ("MIYABI_LANG", "en"), ("MIYABI_ASCII", "1")]);
        assert_eq!((lang(&overridden), unicode(&overridden)), (Lang::En, false));
        assert_eq!((lang(&variables(&[])), unicode(&variables(&[("LANG", "C")]))), (Lang::En, false));
    }
}
