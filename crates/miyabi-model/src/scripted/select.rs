//! Which answer of a script fits a request, computed from the request alone.

use globset::GlobBuilder;
use miyabi_core::port::model::{Message, OutputFormat, Request};

use super::rule::{Rule, Script, ScriptedAnswer, When};

/// The turn of a request: 1 before the first message of the assistant.
pub(super) fn turn(request: &Request) -> u32 {
    let said = request.messages.iter().filter(|message| is_assistant(message)).count();
    u32::try_from(said).unwrap_or(u32::MAX).saturating_add(1)
}

/// The answer to a try of a request, if any rule fits.
pub(super) fn select<'a>(script: &'a Script, request: &Request, tries: u32) -> Option<&'a ScriptedAnswer> {
    let mut uses = vec![0_u32; script.rules.len()];
    let ends = request.messages.iter().enumerate().filter(|(_, message)| is_assistant(message));
    // Each earlier turn used a rule, and before it those that failed until its answer came.
    for (turn, (end, _)) in (1..).zip(ends) {
        let moment = Moment { request, messages: &request.messages[..end], turn };
        while let Some(answer) = moment.next(script, &mut uses) {
            if answer.error.is_none() || !may_run_out(script, &moment) {
                break;
            }
        }
    }
    let moment = Moment { request, messages: &request.messages, turn: turn(request) };
    let mut answer = moment.next(script, &mut uses)?;
    for _ in 1..tries {
        if answer.error.is_none() {
            break;
        }
        answer = moment.next(script, &mut uses)?;
    }
    Some(answer)
}

/// Whether the failures that fit a moment end at some time. If not, the answer of that turn came from elsewhere,
/// such as a fallback, and going on would not end.
fn may_run_out(script: &Script, moment: &Moment<'_>) -> bool {
    script.rules.iter().filter(|rule| moment.fits(&rule.when)).all(|rule| {
        let fails = rule.answer.as_ref().is_some_and(|answer| answer.error.is_some());
        !fails || rule.times.is_some()
    })
}

/// A request as it was at one of its turns.
struct Moment<'a> {
    request: &'a Request,
    messages: &'a [Message],
    turn: u32,
}

impl Moment<'_> {
    /// The answer of the first rule that fits and is not used up; counts the use.
    fn next<'a>(&self, script: &'a Script, uses: &mut [u32]) -> Option<&'a ScriptedAnswer> {
        let (rule, used) = script
            .rules
            .iter()
            .zip(uses)
            .find(|(rule, used)| available(rule, **used) && self.fits(&rule.when))?;
        let answer = match &rule.answer {
            Some(answer) => Some(answer),
            None => rule.answers.get(usize::try_from(*used).ok()?),
        };
        *used += 1;
        answer
    }

    fn fits(&self, when: &When) -> bool {
        let When { schema, session, turn, system_contains, last_contains, tool } = when;
        let has = |wanted: &Option<String>, test: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(test);
        turn.is_none_or(|turn| turn == self.turn)
            && has(
                schema,
                &|schema| matches!(&self.request.output, OutputFormat::Json { name, .. } if name == schema),
            )
            && has(session, &|glob| session_fits(glob, &self.request.cache_key))
            && has(system_contains, &|text| self.request.system.contains(text))
            && has(last_contains, &|text| self.newest().any(|message| message.contains(text)))
            && has(tool, &|name| self.request.tools.iter().any(|tool| tool.name == name))
    }

    /// The texts after the last message of the assistant.
    fn newest(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().rev().take_while(|message| !is_assistant(message)).map(|message| match message {
            Message::User { text } | Message::Assistant { text, .. } => text.as_str(),
            Message::Tool { content, .. } => content.as_str(),
        })
    }
}

fn available(rule: &Rule, used: u32) -> bool {
    let limit = match rule.answer {
        Some(_) => rule.times,
        None => u32::try_from(rule.answers.len()).ok(),
    };
    limit.is_none_or(|limit| used < limit)
}

/// Whether a glob fits the session, that is what follows the run's id in the cache key, or the whole key.
fn session_fits(glob: &str, cache_key: &str) -> bool {
    let Ok(glob) = GlobBuilder::new(glob).literal_separator(true).build() else {
        return false;
    };
    let glob = glob.compile_matcher();
    let session = cache_key.split_once('/').map_or(cache_key, |(_, session)| session);
    glob.is_match(session) || glob.is_match(cache_key)
}

const fn is_assistant(message: &Message) -> bool {
    matches!(message, Message::Assistant { .. })
}
