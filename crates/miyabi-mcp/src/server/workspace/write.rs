//! `write`: a whole file.

use miyabi_core::run::step::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::file::{LineEnds, check_hash, find, hash_of, hash_of_bytes, line_ends};
use super::{Call, at_most, checked_path, refused};
use crate::registry::{Problem, Reply, Spec, Tool, Writes};

const MAX_CONTENT_BYTES: usize = 4 * 1024 * 1024;

/// The tool.
pub(crate) struct Write;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    path: String,
    content: String,
    /// From `read`; refuses to overwrite a file that changed since.
    base_hash: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The file's hash now.
    hash: String,
    bytes: usize,
    created: bool,
}

impl Tool<Call> for Write {
    const SPEC: Spec = Spec {
        name: "write",
        title: "Write a file",
        description: "Create a file or replace all of it, byte for byte as given. Folders are made. For a new file or a \
            full rewrite; else use `edit`.",
        writes: Writes::Files,
        effect: Effect::Keyed,
    };
    type Arguments = Arguments;
    type Output = Output;

    async fn run(call: &Call, arguments: Arguments) -> Result<Reply<Output>, Problem> {
        let path = checked_path("path", &arguments.path)?;
        at_most("content", &arguments.content, MAX_CONTENT_BYTES)?;
        let bytes = arguments.content.as_bytes();
        let before = find(call, &path).await?;
        let is_there = before.as_ref().is_some_and(|before| before.bytes == bytes);
        match &before {
            // The same content may be what an earlier try of this call wrote.
            Some(before) if !is_there => check_hash(&path, arguments.base_hash.as_deref(), &hash_of(before))?,
            None if arguments.base_hash.is_some() => {
                return Err(Problem::told(format!("`{path}` is gone; leave `base_hash` out to create it")));
            }
            _ => {}
        }
        if !is_there {
            call.checkouts.write(&call.scope.checkout, &path, bytes).await.map_err(refused)?;
        }
        let output = Output { hash: hash_of_bytes(bytes), bytes: bytes.len(), created: before.is_none() };
        let done = if before.is_none() { "created" } else { "wrote" };
        let lost = before.filter(|before| loses_crlf(&before.bytes, &arguments.content));
        let warning = lost.map_or("", |_| "; its line ends were CRLF and are LF now");
        let text = format!("{done} `{path}` ({} bytes), hash {}{warning}", output.bytes, output.hash);
        Ok(Reply::new(text, output).changed())
    }
}

fn loses_crlf(before: &[u8], after: &str) -> bool {
    let before = String::from_utf8_lossy(before);
    line_ends(&before) == LineEnds::CrLf && line_ends(after) == LineEnds::Lf && after.contains('\n')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::Bench;

    #[tokio::test]
    async fn files_are_written_byte_for_byte() {
        let bench = Bench::new();
        let content = "\u{feff}a\tb\r\n日本語\nno end";
        let result = bench.call("write", json!({"path": "new/folder/f.txt", "content": content})).await;
        assert!(!result.is_error && result.may_have_changed);
        assert!(result.text.starts_with("created `new/folder/f.txt` (24 bytes), hash "), "{}", result.text);
        assert_eq!(bench.get("new/folder/f.txt"), content.as_bytes());
    }

    #[tokio::test]
    async fn a_changed_file_is_not_overwritten_unseen() {
        let bench = Bench::new();
        let hash = bench.put("f", b"theirs");
        let result =
            bench.call("write", json!({"path": "f", "content": "ours", "base_hash": "abcdefabcdef"})).await;
        assert_eq!(result.text, format!("stale: `f` has changed; its hash is {hash} now. Read it again."));
        assert_eq!(bench.get("f"), b"theirs");
        let write = json!({"path": "f", "content": "ours", "base_hash": hash});
        assert!(!bench.call("write", write.clone()).await.is_error);
        // Keyed: the same call again is no error and changes nothing.
        assert!(!bench.repeat("write", write).await.is_error);
        assert_eq!(bench.get("f"), b"ours");
        let result = bench.call("write", json!({"path": "gone", "content": "", "base_hash": hash})).await;
        assert_eq!(result.text, "`gone` is gone; leave `base_hash` out to create it");
    }

    #[tokio::test]
    async fn lost_line_ends_are_told() {
        let bench = Bench::new();
        bench.put("f", b"a\r\nb\r\n");
        let result = bench.call("write", json!({"path": "f", "content": "a\nc\n"})).await;
        assert!(result.text.ends_with("; its line ends were CRLF and are LF now"), "{}", result.text);
    }
}
