//! `finish`: the agent says that its work is done. The host believes none of it before the gates have spoken.

use std::collections::BTreeSet;

use miyabi_core::run::step::Effect;
use miyabi_core::run::value::{self, Control, Proof};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Call, at_most};
use crate::registry::{Problem, Reply, Spec, Tool, Writes};

const MAX_SUMMARY_BYTES: usize = 8 * 1024;
const MAX_COMMAND_BYTES: usize = 4 * 1024;
const MAX_PROOFS: usize = 50;

/// The tool.
pub(crate) struct Finish;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// What was done and why, for the commit message.
    summary: String,
    /// True if nothing needed to be changed.
    no_change: Option<bool>,
    /// Per acceptance item (by number) a shell command that exits 0 only if it holds.
    proofs: Option<Vec<ProofArgument>>,
    /// For a bug: a command that fails before the change and passes after it.
    reproduction: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofArgument {
    item: usize,
    command: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Acceptance items for which a proof was named.
    proven_items: Vec<usize>,
}

impl Tool<Call> for Finish {
    const SPEC: Spec = Spec {
        name: "finish",
        title: "Finish the task",
        description: "Hand the work over. The host then runs all gates and your proofs in a clean clone; what fails comes \
            back to you.",
        writes: Writes::Nothing,
        effect: Effect::Pure,
    };
    type Arguments = Arguments;
    type Output = Output;

    async fn run(_: &Call, arguments: Arguments) -> Result<Reply<Output>, Problem> {
        let finish = checked(arguments)?;
        let output = Output { proven_items: finish.proofs.iter().map(|proof| proof.item).collect() };
        let mut reply = Reply::new("handed over to the gates", output);
        reply.control = Some(Control::Finish(finish));
        Ok(reply)
    }
}

fn checked(arguments: Arguments) -> Result<value::Finish, Problem> {
    at_most("summary", &arguments.summary, MAX_SUMMARY_BYTES)?;
    let summary = arguments.summary.trim();
    if summary.is_empty() {
        return Err(Problem::told("`summary` is empty; say what was done and why"));
    }
    let given = arguments.proofs.unwrap_or_default();
    if given.len() > MAX_PROOFS {
        return Err(Problem::told(format!(
            "`proofs` has {} entries; at most {MAX_PROOFS} are taken",
            given.len()
        )));
    }
    let mut items = BTreeSet::new();
    let mut proofs = Vec::new();
    for (index, ProofArgument { item, command }) in given.into_iter().enumerate() {
        let command = checked_command(&format!("proofs[{index}].command"), &command)?;
        if !items.insert(item) {
            return Err(Problem::told(format!(
                "`proofs[{index}]`: item {item} has a proof already; join them with &&"
            )));
        }
        proofs.push(Proof { item, command });
    }
    let reproduction = match arguments.reproduction.as_deref() {
        None => None,
        Some(command) => Some(checked_command("reproduction", command)?),
    };
    Ok(value::Finish {
        summary: summary.to_owned(),
        no_change: arguments.no_change.unwrap_or(false),
        proofs,
        reproduction,
    })
}

fn checked_command(field: &str, command: &str) -> Result<String, Problem> {
    at_most(field, command, MAX_COMMAND_BYTES)?;
    let command = command.trim();
    if command.is_empty() || command.contains('\0') {
        return Err(Problem::told(format!("`{field}` is no command")));
    }
    // A command that succeeds whatever is there shows nothing; the gates would refuse it much later.
    if matches!(command, "true" | ":" | "exit 0" | "/bin/true")
        || command.starts_with("echo ") && !command.contains(['&', '|', ';', '\n', '`', '$'])
    {
        return Err(Problem::told(format!(
            "`{field}`: `{command}` succeeds whatever the code does, so it proves nothing"
        )));
    }
    Ok(command.to_owned())
}

#[cfg(test)]
mod tests {
    use miyabi_core::run::value::{Control, Finish, Proof};
    use serde_json::json;

    use crate::fake::Bench;

    #[tokio::test]
    async fn a_finish_is_handed_to_the_run() {
        let bench = Bench::new();
        let finish = json!({
            "summary": " Fix the sum\n\nIt was off by one. ",
            "proofs": [{"item": 0, "command": "cargo test sum"}],
            "reproduction": "cargo test off_by_one",
        });
        let result = bench.call("finish", finish).await;
        let expected = Finish {
            summary: "Fix the sum\n\nIt was off by one.".into(),
            no_change: false,
            proofs: vec![Proof { item: 0, command: "cargo test sum".into() }],
            reproduction: Some("cargo test off_by_one".into()),
        };
        assert_eq!(result.control, Some(Control::Finish(expected)));
        assert!(!result.is_error && !result.may_have_changed);
    }

    #[tokio::test]
    async fn what_says_nothing_is_refused() {
        let bench = Bench::new();
        for (arguments, expected) in [
            (json!({"summary": " \n"}), "`summary` is empty; say what was done and why"),
            (json!({"summary": "a", "reproduction": " "}), "`reproduction` is no command"),
            (
                json!({"summary": "a", "proofs": [{"item": 0, "command": "true"}]}),
                "`proofs[0].command`: `true` succeeds whatever the code does, so it proves nothing",
            ),
            (
                json!({"summary": "a", "proofs": [{"item": 1, "command": "x"}, {"item": 1, "command": "y"}]}),
                "`proofs[1]`: item 1 has a proof already; join them with &&",
            ),
            (
                json!({"summary": "a", "proofs": [{"item": "one", "command": "x"}]}),
                "wrong arguments: `proofs[0].item`: invalid type: string \"one\", expected usize. Expected: \
                 {no_change?: boolean, proofs?: [{command: string, item: integer}], reproduction?: string, summary: string}",
            ),
        ] {
            let result = bench.call("finish", arguments).await;
            assert_eq!((result.is_error, result.control.is_some()), (true, false));
            assert_eq!(result.text, expected);
        }
    }
}
