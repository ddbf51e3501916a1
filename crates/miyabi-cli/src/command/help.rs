//! `help`: commands, topics and the error reference, all of it part of the program.

use anyhow::Result;
use miyabi_core::config::nearest;
use miyabi_core::error::ErrorCode;

use crate::args;
use crate::context::Context;
use crate::outcome::{Exit, usage};
use crate::page;
use crate::print;
use crate::style::{Painter, Role};
use crate::terminal::Lang;

/// A page about something that several commands share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Topic {
    /// What it is asked for by.
    pub(crate) name: &'static str,
    english: &'static str,
    japanese: &'static str,
}

macro_rules! topics {
    ($($name:literal),* $(,)?) => {
        /// All topics, in the order of help.
        pub(crate) const TOPICS: &[Topic] = &[$(Topic {
            name: $name,
            english: include_str!(concat!("../../../../docs/help/en/", $name, ".md")),
            japanese: include_str!(concat!("../../../../docs/help/ja/", $name, ".md")),
        },)*];
    };
}

topics!["config", "environment", "exit-codes", "json", "policies", "errors"];

impl Topic {
    fn text(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.english,
            Lang::Ja => self.japanese,
        }
    }

    /// What it is about: its heading.
    fn heading(&self, lang: Lang) -> &'static str {
        self.text(lang).lines().next().unwrap_or_default().trim_start_matches("# ")
    }
}

/// `miyabi help`.
///
/// # Errors
/// When there is no such command, topic or code.
pub(crate) fn run(context: &Context, words: &[String]) -> Result<Exit> {
    let text = match words {
        [] => overview(context.lang()),
        [word, rest @ ..] => find(context.lang(), word, rest)?,
    };
    if context.is_json() {
        let topic = words.join(" ");
        print::json(context, &serde_json::json!({ "topic": topic, "text": text }))?;
        return Ok(Exit::OK);
    }
    let lines: Vec<String> = text.trim_end().lines().map(|line| styled(line, context.painter())).collect();
    print::paged(context, &lines)?;
    Ok(Exit::OK)
}

fn overview(lang: Lang) -> String {
    let mut text = args::command().render_long_help().to_string();
    text.push_str(&format!("\n{}\n", lang.help_topics()));
    for topic in TOPICS {
        text.push_str(&format!("  miyabi help {:<12}  {}\n", topic.name, topic.heading(lang)));
    }
    text.push_str(&format!("  miyabi help CODE          {}\n", lang.help_codes()));
    text
}

fn find(lang: Lang, word: &str, rest: &[String]) -> Result<String> {
    if rest.is_empty() {
        if let Some(topic) = TOPICS.iter().find(|topic| topic.name == word) {
            return Ok(match topic.name {
                "errors" => format!("{}\n{}", topic.text(lang), codes(lang)),
                _ => topic.text(lang).to_owned(),
            });
        }
        if let Ok(code) = word.parse::<ErrorCode>() {
            return Ok(page::of(code, lang).to_owned());
        }
    }
    let mut command = args::command();
    command.build();
    let mut found = &mut command;
    for word in std::iter::once(word).chain(rest.iter().map(String::as_str)) {
        if found.find_subcommand(word).is_none() {
            return Err(unknown(found, word));
        }
        found = found.find_subcommand_mut(word).ok_or_else(|| usage("no such command", "miyabi help"))?;
    }
    Ok(found.render_long_help().to_string())
}

fn unknown(command: &clap::Command, word: &str) -> anyhow::Error {
    let is_root = command.get_name() == "miyabi";
    let lower = word.to_lowercase();
    let commands = command.get_subcommands().map(clap::Command::get_name);
    let topics = TOPICS.iter().map(|topic| topic.name).filter(|_| is_root);
    let near = nearest(word, commands.chain(topics)).map(str::to_owned);
    let codes: Vec<String> = ErrorCode::ALL.iter().map(|code| code.as_str().to_lowercase()).collect();
    let code = || nearest(&lower, codes.iter().map(String::as_str)).map(str::to_uppercase);
    let near = near.or_else(|| code().filter(|_| is_root));
    let fix =
        near.map_or_else(|| "miyabi help".to_owned(), |near| format!("did you mean `miyabi help {near}`?"));
    usage(format!("there is no command, topic or error code `{word}`"), fix)
}

/// All codes with what they mean.
fn codes(lang: Lang) -> String {
    let mut text = String::new();
    for code in ErrorCode::ALL {
        let summary = crate::format::wrap(&page::summary(*code, lang), 80, 4, 4);
        text.push_str(&format!("{code}\n    {summary}\n"));
    }
    text
}

/// Headings stand out; everything else is read as it is written.
fn styled(line: &str, painter: Painter) -> String {
    if line.starts_with('#') { painter.paint(Role::Bold, line) } else { line.to_owned() }
}
