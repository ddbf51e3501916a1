//! A conversation with a model: what was said, which tool calls are open, whether it goes in circles.
//!
//! Only digests are held here. Results of parallel calls are put into the conversation in the order of the calls, and
//! words that arrive in between wait until all calls are answered, so the conversation never depends on timing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::step::{GateTarget, Step};
use super::value::{CallRef, Called, Control, Finish, Judgement, Opening, Turn};
use crate::digest::Digest;

/// Equal calls with equal results, and no file changed in between, after which the agent is told.
const REPEATS_TOLD: u32 = 3;

/// A conversation's state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Session {
    /// Instructions and task; known once the first answer came.
    pub opening: Option<Opening>,
    /// What was said since then, or since the last summary.
    pub entries: Vec<Entry>,
    /// Answers so far; also the number of the next one.
    pub turn: u32,
    /// Calls of the last answer, in its order; empty when all are answered.
    pub calls: Vec<OpenCall>,
    /// Words that wait for the open calls.
    queued: Vec<Entry>,
    /// Unusable answers in a row.
    pub corrections: u32,
    /// `finish` calls that were refused.
    pub finishes: u32,
    /// Summaries made.
    pub compactions: u32,
    /// Entries before this one carry no tool output any more.
    pub masked_before: usize,
    /// What the role made of the last answer, if that ended the conversation.
    pub accepted: Option<Judgement>,
    /// The agent repeats itself although it was told.
    pub is_stuck: bool,
    /// Whether `finish` was accepted.
    pub is_finished: bool,
    /// Calls by content and result since a file last changed.
    repeats: BTreeMap<Digest, u32>,
    last_snapshot: Option<Digest>,
}

/// A tool call that is part of the last answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenCall {
    /// The call.
    pub call: CallRef,
    /// Its result, once known.
    pub result: Option<CallResult>,
    /// What it means for the conversation, if it is addressed to the run.
    pub control: Option<Control>,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Entry {
    /// A model's answer.
    Answer {
        /// The answer.
        digest: Digest,
        /// Its size, in tokens.
        tokens: u64,
    },
    /// The result of a tool call.
    Result {
        /// The call.
        call: CallRef,
        /// The result.
        result: CallResult,
    },
    /// A person's words.
    Guidance {
        /// The words.
        text: Digest,
        /// Their size, in tokens.
        tokens: u64,
    },
    /// Our own words: a correction, a warning.
    Note {
        /// The words.
        text: String,
    },
    /// What was said before, shortened.
    Summary {
        /// The summary.
        digest: Digest,
        /// Its size, in tokens.
        tokens: u64,
    },
}

/// Where a tool call's result comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum CallResult {
    /// The tool.
    Tool {
        /// What it said.
        digest: Digest,
        /// Its size, in tokens.
        tokens: u64,
        /// Whether it failed.
        is_error: bool,
    },
    /// The host's gates, which refused a `finish`.
    Gates {
        /// The gates' step.
        target: GateTarget,
    },
    /// What was merged meanwhile contradicts the change; the clone has been brought up to date.
    Refresh {
        /// The refreshing step.
        step: Step,
    },
    /// Our own words.
    Host {
        /// The words.
        text: String,
        /// Whether the call failed.
        is_error: bool,
    },
    /// A person's answer.
    Person {
        /// The words.
        text: Digest,
        /// Their size, in tokens.
        tokens: u64,
    },
}

/// What the model is told about a call that was open when the process ended.
pub const OUTCOME_UNKNOWN: &str = "outcome unknown: the program ended while this call was running. It may have run in \
    part or not at all, and was not repeated. Look at the state of the files before you decide what to do.";

impl Entry {
    /// Its size in tokens, as far as it is known here.
    fn tokens(&self) -> u64 {
        /// Gate reports and refresh notes are rendered when they are sent; their size is bounded by this.
        const RENDERED_TOKENS: u64 = 1_500;
        match self {
            Self::Answer { tokens, .. } | Self::Guidance { tokens, .. } | Self::Summary { tokens, .. } => {
                *tokens
            }
            Self::Note { text } => crate::budget::estimate_tokens(text),
            Self::Result { result, .. } => match result {
                CallResult::Tool { tokens, .. } | CallResult::Person { tokens, .. } => *tokens,
                CallResult::Host { text, .. } => crate::budget::estimate_tokens(text),
                CallResult::Gates { .. } | CallResult::Refresh { .. } => RENDERED_TOKENS,
            },
        }
    }
}

impl Session {
    /// The conversation's size in tokens, masked tool output not counted.
    pub fn tokens(&self) -> u64 {
        let opening = self.opening.as_ref().map_or(0, |opening| opening.tokens);
        let masked = |(index, entry): (usize, &Entry)| {
            let hidden = index < self.masked_before && matches!(entry, Entry::Result { .. });
            if hidden { 16 } else { entry.tokens() }
        };
        opening + self.entries.iter().enumerate().map(masked).sum::<u64>()
    }

    /// Takes in a model's answer.
    pub fn on_turn(&mut self, turn: &Turn) {
        if self.opening.is_none() {
            self.opening.clone_from(&turn.opening);
        }
        self.turn += 1;
        self.entries.push(Entry::Answer { digest: turn.answer, tokens: turn.tokens });
        self.calls = turn
            .calls
            .iter()
            .map(|call| OpenCall { call: call.clone(), result: None, control: None })
            .collect();
        match &turn.judgement {
            Judgement::Calls => self.corrections = 0,
            Judgement::Corrected { note } => {
                self.corrections += 1;
                self.say(Entry::Note { text: note.clone() });
            }
            accepted => self.accepted = Some(accepted.clone()),
        }
    }

