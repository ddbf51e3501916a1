//! Requests over a real socket: retries, broken streams, time-outs, limits, and that the key stays where it belongs.

#![cfg(test)]

mod common;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use common::server::{End, Reply, Server, Step};
use common::{HELLO, KEY, ask, hello, provider, request, single};
use miyabi_core::port::model::{Answer, Error, Model as _, NoPreview};
use miyabi_core::secret::Secret;
use miyabi_model::{Dialect, Limits, ProviderConfig, RetryPolicy, Timeouts};
use tokio_util::sync::CancellationToken;

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
async fn tls_is_spoken_and_its_failures_are_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut first = [0; 3];
        stream.read_exact(&mut first).expect("the greeting");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("an answer in clear text");
        first
    });
    let mut config = provider(Dialect::Compatible, &format!("https://{address}/v1"));
    config.retry = RetryPolicy::none();
    let error = ask(&single(config), &request("p/m", "hello")).await.expect_err("no TLS there");
    assert!(error.to_string().contains("did not answer: TLS: "), "{error}");
    assert_eq!(thread.join().expect("the server"), [0x16, 0x03, 0x01], "a TLS handshake record");
}

#[tokio::test]
async fn a_handshake_that_never_ends_runs_into_the_time_out() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let mut config = provider(Dialect::Compatible, &format!("https://{address}/v1"));
    config.timeouts.connect_ms = 50;
    config.retry = RetryPolicy::none();
    let result = ask(&single(config), &request("p/m", "hello")).await;
    assert_eq!(result, Err(unavailable("time-out: waited 50 ms for the connection")));
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
async fn cancelling_closes_the_connection() {
    let mut reply = hello();
    reply.steps.insert(0, Step::Wait(1_000));
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
    assert!(begun.elapsed() < Duration::from_millis(900));
}
