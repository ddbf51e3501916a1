//! `ask`: a question to a person. The run waits for the answer.

use miyabi_core::run::step::Effect;
use miyabi_core::run::value::Control;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Call, at_most};
use crate::registry::{Problem, Reply, Spec, Tool, Writes};

const MAX_QUESTION_BYTES: usize = 4 * 1024;

/// The tool.
pub(crate) struct Ask;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    question: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    asked: bool,
}

impl Tool<Call> for Ask {
    const SPEC: Spec = Spec {
        name: "ask",
        title: "Ask a person",
        description: "Ask a person and wait, possibly for days. Only for a decision that is not yours and that nothing \
            in the project answers.",
        writes: Writes::Nothing,
        effect: Effect::Pure,
    };
    type Arguments = Arguments;
    type Output = Output;

    async fn run(_: &Call, Arguments { question }: Arguments) -> Result<Reply<Output>, Problem> {
        at_most("question", &question, MAX_QUESTION_BYTES)?;
        let text = question.trim();
        if text.is_empty() {
            return Err(Problem::told("`question` is empty"));
        }
        let mut reply = Reply::new("asked; the answer comes as a message", Output { asked: true });
        reply.control = Some(Control::Question { text: text.to_owned() });
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use miyabi_core::run::value::Control;
    use serde_json::json;

    use crate::fake::Bench;

    #[tokio::test]
    async fn a_question_goes_to_the_run() {
        let bench = Bench::new();
        let result = bench.call("ask", json!({"question": " Which one? "})).await;
        assert_eq!(result.control, Some(Control::Question { text: "Which one?".into() }));
        let result = bench.call("ask", json!({"question": " "})).await;
        assert_eq!((result.is_error, result.control), (true, None));
    }
}
