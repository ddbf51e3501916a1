//! `plan`: the agent's own notes. They live in the conversation and nowhere else.

use miyabi_core::run::step::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Call, at_most};
use crate::registry::{Problem, Reply, Spec, Tool, Writes};
use crate::text;

const MAX_STEPS: usize = 50;
const MAX_TEXT_BYTES: usize = 1000;
const SHOWN_BYTES: usize = 200;

/// The tool.
pub(crate) struct Plan;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    steps: Vec<PlanStep>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanStep {
    text: String,
    #[serde(default)]
    done: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    steps: usize,
    done: usize,
}

impl Tool<Call> for Plan {
    const SPEC: Spec = Spec {
        name: "plan",
        title: "Note the plan",
        description: "Note your steps and which are done, for work of several steps. Replaces the plan before it.",
        writes: Writes::Nothing,
        effect: Effect::Pure,
    };
    type Arguments = Arguments;
    type Output = Output;

    async fn run(_: &Call, Arguments { steps }: Arguments) -> Result<Reply<Output>, Problem> {
        if steps.len() > MAX_STEPS {
            return Err(Problem::told(format!(
                "a plan of {} steps is too long; at most {MAX_STEPS}",
                steps.len()
            )));
        }
        for (index, step) in steps.iter().enumerate() {
            at_most(&format!("steps[{index}].text"), &step.text, MAX_TEXT_BYTES)?;
        }
        let done = steps.iter().filter(|step| step.done).count();
        let next = steps.iter().find(|step| !step.done);
        let next = next.map(|step| format!("; next: {}", text::cut(step.text.trim(), SHOWN_BYTES)));
        let text = format!("{done} of {} done{}", steps.len(), next.unwrap_or_default());
        let output = Output { steps: steps.len(), done };
        Ok(Reply::new(text, output))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::Bench;

    #[tokio::test]
    async fn the_plan_is_echoed_in_one_line() {
        let bench = Bench::new();
        let steps =
            json!([{"text": "look", "done": true}, {"text": "change", "done": false}, {"text": "test"}]);
        let result = bench.call("plan", json!({"steps": steps})).await;
        assert_eq!((result.text.as_str(), result.may_have_changed), ("1 of 3 done; next: change", false));
        let result = bench.call("plan", json!({"steps": []})).await;
        assert_eq!(result.text, "0 of 0 done");
    }

    #[tokio::test]
    async fn a_plan_has_an_end() {
        let bench = Bench::new();
        let steps = vec![json!({"text": "x"}); 51];
        let result = bench.call("plan", json!({"steps": steps})).await;
        assert_eq!(result.text, "a plan of 51 steps is too long; at most 50");
        let result = bench.call("plan", json!({"steps": [{"text": "x".repeat(1001)}]})).await;
        assert_eq!(result.text, "`steps[0].text` has 1001 bytes; at most 1000 are taken");
    }
}
