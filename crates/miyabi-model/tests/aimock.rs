//! The whole client against `@copilotkit/aimock`, a server of another author that speaks all four dialects:
//! texts, parallel tool calls with their results, limits, refusals and chaos.
//!
//! The peer is laxer than the real services: it takes any key, counts no tokens for three of the dialects, has its
//! own finish reason `FUNCTION_CALL` for Gemini and leaves fields out of its Responses stream. What it accepts
//! proves nothing about the real service; our bodies are checked by shape in `requests.rs`.

#![cfg(test)]

mod common;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::{Remembered, ambient, ask, kept, provider, read_tool, request, result, verdict};
use miyabi_core::port::model::{Arguments, Error, Finish, Model as _, Request};
use miyabi_model::{Dialect, RetryPolicy, Router, RouterConfig};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const DIALECTS: [Dialect; 5] =
    [Dialect::Chat, Dialect::Compatible, Dialect::Responses, Dialect::Gemini, Dialect::Anthropic];

/// Where the peers' packages are: `$MIYABI_PEERS`, or `miyabi-peers` in the user's cache folder.
#[expect(clippy::disallowed_methods, reason = "a test finds its peer; the library reads no environment")]
fn peers() -> PathBuf {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    variable("MIYABI_PEERS").or_else(|| Some(cache()?.join("miyabi-peers"))).expect("a home folder")
}

/// A running aimock; ends with its handle.
struct Peer {
    child: Child,
    port: u16,
}

impl Peer {
    /// Starts it on a free port and waits until it says that it listens.
    fn start() -> Self {
        let program = peers().join("node_modules/@copilotkit/aimock/dist/cli.js");
        assert!(
            program.is_file(),
            "the peer `@copilotkit/aimock` is not installed at {}: run `cargo xtask peers`",
            program.display()
        );
        // Another process may take the port in between; then the peer ends at once and the next port is tried.
        (0..5).find_map(|_| Self::try_start(&program)).expect("aimock starts on one of five free ports")
    }

