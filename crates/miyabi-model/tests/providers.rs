//! Providers as they are configured: what is wrong with a configuration, what is known of models, concessions,
//! fallbacks, requests at once, probes and lists.

#![cfg(test)]

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::server::{Reply, Server, Step};
use common::{ambient, ask, hello, provider, read_tool, request, single, verdict};
use miyabi_core::port::model::{Error, Model as _, ModelName, ToolChoice};
use miyabi_core::secret::Secret;
use miyabi_model::{ConfigError, Dialect, Router, RouterConfig, Script, ScriptedConfig};
use serde_json::json;
use tokio_util::sync::CancellationToken;

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
