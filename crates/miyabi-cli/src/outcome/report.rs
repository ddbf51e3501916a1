//! Prints errors to standard error: as one JSON document if that was asked for, else what, why, what to do, and where
//! to read more.

use std::io::Write as _;

use clap::error::{ContextKind, ContextValue};
use miyabi_dashboard::api::{Hint, Problem};
use unicode_width::UnicodeWidthStr as _;

use super::{Exit, UsageError, exit_of, problem_of};
use crate::context::Context;
use crate::format::wrap;
use crate::page;
use crate::style::{Painter, Role};
use crate::terminal::{ColorChoice, Lang, Terminal, Variables};

/// Columns that errors keep to.
const WIDTH: usize = 80;

/// How errors are told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    is_json: bool,
    painter: Painter,
    lang: Lang,
}

impl Voice {
    /// As a command's context has it.
    pub(crate) fn of(context: &Context) -> Self {
        Self { is_json: context.is_json(), painter: context.error_painter(), lang: context.lang() }
    }

    /// Before there is a context: by the raw words of the command line and the variables.
    pub(crate) fn guess(words: &[std::ffi::OsString], variables: &Variables) -> Self {
        let terminal = Terminal::look(ColorChoice::Auto, true, variables);
        let flags = words.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--");
        Self {
            is_json: flags.into_iter().any(|word| word == "--json" || word.starts_with("--json=")),
            painter: Painter { color: terminal.error_color, unicode: terminal.unicode },
            lang: terminal.lang,
        }
    }
}

/// Prints an error of a command and gives its exit code.
pub(crate) fn report(context: Option<&Context>, error: &anyhow::Error) -> Exit {
    let silent = Voice { is_json: false, painter: Painter { color: false, unicode: false }, lang: Lang::En };
    report_by(&context.map_or(silent, Voice::of), error)
}

/// Prints an error in this voice and gives its exit code.
pub(crate) fn report_by(voice: &Voice, error: &anyhow::Error) -> Exit {
    let problem = problem_of(error);
    let text = if voice.is_json {
        serde_json::to_string(&problem).unwrap_or_else(|_| problem.detail.to_string())
    } else {
        render(&problem, voice)
    };
    let mut err = std::io::stderr().lock();
    // Standard error is closed: the exit code says it all the same.
    let _ = writeln!(err, "{text}");
    exit_of(problem.code)
}

/// A command line that could not be read, as an error of ours.
pub(crate) fn unwritten(error: &clap::Error) -> anyhow::Error {
    let text = error.to_string();
    let message: Vec<&str> = text
        .lines()
        .take_while(|line| {
            let ends = ["tip:", "Usage:", "For more information"];
            !ends.iter().any(|end| line.trim_start().starts_with(end))
        })
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let message = message.join(" ").trim_start_matches("error: ").to_owned();
    let suggested = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
        ContextKind::Suggested,
    ];
    let suggested = suggested.iter().find_map(|kind| match error.get(*kind)? {
        ContextValue::String(word) => Some(word.clone()),
        // The closest one comes last.
        ContextValue::Strings(words) => words.last().cloned(),
        ContextValue::StyledStrs(words) => words.first().map(ToString::to_string),
        _ => None,
    });
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: ")).map(str::to_owned);
    let fix = match (suggested, usage) {
        (Some(word), _) if word.contains(' ') => Some(word),
        (Some(word), _) => Some(format!("did you mean `{word}`?")),
        (None, Some(usage)) => Some(usage),
        (None, None) => Some("miyabi help".to_owned()),
    };
    UsageError { message, fix }.into()
}

