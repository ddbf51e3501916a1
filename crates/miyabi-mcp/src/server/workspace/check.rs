//! `check`: the project's own commands, as the gates will run them, in the checkout.

use miyabi_core::error::Failure;
use miyabi_core::gate::Gate;
use miyabi_core::port::checkouts::{Exec, ExecOutcome, Program};
use miyabi_core::run::step::Effect;
use miyabi_core::sandbox::SandboxLimits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::output::{ending, succeeded, tail};
use super::{Call, refused};
use crate::registry::{Problem, Reply, Spec, Tool, Writes};

/// Builds and test suites take longer than what one types into a shell.
const WALL_MS: u64 = 600_000;

/// The tool.
pub(crate) struct Check;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// One gate; all in this order if left out.
    gate: Option<CheckedGate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckedGate {
    Format,
    Lint,
    Build,
    Test,
}

impl CheckedGate {
    const ALL: [Self; 4] = [Self::Format, Self::Lint, Self::Build, Self::Test];

    fn gate(self) -> Gate {
        match self {
            Self::Format => Gate::Format,
            Self::Lint => Gate::Lint,
            Self::Build => Gate::Build,
            Self::Test => Gate::Test,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Whether every command that was run succeeded.
    passed: bool,
    gates: Vec<GateOutput>,
    /// Stored outputs, in the order of the commands.
    artifacts: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct GateOutput {
    gate: CheckedGate,
    /// `pass`, `fail`, or `none` if no command is known.
    verdict: &'static str,
    duration_ms: u64,
}

impl Tool<Call> for Check {
    const SPEC: Spec = Spec {
        name: "check",
        title: "Run the project's checks",
        description: "Run the project's own format, lint, build and test commands, as the gates will. Stops at the first \
            that fails and shows the end of its log.",
        writes: Writes::Scratch,
        effect: Effect::Pure,
    };
    type Arguments = Arguments;
    type Output = Output;

    async fn run(call: &Call, arguments: Arguments) -> Result<Reply<Output>, Problem> {
        let gates = arguments.gate.map_or(CheckedGate::ALL.to_vec(), |gate| vec![gate]);
        let mut lines = Vec::new();
        let mut output = Output { passed: true, gates: Vec::new(), artifacts: Vec::new() };
        for gate in gates {
            lines.push(run_gate(call, gate, &mut output).await?);
            if !output.passed {
                break;
            }
        }
        let is_error = !output.passed;
        let reply = Reply::new(lines.join("\n"), output).changed();
        Ok(Reply { is_error, ..reply })
    }
}

/// Runs a gate's commands and says what came of them; what is to be kept goes to `output`.
async fn run_gate(call: &Call, gate: CheckedGate, output: &mut Output) -> Result<String, Problem> {
    let name = gate.gate().as_str();
    let mut duration_ms = 0;
    let mut failed = None;
    let commands = call.scope.checks.commands(gate.gate());
    for argv in commands {
        let outcome = exec(call, argv).await?;
        duration_ms += outcome.duration_ms;
        output.artifacts.push(outcome.log.to_string());
        if !succeeded(&outcome) {
            failed = Some(format!(
                "{name}: FAILED: `{}`: {}\n{}",
                argv.join(" "),
                ending(&outcome),
                tail(&outcome)
            ));
            break;
        }
    }
    let verdict = match (&failed, commands.is_empty()) {
        (Some(_), _) => "fail",
        (None, true) => "none",
        (None, false) => "pass",
    };
    output.passed &= failed.is_none();
    output.gates.push(GateOutput { gate, verdict, duration_ms });
    let passed = || match verdict {
        "none" => format!("{name}: no command is known"),
        _ => format!("{name}: passed, {duration_ms} ms"),
    };
    Ok(failed.unwrap_or_else(passed))
}

async fn exec(call: &Call, argv: &[String]) -> Result<ExecOutcome, Problem> {
    let limits = call.scope.limits.clone();
    let exec = Exec {
        program: Program::Argv(argv.to_vec()),
        folder: String::new(),
        limits: SandboxLimits { wall_ms: limits.wall_ms.max(WALL_MS), ..limits },
        network: false,
    };
    let outcome = call.checkouts.exec(&call.scope.checkout, &exec, &call.cancel).await.map_err(refused)?;
    if outcome.is_cancelled {
        return Err(Failure::cancelled().into());
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::Bench;

    fn sh(command: &str) -> Vec<Vec<String>> {
        vec![vec!["sh".into(), "-c".into(), command.into()]]
    }

    #[tokio::test]
    async fn all_gates_run_until_one_fails() {
        let mut bench = Bench::new();
        bench.scope.checks.format = sh("exit 0");
        bench.scope.checks.build = sh("echo building; echo wrong; exit 2");
        bench.scope.checks.test = sh("touch never");
        let result = bench.call("check", json!({})).await;
        let lines: Vec<_> = result.text.lines().collect();
        assert!(result.is_error && lines[0].starts_with("format: passed, "), "{}", result.text);
        assert_eq!(lines[1], "lint: no command is known");
        assert!(
            lines[2].starts_with("build: FAILED: `sh -c echo building; echo wrong; exit 2`: exit code 2, ")
        );
        assert_eq!(lines[3..], ["building", "wrong"]);
        assert!(!bench.has("never"));
        let data = result.structured.unwrap();
        assert_eq!((&data["passed"], &data["gates"][2]["verdict"]), (&json!(false), &json!("fail")));
    }

    #[tokio::test]
    async fn one_gate_can_be_named_and_long_logs_end_with_their_end() {
        let mut bench = Bench::new();
        bench.scope.checks.test = sh("seq 1 9999; exit 1");
        bench.scope.checks.lint = sh("exit 1");
        let result = bench.call("check", json!({"gate": "test"})).await;
        let data = result.structured.unwrap();
        let log = data["artifacts"][0].as_str().unwrap();
        assert!(result.text.contains(&format!("\n[the end; the whole: recall {log}]\n")), "{}", result.text);
        assert!(result.text.ends_with("\n9998\n9999\n") && result.text.len() < 6000);
    }

    #[tokio::test]
    async fn a_wrong_gate_is_told() {
        let result = Bench::new().call("check", json!({"gate": "deploy"})).await;
        assert_eq!(
            result.text,
            "wrong arguments: `gate`: unknown variant `deploy`, expected one of `format`, `lint`, `build`, `test`. \
             Expected: {gate?: \"format\" | \"lint\" | \"build\" | \"test\"}"
        );
    }
}
