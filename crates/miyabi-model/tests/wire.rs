//! Requests over a real socket: retries, broken streams, time-outs, limits, concessions, and that the key stays
//! where it belongs.

#![cfg(test)]

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::server::{End, Reply, Server, Step};
use common::{KEY, ambient, provider, read_tool, request, single, verdict};
use miyabi_core::port::model::{Answer, Error, Model as _, ModelName, NoPreview, Request, ToolChoice};
use miyabi_core::secret::Secret;
use miyabi_model::{
    ConfigError, Dialect, Limits, ProviderConfig, RetryPolicy, Router, RouterConfig, Script, ScriptedConfig,
    Timeouts,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

const HELLO: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello.\"},\"finish_reason\":\"stop\"}],\
                     \"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";

fn hello() -> Reply {
    Reply::events(HELLO.as_bytes())
}

async fn ask(router: &Router, request: &Request) -> Result<Answer, Error> {
    router.ask(request, &NoPreview, &CancellationToken::new()).await
}

/// Plays replies to one request of a compatible provider; gives the result and how many requests came.
async fn play(replies: Vec<Reply>) -> (Result<Answer, Error>, usize) {
    play_with(replies, |_| {}).await
}

async fn play_with(
    replies: Vec<Reply>,
    change: impl FnOnce(&mut ProviderConfig),
) -> (Result<Answer, Error>, usize) {
    let server = Server::start(replies);
    let mut config = provider(Dialect::Compatible, &server.base_url());
    change(&mut config);
    let result = ask(&single(config), &request("p/m", "hello")).await;
    (result, server.received().len())
}

fn unavailable(reason: &str) -> Error {
    Error::Unavailable { provider: "p".to_owned(), reason: reason.to_owned() }
}

#[tokio::test]
async fn passing_faults_are_asked_again() {
    let half = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n";
    for fault in [
        Reply::error(429, "{}").header("retry-after-ms", "1"),
        Reply::error(500, "<html>"),
        Reply::error(503, ""),
        Reply::error(408, ""),
        Reply::error(529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
        hello().ending(End::Silent),
        Reply::events(half.as_bytes()).ending(End::Cut),
        Reply::events(half.as_bytes()),
        Reply::events(b"data: {malformed\n\n"),
        Reply::events(b""),
        Reply::new(200, "application/json", b"{malformed"),
        Reply::new(200, "application/json", b"{}"),
        Reply::new(200, "text/html", b"<html>Welcome to the proxy</html>"),
        Reply::events(
            b"data: {\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\"}}\n\n",
        ),
    ] {
        let (result, requests) = play(vec![fault.clone(), hello()]).await;
        let answer = result.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!((answer.text.as_str(), answer.attempts, requests), ("Hello.", 2, 2), "{fault:?}");
    }
}

#[tokio::test]
async fn refusals_are_final() {
    let provider = || "p".to_owned();
    let rejected =
        |status, message: &str| Error::Rejected { provider: provider(), status, message: message.to_owned() };
    for (reply, expected) in [
        (Reply::error(401, "{}"), Error::Authentication { provider: provider(), status: 401 }),
        (Reply::error(403, "{}"), Error::Authentication { provider: provider(), status: 403 }),
        (Reply::error(400, r#"{"error":{"message":"bad\u001b[31m word"}}"#), rejected(400, "bad [31m word")),
        (Reply::error(404, r#"{"error":"model \"m\" not found"}"#), rejected(404, "model \"m\" not found")),
        (Reply::error(422, r#"{"detail":"no"}"#), rejected(422, "no")),
        (
            Reply::error(429, r#"{"error":{"code":"insufficient_quota","message":"pay"}}"#),
            Error::RateLimited { provider: provider(), retry_after_ms: None },
        ),
        (
            Reply::error(400, r#"{"error":{"code":"context_length_exceeded","message":"long"}}"#),
            Error::ContextOverflow { model: "p/m".to_owned() },
        ),
        (
            Reply::error(302, "").header("location", "http://example.com/"),
            rejected(302, "the server redirects elsewhere, which is not followed: check the base URL"),
        ),
    ] {
        let (result, requests) = play(vec![reply, hello()]).await;
        assert_eq!((result, requests), (Err(expected), 1));
    }
}

#[tokio::test]
async fn retries_have_an_end() {
    let (result, requests) = play(vec![Reply::error(503, "")]).await;
    assert_eq!((result, requests), (Err(unavailable("status 503")), 3));

    let busy = Reply::error(429, "").header("retry-after", "3600");
    let begun = Instant::now();
    let (result, requests) = play(vec![busy, hello()]).await;
    let expected = Error::RateLimited { provider: "p".to_owned(), retry_after_ms: Some(3_600_000) };
    assert_eq!((result, requests), (Err(expected), 1), "an hour doesn't fit into the policy's total");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_providers_wait_is_kept() {
    let begun = Instant::now();
    let (result, _) = play(vec![Reply::error(429, "").header("retry-after", "0.2"), hello()]).await;
    assert_eq!(result.expect("an answer").text, "Hello.");
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn silence_runs_into_the_time_out() {
    let slow = |wait_ms| {
        let mut reply = hello();
        reply.steps.insert(0, Step::Wait(wait_ms));
        reply
    };
    let (result, _) = play_with(vec![slow(400)], |config| {
        config.timeouts = Timeouts { connect_ms: 100, idle_ms: 60, total_ms: 5_000 };
        config.retry = RetryPolicy::none();
    })
    .await;
    assert_eq!(result, Err(unavailable("time-out: waited 60 ms for the next byte")));

    let dripping = Reply {
        steps: (0..40).flat_map(|_| [Step::Send(b": ping\n\n".to_vec()), Step::Wait(20)]).collect(),
        ..hello()
    };
    let (result, _) = play_with(vec![dripping], |config| {
        config.timeouts = Timeouts { connect_ms: 100, idle_ms: 500, total_ms: 150 };
        config.retry = RetryPolicy::none();
    })
    .await;
    assert_eq!(result, Err(unavailable("time-out: 150 ms for one answer")));
}

#[tokio::test]
async fn nobody_listening_is_a_passing_fault() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address")
    };
    let router = single(provider(Dialect::Compatible, &format!("http://{address}/v1")));
    let result = ask(&router, &request("p/m", "hello")).await;
    assert_eq!(result, Err(unavailable("connection: connection refused")));
}

#[tokio::test]
async fn answers_are_bounded() {
    let long = format!(": {}\n\n{HELLO}", "x".repeat(5_000));
    let limits = |event_bytes, response_bytes| {
        move |config: &mut ProviderConfig| {
            config.limits = Limits { event_bytes, response_bytes };
            config.retry = RetryPolicy::none();
        }
    };
    let (result, _) = play_with(vec![Reply::events(long.as_bytes())], limits(1_000, 100_000)).await;
    assert_eq!(result, Err(unavailable("broken stream: an event of the stream is longer than 1000 bytes")));
    let (result, _) =
        play_with(vec![Reply::events(long.as_bytes()).in_pieces(500)], limits(100_000, 2_000)).await;
    let reason = "broken stream: the response is longer than `limits.response_bytes`";
    assert_eq!(result, Err(unavailable(reason)));
    let endless = Reply::error(400, &"x".repeat(1 << 20));
    let (result, _) = play(vec![endless]).await;
    let Err(Error::Rejected { message, .. }) = result else { panic!("{result:?}") };
    assert!(message.chars().count() <= 401);
}

#[tokio::test]
async fn an_answer_that_was_whole_survives_the_end_of_the_connection() {
    let without_done = HELLO.split("data: [DONE]").next().expect("the first part");
    let (result, _) = play(vec![Reply::events(without_done.as_bytes()).ending(End::Cut)]).await;
    let answer = result.expect("the finish reason had come");
    assert_eq!((answer.text.as_str(), answer.usage.input_tokens), ("Hello.", 5));
}

#[tokio::test]
async fn what_a_server_refuses_is_left_out_and_remembered() {
    let refusal = r#"{"error":{"message":"'response_format' of type json_schema is not supported"}}"#;
    let forced = r#"{"error":{"message":"tool_choice `required` is not supported by this model"}}"#;
    let answer = "data: {\"choices\":[{\"delta\":{\"content\":\"Sure:\\n```\\n{\\\"verdict\\\": 1}\\n```\"},\
                  \"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let server = Server::start(vec![
        Reply::error(400, refusal),
        Reply::error(400, forced),
        Reply::events(answer.as_bytes()),
    ]);
    let router = single(provider(Dialect::Compatible, &server.base_url()));
    let mut request = request("p/m", "judge");
    request.output = verdict("triage");
    request.tools = vec![read_tool()];
    request.tool_choice = ToolChoice::Required;
    let first = ask(&router, &request).await.expect("an answer in the end");
    assert_eq!((first.text.as_str(), first.attempts), ("{\"verdict\": 1}", 3));
    let second = ask(&router, &request).await.expect("at once this time");
    assert_eq!(second.attempts, 1);

    let bodies: Vec<_> = server.received().into_iter().map(|received| received.body).collect();
    let asked: Vec<_> = bodies
        .iter()
        .map(|body| (body.get("response_format").is_some(), body["tool_choice"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(asked, [(true, "required"), (false, "required"), (false, "auto"), (false, "auto")]);
    assert!(bodies[3]["messages"][0]["content"].as_str().expect("the system text").contains("\"verdict\""));
}

#[tokio::test]
async fn a_refusal_that_nothing_cures_ends() {
    let refusal =
        r#"{"error":{"message":"response_format tool_choice thinking signature max_tokens stream_options"}}"#;
    let server = Server::start(vec![Reply::error(400, refusal)]);
    let router = single(provider(Dialect::Compatible, &server.base_url()));
    let error = ask(&router, &request("p/m", "hello")).await.expect_err("refused");
    assert!(matches!(error, Error::Rejected { status: 400, .. }), "{error}");
    assert!(server.received().len() <= 4, "only what was sent can be left out");
}

#[tokio::test]
async fn the_key_travels_in_its_header_only() {
    let expected = [
        (Dialect::Responses, format!("authorization: bearer {KEY}"), "POST /v1/responses HTTP/1.1"),
        (Dialect::Chat, format!("authorization: bearer {KEY}"), "POST /v1/chat/completions HTTP/1.1"),
        (
            Dialect::Gemini,
            format!("x-goog-api-key: {KEY}"),
            "POST /v1/models/org%2Fm:streamGenerateContent?alt=sse HTTP/1.1",
        ),
        (Dialect::Anthropic, format!("x-api-key: {KEY}"), "POST /v1/messages HTTP/1.1"),
    ];
    for (dialect, header, line) in expected {
        let echo = format!(r#"{{"error":{{"message":"key {KEY} and header hidden-value are odd"}}}}"#);
        let server = Server::start(vec![Reply::error(400, &echo)]);
        let mut config = provider(dialect, &server.base_url());
        config.headers = BTreeMap::from([("X-Extra".to_owned(), Secret::new("hidden-value".to_owned()))]);
        assert!(!format!("{config:?}").contains(KEY));
        let error = ask(&single(config), &request("p/org/m", "hello")).await.expect_err("refused");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(KEY) && !shown.contains("hidden-value"), "{shown}");
        let received = &server.received()[0];
        assert_eq!(received.line, line);
        assert!(received.headers.contains(&header), "{}", received.headers);
        assert!(received.headers.contains("x-extra: hidden-value"));
        assert!(received.headers.contains("content-type: application/json"));
        assert_eq!(received.headers.matches(KEY).count(), 1);
        assert!(!received.body.to_string().contains(KEY));
    }
}

#[tokio::test]
async fn a_fallback_answers_in_its_own_dialect() {
    let away = Server::start(vec![Reply::error(503, "")]);
    let mut config = RouterConfig {
        providers: vec![provider(Dialect::Anthropic, &away.base_url())],
        scripted: vec![ScriptedConfig::single(
            "demo",
            Script::parse("[[rules]]\nanswer = { text = \"I stand in.\" }").expect("a usable script"),
        )],
        ..RouterConfig::default()
    };
    let stand_in = ModelName("scripted/demo".to_owned());
    config.fallbacks.insert(ModelName("p/m".to_owned()), vec![stand_in.clone()]);
    let router = Router::new(config, ambient()).expect("a usable configuration");
    let answer = ask(&router, &request("p/m", "hello")).await.expect("the stand-in's answer");
    assert_eq!((answer.text.as_str(), &answer.model, answer.attempts), ("I stand in.", &stand_in, 4));
}

#[tokio::test]
async fn requests_at_once_are_limited() {
    let mut reply = hello();
    reply.steps.insert(0, Step::Wait(80));
    let server = Server::start(vec![reply]);
    let mut config = provider(Dialect::Compatible, &server.base_url());
    config.concurrency = 2;
    let router = single(config);
    let request = request("p/m", "hello");
    let begun = Instant::now();
    let answers = tokio::join!(ask(&router, &request), ask(&router, &request), ask(&router, &request));
    assert!(answers.0.is_ok() && answers.1.is_ok() && answers.2.is_ok());
    assert!(begun.elapsed() >= Duration::from_millis(160), "the third waited for a place");
}

#[tokio::test]
async fn cancelling_closes_the_connection() {
    let mut reply = hello();
    reply.steps.insert(0, Step::Wait(5_000));
    let server = Server::start(vec![reply]);
    let router = single(provider(Dialect::Compatible, &server.base_url()));
    let cancel = CancellationToken::new();
    let request = request("p/m", "hello");
    let begun = Instant::now();
    let (result, ()) = tokio::join!(router.ask(&request, &NoPreview, &cancel), async {
        while server.received().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        cancel.cancel();
    });
    assert_eq!(result, Err(Error::Cancelled));
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_probe_tells_whether_the_key_is_good() {
    let server = Server::start(vec![hello(), Reply::error(401, "{}")]);
    let router = single(provider(Dialect::Compatible, &server.base_url()));
    let (name, cancel) = (ModelName("p/m".to_owned()), CancellationToken::new());
    let probe = router.test(&name, &cancel).await.expect("an answer");
    assert_eq!((probe.text.as_str(), probe.usage.input_tokens), ("Hello.", 5));
    let error = router.test(&name, &cancel).await.expect_err("refused");
    assert_eq!(error, Error::Authentication { provider: "p".to_owned(), status: 401 });
}

#[tokio::test]
async fn a_providers_models_can_be_listed() {
    let list = |dialect, body: serde_json::Value| async move {
        let server = Server::start(vec![Reply::new(200, "application/json", body.to_string().as_bytes())]);
        let names =
            single(provider(dialect, &server.base_url())).discover("p", &CancellationToken::new()).await;
        assert!(server.received()[0].line.starts_with("GET /v1/models "));
        names.expect("a list").into_iter().map(|name| name.0).collect::<Vec<_>>()
    };
    let openai = json!({ "object": "list", "data": [{ "id": "b" }, { "id": "a/x" }, {}] });
    assert_eq!(list(Dialect::Compatible, openai).await, ["p/a/x", "p/b"]);
    let gemini = json!({ "models": [{ "name": "models/gemini-x" }] });
    assert_eq!(list(Dialect::Gemini, gemini).await, ["p/gemini-x"]);
}

#[test]
fn all_problems_of_a_configuration_come_at_once() {
    let mut first = provider(Dialect::Chat, "http://api.example.com/v1");
    first.name = "a b".to_owned();
    first.catalog = Some("none".to_owned());
    first.key = Some(Secret::new("two\nlines".to_owned()));
    first.headers = BTreeMap::from([("bad name".to_owned(), Secret::new("x".to_owned()))]);
    let second = provider(Dialect::Chat, "https://example.com/v1");
    let mut config =
        RouterConfig { providers: vec![first, second.clone(), second], ..RouterConfig::default() };
    config.fallbacks.insert(ModelName("p/m".to_owned()), vec![ModelName("nowhere/m".to_owned())]);
    let Err(problems) = Router::new(config, ambient()) else { panic!("accepted") };
    let header = |header: &str| ConfigError::Header { provider: "a b".to_owned(), header: header.to_owned() };
    assert_eq!(
        problems,
        [
            ConfigError::ProviderName("a b".to_owned()),
            ConfigError::BaseUrl {
                provider: "a b".to_owned(),
                problem: "would send the key in clear text: use https"
            },
            ConfigError::Catalog { provider: "a b".to_owned(), catalog: "none".to_owned() },
            header("authorization"),
            header("bad name"),
            ConfigError::DuplicateProvider("p".to_owned()),
            ConfigError::Fallback { model: "p/m".to_owned(), fallback: "nowhere/m".to_owned() },
        ]
    );
}

#[test]
fn information_on_a_model_comes_from_the_nearest_source() {
    let mut config = provider(Dialect::Anthropic, "https://example.com/v1");
    config.catalog = Some("anthropic".to_owned());
    config.unlisted = None;
    config.models = BTreeMap::from([("claude-opus-5-5".to_owned(), None), ("own".to_owned(), None)]);
    let router = single(config);
    let info = |model: &str| router.info(&ModelName(model.to_owned()));
    let known = info("p/claude-haiku-4-5-20251001").expect("in the table without its date");
    assert_eq!((known.context_tokens, known.scripted), (200_000, false));
    assert_eq!(known.price.map(|price| price.output.0), Some(5_000_000));
    assert_eq!(info("p/claude-opus-5-5").expect("in the table").context_tokens, 1_000_000);
    assert_eq!(info("p/own").expect("named").price, None);
    assert_eq!(info("p/unheard-of"), None);
    let names: Vec<_> = router.list_models().into_iter().map(|listed| listed.name.0).collect();
    assert!(names.contains(&"p/own".to_owned()) && names.contains(&"p/claude-sonnet-5-5".to_owned()));
}