    /// Takes in a tool's result.
    pub fn on_called(&mut self, index: u32, called: &Called) {
        let Some(open) = self.calls.get_mut(index as usize) else {
            return;
        };
        if let Some(control) = &called.control {
            open.control = Some(control.clone());
            return;
        }
        let result =
            CallResult::Tool { digest: called.result, tokens: called.tokens, is_error: called.is_error };
        if called.snapshot.is_some() && called.snapshot != self.last_snapshot {
            self.last_snapshot = called.snapshot;
            self.repeats.clear();
        }
        self.answer(index, result);
    }

    /// Answers an open call; when it was the last one, the conversation goes on.
    pub fn answer(&mut self, index: u32, result: CallResult) {
        let Some(open) = self.calls.get_mut(index as usize) else {
            return;
        };
        if open.result.is_some() {
            return;
        }
        open.result = Some(result);
        if self.calls.iter().all(|open| open.result.is_some()) {
            self.flush();
        }
    }

    /// Refuses the open `finish`: the work goes on with what the host found.
    pub fn refuse_finish(&mut self, result: CallResult) {
        if let Some((index, _)) = self.open_finish() {
            self.finishes += 1;
            // What stands behind a `finish` in the same answer was asked for on the assumption that it holds.
            for later in index as usize + 1..self.calls.len() {
                let text = "not run: the `finish` before it was refused".to_owned();
                self.calls[later].result.get_or_insert(CallResult::Host { text, is_error: true });
            }
            self.answer(index, result);
        }
    }

    /// Adds words; they wait for open calls.
    pub fn say(&mut self, entry: Entry) {
        if self.calls.is_empty() {
            self.entries.push(entry);
        } else {
            self.queued.push(entry);
        }
    }

    /// The `finish` call that waits for the host's verdict.
    pub fn open_finish(&self) -> Option<(u32, &Finish)> {
        self.open_control().find_map(|(index, control)| match control {
            Control::Finish(finish) => Some((index, finish)),
            Control::Question { .. } => None,
        })
    }

    /// The question that waits for a person.
    pub fn open_question(&self) -> Option<(u32, &str)> {
        self.open_control().find_map(|(index, control)| match control {
            Control::Question { text } => Some((index, text.as_str())),
            Control::Finish(_) => None,
        })
    }

    /// The calls to carry out now, by number: the first that is not answered, and if that only reads, those behind it
    /// that only read too.
    pub fn ready_calls(&self) -> Vec<u32> {
        let mut ready = Vec::new();
        let mut is_first = true;
        for (index, open) in (0..).zip(&self.calls) {
            if open.result.is_some() {
                continue;
            }
            if !open.call.reads_only && !is_first {
                break;
            }
            is_first = false;
            // A question or a `finish` waits for somebody else; what only reads need not wait for that.
            if open.control.is_none() {
                ready.push(index);
            }
            if !open.call.reads_only {
                break;
            }
        }
        ready
    }

    /// Leaves out tool output before this entry from now on.
    pub fn mask_before(&mut self, before: u32) {
        self.masked_before = self.masked_before.max((before as usize).min(self.entries.len()));
    }

    /// Replaces all but the latest part of the conversation by a summary.
    pub fn on_compacted(&mut self, summary: Digest, tokens: u64) {
        let keep_from = self.tail_start();
        let tail = self.entries.split_off(keep_from);
        self.entries = vec![Entry::Summary { digest: summary, tokens }];
        self.entries.extend(tail);
        self.masked_before = 0;
        self.compactions += 1;
    }

    /// Where the part begins that a summary leaves as it is: the last few answers with their results. Never between
    /// an answer and the results of its calls.
    pub fn tail_start(&self) -> usize {
        const ANSWERS_KEPT: usize = 4;
        let answers =
            self.entries.iter().enumerate().filter(|(_, entry)| matches!(entry, Entry::Answer { .. }));
        answers.map(|(index, _)| index).rev().take(ANSWERS_KEPT).last().unwrap_or(0)
    }

    fn open_control(&self) -> impl Iterator<Item = (u32, &Control)> {
        (0..)
            .zip(&self.calls)
            .filter(|(_, open)| open.result.is_none())
            .filter_map(|(index, open)| open.control.as_ref().map(|control| (index, control)))
    }

    fn flush(&mut self) {
        for OpenCall { call, result, .. } in std::mem::take(&mut self.calls) {
            let Some(result) = result else { continue };
            self.count_repeat(&call, &result);
            self.entries.push(Entry::Result { call, result });
        }
        self.entries.append(&mut self.queued);
    }

    fn count_repeat(&mut self, call: &CallRef, result: &CallResult) {
        let signature = Digest::of_json(&(&call.tool, &call.arguments, result));
        let count = self.repeats.entry(signature).or_insert(0);
        *count += 1;
        if *count == REPEATS_TOLD {
            let text = format!(
                "You have made this call of `{}` {REPEATS_TOLD} times with the same result, and no file changed in \
                 between. Do something else: look elsewhere, change the files, `ask`, or `finish`. Making the same \
                 call once more ends this run.",
                call.tool
            );
            self.queued.push(Entry::Note { text });
        }
        self.is_stuck |= *count > REPEATS_TOLD;
    }
}
