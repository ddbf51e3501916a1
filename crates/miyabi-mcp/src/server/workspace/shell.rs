//! `shell`: a command in the sandbox.

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::port::checkouts::{Exec, Program};
use miyabi_core::run::step::Effect;
use miyabi_core::sandbox::SandboxLimits;
use schemars::JsonSchema;
use serde::Deserialize;

use super::output::{Ended, ending, shown};
use super::{Call, at_most, refused};
use crate::path;
use crate::registry::{Problem, Reply, Spec, Tool, Writes};

const MAX_COMMAND_BYTES: usize = 64 * 1024;
const DEFAULT_TIMEOUT_S: u64 = 120;
const MAX_TIMEOUT_S: u64 = 600;

/// The tool.
pub(crate) struct Shell;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    command: String,
    /// Relative to the root.
    folder: Option<String>,
    timeout_s: Option<u64>,
}

impl Tool<Call> for Shell {
    const SPEC: Spec = Spec {
        name: "shell",
        title: "Run a command",
        description: "Run a `sh -c` command in the sandbox: no network, no input, nothing it starts outlives it. \
            Timeout 120 s by default, 600 at most. Shows the first and last 5 kB of output; page the rest with `recall`.",
        writes: Writes::Files,
        effect: Effect::Ask,
    };
    type Arguments = Arguments;
    type Output = Ended;

    async fn run(call: &Call, arguments: Arguments) -> Result<Reply<Ended>, Problem> {
        let exec = exec(call, arguments)?;
        let ran = call.checkouts.exec(&call.scope.checkout, &exec, &call.cancel).await;
        let outcome = ran.map_err(|failure| match failure.code {
            // The sandbox says where the folder would be on the machine, which is no help here.
            ErrorCode::RequestInvalid if !exec.folder.is_empty() => {
                Problem::told(format!("`folder`: nothing can be run in `{}`; is it a folder?", exec.folder))
            }
            _ => refused(failure),
        })?;
        if outcome.is_cancelled {
            return Err(Failure::cancelled().into());
        }
        let text = format!("{}\n{}", ending(&outcome), shown(&outcome));
        let mut reply = Reply::new(text, Ended::of(&outcome)).changed();
        // An exit code is an answer, not an error: `grep` and `diff` mean something by theirs.
        reply.is_error = outcome.exit_code.is_none() || outcome.limit.is_some();
        Ok(reply)
    }
}

fn exec(call: &Call, arguments: Arguments) -> Result<Exec, Problem> {
    let Arguments { command, folder, timeout_s } = arguments;
    at_most("command", &command, MAX_COMMAND_BYTES)?;
    if command.trim().is_empty() {
        return Err(Problem::told("`command` is empty"));
    }
    if command.contains('\0') {
        return Err(Problem::told("`command` contains a NUL character"));
    }
    let folder = path::folder(folder.as_deref().unwrap_or_default())
        .map_err(|error| Problem::told(format!("`folder`: {error}")))?;
    let timeout_s = timeout_s.unwrap_or(DEFAULT_TIMEOUT_S).clamp(1, MAX_TIMEOUT_S);
    let limits = SandboxLimits { wall_ms: timeout_s * 1000, ..call.scope.limits.clone() };
    Ok(Exec { program: Program::Shell(command), folder, limits, network: false })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::Bench;

    #[tokio::test]
    async fn exit_code_and_output_are_told() {
        let bench = Bench::new();
        let result = bench.call("shell", json!({"command": "echo out; echo err >&2; exit 3"})).await;
        assert!(!result.is_error && result.may_have_changed);
        assert!(result.text.starts_with("exit code 3, "), "{}", result.text);
        assert!(result.text.contains("out\n") && result.text.contains("err\n"), "{}", result.text);
        assert_eq!(result.structured.unwrap()["exit_code"], 3);
    }

    #[tokio::test]
    async fn long_output_names_its_artifact() {
        let bench = Bench::new();
        let result = bench.call("shell", json!({"command": "seq 1 5000"})).await;
        let data = result.structured.unwrap();
        let digest = data["artifacts"][0].as_str().unwrap();
        let left_out = data["left_out_bytes"].as_u64().unwrap();
        let line = format!("\n[{left_out} bytes left out; page with recall {digest}]\n");
        assert!(result.text.contains(&line), "{}", result.text);
        assert!(result.text.ends_with("\n4999\n5000\n") && result.text.contains("\n1\n2\n3\n"));
        assert!(result.text.len() < 11_000);
    }

    #[tokio::test]
    async fn output_has_no_control_characters() {
        let bench = Bench::new();
        let result = bench.call("shell", json!({"command": r"printf '\033[31mred\033[0m\007\377\n'"})).await;
        assert!(result.text.ends_with("red\\x07\u{fffd}\n"), "{:?}", result.text);
    }

    #[tokio::test]
    async fn it_runs_in_the_folder_that_was_named() {
        let bench = Bench::new();
        bench.put("sub/file", b"x");
        let result = bench.call("shell", json!({"command": "ls", "folder": "sub/"})).await;
        assert!(result.text.ends_with("\nfile\n"), "{}", result.text);
    }

    #[tokio::test]
    async fn time_has_an_end() {
        let bench = Bench::new();
        let result = bench.call("shell", json!({"command": "sleep 60", "timeout_s": 1})).await;
        assert!(
            result.is_error && result.text.starts_with("ended by a limit: timeout, 1."),
            "{}",
            result.text
        );
    }

    #[tokio::test]
    async fn wrong_arguments_are_told() {
        let bench = Bench::new();
        for (arguments, expected) in [
            (json!({"command": "  "}), "`command` is empty"),
            (json!({"command": "a\u{0}b"}), "`command` contains a NUL character"),
            (json!({"command": "ls", "folder": "../x"}), "`folder`: paths can't contain `..`"),
            (
                json!({"command": "ls", "folder": "none"}),
                "`folder`: nothing can be run in `none`; is it a folder?",
            ),
            (json!({"command": "x".repeat(70_000)}), "`command` has 70000 bytes; at most 65536 are taken"),
        ] {
            let result = bench.call("shell", arguments).await;
            assert!(result.is_error && !result.may_have_changed);
            assert_eq!(result.text, expected);
        }
    }
}
