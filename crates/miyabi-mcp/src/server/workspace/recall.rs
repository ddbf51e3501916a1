//! `recall`: pages through outputs that were too long to show.

use miyabi_core::digest::Digest;
use miyabi_core::port::artifacts::Error;
use miyabi_core::run::step::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Call;
use crate::registry::{Problem, Reply, Spec, Tool, Writes};
use crate::text;

const DEFAULT_BYTES: usize = 10 * 1024;
const MAX_BYTES: usize = 24 * 1024;

/// The tool.
pub(crate) struct Recall;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    digest: String,
    /// First byte, from 0.
    offset: Option<u64>,
    /// In bytes.
    limit: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    total_bytes: u64,
    /// Where the next page begins; `null` at the end.
    next_offset: Option<u64>,
}

impl Tool<Call> for Recall {
    const SPEC: Spec = Spec {
        name: "recall",
        title: "Page through an output",
        description: "Show part of an output that an earlier result left out, by the digest named there. 10 kB by \
            default, 24 kB at most.",
        writes: Writes::Nothing,
        effect: Effect::Pure,
    };
    type Arguments = Arguments;
    type Output = Output;

    async fn run(call: &Call, arguments: Arguments) -> Result<Reply<Output>, Problem> {
        let digest = named(call, &arguments.digest)?;
        let offset = arguments.offset.unwrap_or(0);
        let limit = arguments.limit.unwrap_or(DEFAULT_BYTES).clamp(1, MAX_BYTES);
        let total_bytes = call.artifacts.size(digest).await.map_err(problem)?;
        let total_bytes = total_bytes.ok_or_else(|| problem(Error::Missing(digest)))?;
        if offset >= total_bytes && total_bytes > 0 {
            return Err(Problem::told(format!("the output has {total_bytes} bytes")));
        }
        let bytes = call.artifacts.read(digest, offset, limit).await.map_err(problem)?;
        let end = offset + bytes.len() as u64;
        let next_offset = (end < total_bytes).then_some(end);
        let mut text = format!("bytes {offset}-{end} of {total_bytes}\n{}", text::program_output(&bytes));
        if let Some(next) = next_offset {
            text.push_str(&format!("\n[go on with offset {next}]"));
        }
        let output = Output { total_bytes, next_offset };
        Ok(Reply::new(text, output))
    }
}

/// The artifact that is meant, if this conversation may see it.
fn named(call: &Call, digest: &str) -> Result<Digest, Problem> {
    let digest = digest.trim();
    let parsed = digest.parse().or_else(|_| format!("sha256:{digest}").parse());
    let allowed = parsed.ok().filter(|digest| call.scope.recallable.contains(digest));
    allowed.ok_or_else(|| {
        Problem::told(
            "`digest`: no output of this task has it; take it as it stands in an earlier result: sha256:…",
        )
    })
}

fn problem(error: Error) -> Problem {
    match error {
        Error::Missing(_) => Problem::told("this output is not kept any more; run the command again"),
        other => Problem::Failure(other.into_failure()),
    }
}

#[cfg(test)]
mod tests {
    use miyabi_core::digest::Digest;
    use miyabi_core::port::artifacts::Artifacts;
    use serde_json::json;

    use crate::fake::Bench;

    #[tokio::test]
    async fn pages_follow_each_other() {
        let mut bench = Bench::new();
        let digest = bench.artifacts.put("0123456789日本\u{1b}[31m\n".as_bytes()).await.unwrap();
        bench.scope.recallable.push(digest);
        let result = bench.call("recall", json!({"digest": digest.to_string(), "limit": 11})).await;
        assert_eq!(result.text, "bytes 0-11 of 22\n0123456789\n[go on with offset 11]");
        let result = bench.call("recall", json!({"digest": digest.hex(), "offset": 10})).await;
        assert_eq!(result.text, "bytes 10-22 of 22\n日本\n");
        let result = bench.call("recall", json!({"digest": digest.hex(), "offset": 22})).await;
        assert_eq!((result.is_error, result.text.as_str()), (true, "the output has 22 bytes"));
    }

    #[tokio::test]
    async fn other_artifacts_stay_closed() {
        let mut bench = Bench::new();
        let foreign = bench.artifacts.put(b"of another run").await.unwrap();
        let lost = Digest::of(b"lost");
        bench.scope.recallable.push(lost);
        for digest in [foreign.to_string(), "sha256:".into(), "../x".into()] {
            let result = bench.call("recall", json!({"digest": digest})).await;
            assert!(result.is_error && result.text.starts_with("`digest`: no output of this task has it"));
        }
        let result = bench.call("recall", json!({"digest": lost.to_string()})).await;
        assert_eq!(result.text, "this output is not kept any more; run the command again");
    }
}