fn render(problem: &Problem, voice: &Voice) -> String {
    let Voice { painter, lang, .. } = *voice;
    let mut lines = Vec::new();
    let mut say = |role: Option<Role>, label: String, text: &str| {
        let used = label.width() + 1;
        let indent = if label.starts_with(' ') { used } else { 2 };
        let text = wrap(text, WIDTH, used, indent);
        lines.push(match role {
            Some(Role::Dim) => painter.paint(Role::Dim, &format!("{label} {text}")),
            Some(role) => format!("{} {text}", painter.paint(role, &label)),
            None => format!("{label} {text}"),
        });
    };
    let detail = clean(&problem.detail);
    match lang {
        Lang::En => say(Some(Role::Bad), lang.label_error(), &detail),
        Lang::Ja => {
            say(Some(Role::Bad), lang.label_error(), &page::summary(problem.code, lang));
            say(None, lang.label_detail(), &detail);
        }
    }
    for field in &problem.errors {
        say(None, lang.label_why(), &clean(&format!("{}: {}", field.field, field.message)));
    }
    for Hint { text, command } in &problem.hints {
        // A cure is copied to the prompt, so it stays on one line.
        let text = match command {
            Some(command) => format!("{command}    ({text})"),
            None => text.clone(),
        };
        lines.push(format!("{} {}", lang.label_fix(), clean(&text)));
    }
    let mut say = |label: String, text: String| {
        lines.push(painter.paint(Role::Dim, &format!("{label} {text}")));
    };
    let request = match &*problem.request_id {
        "" => String::new(),
        id => format!("  request {id}"),
    };
    if problem.hints.is_empty() {
        let advice = page::advice(problem.code, lang);
        let label = lang.label_fix();
        say(label.clone(), wrap(&advice, WIDTH, label.width() + 1, label.width() + 1));
    }
    say(lang.label_ref(), format!("{}{request}", problem.code));
    say(lang.label_docs(), format!("miyabi help {}", problem.code));
    lines.join("\n")
}

/// Texts from outside can't steer the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use miyabi_core::error::ErrorCode;

    use super::*;

    fn voice(lang: Lang) -> Voice {
        Voice { is_json: false, painter: Painter { color: false, unicode: true }, lang }
    }

    fn example() -> Problem {
        let detail =
            "project `web` has a file that somebody else has changed in the meantime: \u{1b}[31m`a.rs`";
        Problem::new(ErrorCode::CheckoutDirty, detail)
            .with_error("budget.cost_usd", "must be an amount, not `much` (user file)")
            .with_hint("see what changed", Some("git status"))
    }

    #[test]
    fn an_error_says_what_why_what_to_do_and_where_to_read_more() {
        insta::assert_snapshot!(render(&example(), &voice(Lang::En)), @r"
        error: project `web` has a file that somebody else has changed in the meantime:
          [31m`a.rs`
          why: budget.cost_usd: must be an amount, not `much` (user file)
          fix: git status    (see what changed)
          ref: CHECKOUT_DIRTY
          docs: miyabi help CHECKOUT_DIRTY
        ");
    }

    #[test]
    fn in_japanese_the_summary_comes_first() {
        insta::assert_snapshot!(render(&example(), &voice(Lang::Ja)));
    }

    #[test]
    fn without_a_hint_the_page_gives_the_advice() {
        for code in ErrorCode::ALL {
            for lang in [Lang::En, Lang::Ja] {
                let text = render(&Problem::new(*code, "x"), &voice(lang));
                assert!(text.contains(&lang.label_fix()), "{code}: {text}");
                assert!(text.lines().all(|line| line.width() <= WIDTH), "{code}: {text}");
            }
        }
    }

    #[test]
    fn a_command_line_that_can_not_be_read_says_what_was_meant() {
        let parse = |words: &[&str]| {
            let words = std::iter::once("miyabi").chain(words.iter().copied()).map(Into::into);
            let error = crate::args::parse(words).expect_err("a wrong command line");
            let problem = problem_of(&unwritten(&error));
            format!("{} | {}", problem.detail, problem.hints[0].text)
        };
        insta::assert_snapshot!(
            [
                parse(&["rnus"]),
                parse(&["runs", "lst"]),
                parse(&["run"]),
                parse(&["run", "x", "--autonmy", "pr"]),
                parse(&["run", "x", "--autonomy", "prr"]),
                parse(&["runs", "list", "--limit", "x"]),
            ]
            .join("\n")
        );
    }
}
