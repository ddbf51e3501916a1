//! Every stream under `fixtures/` goes over a socket through the whole client; what comes out is kept as a snapshot.

#![cfg(test)]

mod common;

use std::path::Path;

use common::server::{Reply, Server};
use common::{Remembered, provider, read_tool, request, single, verdict};
use miyabi_core::port::model::{Answer, Error, Model as _, Request};
use miyabi_model::{Dialect, RetryPolicy};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

fn fixture(dialect: &str, file: &str) -> Reply {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(dialect).join(file);
    let body = std::fs::read(path).expect("the fixture");
    let kind = if file.ends_with(".json") { "application/json" } else { "text/event-stream" };
    Reply::new(200, kind, &body)
}

async fn ask(dialect: Dialect, reply: Reply, request: &Request) -> (Result<Answer, Error>, Remembered) {
    let server = Server::start(vec![reply]);
    let mut config = provider(dialect, &server.base_url());
    config.retry = RetryPolicy { total_ms: 20_000, ..RetryPolicy::none() };
    let preview = Remembered::default();
    let result = single(config).ask(request, &preview, &CancellationToken::new()).await;
    (result, preview)
}

fn shown(result: &Result<Answer, Error>) -> Value {
    match result {
        Ok(answer) => json!(answer),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

/// Plays each file of a dialect, whole and in pieces of one and of seven bytes, and keeps what comes out.
async fn check(dialect: Dialect, folder: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(path)
        .expect("the fixtures")
        .map(|entry| entry.expect("a file").file_name().into_string().expect("a plain name"))
        .collect();
    files.sort();
    for file in files {
        let mut question = request("p/m", "read two files");
        question.tools = vec![read_tool()];
        if file.starts_with("fenced") {
            question.output = verdict("verdict");
        }
        let (result, preview) = ask(dialect, fixture(folder, &file), &question).await;
        if let Ok(answer) = &result
            && !file.ends_with(".json")
            && !file.starts_with("fenced")
        {
            assert_eq!(*preview.text.lock().unwrap(), answer.text, "{file}: the preview shows the text");
        }
        for size in [1, 7] {
            let (again, _) = ask(dialect, fixture(folder, &file).in_pieces(size), &question).await;
            assert_eq!(again, result, "{file} in pieces of {size}");
        }
        insta::with_settings!({ sort_maps => true, omit_expression => true, snapshot_path => "snapshots/answers" }, {
            insta::assert_json_snapshot!(format!("{folder}-{}", file.replace('.', "-")), shown(&result));
        });
    }
}

#[tokio::test]
async fn chat_streams_become_answers() {
    check(Dialect::Compatible, "chat").await;
}

#[tokio::test]
async fn responses_streams_become_answers() {
    check(Dialect::Responses, "responses").await;
}

#[tokio::test]
async fn gemini_streams_become_answers() {
    check(Dialect::Gemini, "gemini").await;
}

#[tokio::test]
async fn anthropic_streams_become_answers() {
    check(Dialect::Anthropic, "anthropic").await;
}