    fn try_start(program: &Path) -> Option<Self> {
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.local_addr().expect("its address").port()
        };
        let answers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/aimock/answers.json");
        let mut child = Command::new("node")
            .arg(program)
            .args(["--strict", "--validate-on-load", "-h", "127.0.0.1", "-p", &port.to_string(), "-f"])
            .arg(answers)
            .env_remove("AIMOCK_API_KEYS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node 20 or newer as `node` on the PATH");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let listens = lines.any(|line| line.is_ok_and(|line| line.contains("listening on")));
        let peer = Self { child, port };
        if !listens {
            return None;
        }
        // It goes on logging; a full pipe would stop it.
        drop(std::thread::spawn(move || lines.for_each(drop)));
        Some(peer)
    }

    fn router(&self, dialect: Dialect) -> Router {
        let version = if dialect == Dialect::Gemini { "v1beta" } else { "v1" };
        let mut config = provider(dialect, &format!("http://127.0.0.1:{}/{version}", self.port));
        config.retry = RetryPolicy { max_attempts: 2, base_ms: 1, cap_ms: 1, total_ms: 20_000 };
        let config = RouterConfig { providers: vec![config], ..RouterConfig::default() };
        Router::new(config, ambient()).expect("a usable configuration")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A question in a model's name that the peer takes for one of the dialect.
fn question(dialect: Dialect, text: &str) -> Request {
    let model = match dialect {
        Dialect::Gemini => "p/gemini-3.1-pro-preview",
        Dialect::Anthropic => "p/claude-opus-5-5",
        Dialect::Responses | Dialect::Chat | Dialect::Compatible => "p/gpt-6.1-sol",
    };
    request(model, text)
}

#[tokio::test]
async fn texts_stream_in_every_dialect() {
    let peer = Peer::start();
    for dialect in DIALECTS {
        let preview = Remembered::default();
        let asked = question(dialect, "say hello");
        let answer = peer.router(dialect).ask(&asked, &preview, &CancellationToken::new()).await;
        let answer = answer.unwrap_or_else(|error| panic!("{dialect:?}: {error}"));
        assert_eq!(answer.text, "Grüße aus der Ferne: 日本 🎌", "{dialect:?}");
        assert_eq!(*preview.text.lock().unwrap(), answer.text, "{dialect:?}");
        assert_eq!(answer.reasoning, "A greeting is wanted.", "{dialect:?}");
        assert_eq!((answer.finish, answer.attempts), (Finish::Stop, 1), "{dialect:?}");
        assert!(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0, "{dialect:?}");
    }
}

#[tokio::test]
async fn parallel_calls_and_their_results_go_round() {
    let peer = Peer::start();
    for dialect in DIALECTS {
        let router = peer.router(dialect);
        let mut session = question(dialect, "read two files");
        session.tools = vec![read_tool()];
        let answer = ask(&router, &session).await.unwrap_or_else(|error| panic!("{dialect:?}: {error}"));
        assert_eq!((answer.text.as_str(), answer.finish), ("I look.", Finish::ToolCalls), "{dialect:?}");
        let paths: Vec<_> =
            answer.tool_calls.iter().map(|call| (call.name.as_str(), &call.arguments)).collect();
        let path = |path: &str| Arguments::Json(json!({ "path": path }));
        assert_eq!(paths, [("read", &path("src/a.rs")), ("read", &path("src/b.rs"))], "{dialect:?}");

        session.messages.push(kept(&answer));
        session.messages.extend(answer.tool_calls.iter().map(|call| result(call, "fn main() {}")));
        let answer = ask(&router, &session).await.unwrap_or_else(|error| panic!("{dialect:?}: {error}"));
        assert_eq!(
            (answer.text.as_str(), answer.finish),
            ("Both files are read.", Finish::Stop),
            "{dialect:?}"
        );
    }
}

#[tokio::test]
async fn json_and_cut_off_answers_are_told_apart() {
    let peer = Peer::start();
    for dialect in DIALECTS {
        let router = peer.router(dialect);
        let mut judge = question(dialect, "give a verdict");
        judge.output = verdict("triage");
        let answer = ask(&router, &judge).await.unwrap_or_else(|error| panic!("{dialect:?}: {error}"));
        let value: Value = serde_json::from_str(&answer.text).expect("JSON");
        assert_eq!(value, json!({ "verdict": "good" }), "{dialect:?}");

        let answer = ask(&router, &question(dialect, "stop short")).await;
        let answer = answer.unwrap_or_else(|error| panic!("{dialect:?}: {error}"));
        assert_eq!((answer.text.as_str(), answer.finish), ("Only the beginn", Finish::Length), "{dialect:?}");
    }
}

#[tokio::test]
async fn refusals_have_their_meaning_in_every_dialect() {
    let peer = Peer::start();
    for dialect in DIALECTS {
        let router = peer.router(dialect);
        let error = ask(&router, &question(dialect, "bad key")).await.expect_err("no key");
        assert_eq!(error, Error::Authentication { provider: "p".to_owned(), status: 401 }, "{dialect:?}");
        let error = ask(&router, &question(dialect, "no credit")).await.expect_err("no credit");
        let expected = Error::RateLimited { provider: "p".to_owned(), retry_after_ms: None };
        // The peer writes the Gemini form without OpenAI's word for it: there it is a plain 429.
        if dialect == Dialect::Gemini {
            assert!(matches!(error, Error::RateLimited { .. }), "{error}");
        } else {
            assert_eq!(error, expected, "{dialect:?}");
        }
        let error = ask(&router, &question(dialect, "unheard of")).await.expect_err("no such answer");
        assert!(!matches!(error, Error::Cancelled), "{dialect:?}: {error}");
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    // The peer counts its questions, and always says `Retry-After: 1`: one dialect is enough.
    let peer = Peer::start();
    let answer = ask(&peer.router(Dialect::Anthropic), &question(Dialect::Anthropic, "too busy")).await;
    let answer = answer.expect("an answer on the second try");
    assert_eq!((answer.text.as_str(), answer.attempts), ("Here I am.", 2));
}

#[tokio::test]
async fn chaos_ends_in_a_passing_fault() {
    let peer = Peer::start();
    for dialect in DIALECTS {
        for (chaos, reasons) in [
            ("always dropped", &["status 500"][..]),
            ("always malformed", &["broken stream: the body is no whole JSON"]),
            (
                "always disconnected",
                &["connection: closed by the other side", "connection: connection reset"],
            ),
        ] {
            let error = ask(&peer.router(dialect), &question(dialect, chaos)).await.expect_err("chaos");
            let Error::Unavailable { reason, .. } = &error else { panic!("{dialect:?} {chaos}: {error}") };
            assert!(reasons.contains(&reason.as_str()), "{dialect:?} {chaos}: {reason}");
        }
    }
}

#[tokio::test]
async fn the_peers_models_can_be_listed() {
    let peer = Peer::start();
    let names = peer.router(Dialect::Chat).discover("p", &CancellationToken::new()).await.expect("a list");
    assert!(names.iter().any(|name| name.0 == "p/gpt-4o"), "{names:?}");
}
