//! The scripted provider behind the router: the documented sample, turns without a cursor, failures, fallbacks.

#![cfg(test)]

mod common;

use std::collections::BTreeMap;

use common::{Remembered, ambient, ask, kept, read_tool, request, result, verdict};
use miyabi_core::money::UsdMicros;
use miyabi_core::port::model::{Arguments, Error, Finish, Message, Model as _, ModelName, NoPreview, Usage};
use miyabi_model::{RetryPolicy, Router, RouterConfig, Script, ScriptError, ScriptedConfig};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// The script in the module's documentation.
fn documented_sample() -> String {
    let source = include_str!("../src/scripted.rs");
    let block = source.split("//! ```toml\n").nth(1).expect("the sample").split("//! ```").next();
    let line = |line: &str| line.strip_prefix("//!").map(str::trim_start).unwrap_or_default().to_owned();
    block.expect("its end").lines().map(line).collect::<Vec<_>>().join("\n")
}

fn router(script: &str) -> Router {
    let script = Script::parse(script).expect("a usable script");
    let config =
        RouterConfig { scripted: vec![ScriptedConfig::single("demo", script)], ..RouterConfig::default() };
    Router::new(config, ambient()).expect("a usable configuration")
}

#[tokio::test(start_paused = true)]
async fn the_documented_sample_plays() {
    let router = router(&documented_sample());
    let mut triage = request("scripted/demo", "off by one");
    triage.output = verdict("triage");
    let answer = ask(&router, &triage).await.expect("an answer");
    assert_eq!(answer.text, r#"{"summary":"the last page is cut off","verdict":"fix"}"#);
    assert_eq!(answer.finish, Finish::Stop);

    let mut session = request("scripted/demo", "fix it");
    let answer = ask(&router, &session).await.expect("an answer after the failure");
    assert_eq!((answer.text.as_str(), answer.attempts), ("I look at the file.", 2));
    assert_eq!(answer.tool_calls[0].id, "call_0");
    session.messages.extend([kept(&answer), result(&answer.tool_calls[0], "fn page")]);

    let answer = ask(&router, &session).await.expect("the second turn");
    let call = &answer.tool_calls[0];
    assert_eq!((call.id.as_str(), call.name.as_str()), ("call_1", "edit"));
    assert_eq!(call.arguments, Arguments::Json(json!({"path": "src/page.rs", "old": "..n", "new": "..=n"})));
    session.messages.extend([kept(&answer), result(call, "12 passed, 0 failed")]);
    assert_eq!(ask(&router, &session).await.expect("the end").text, "Done.");

    session.cache_key = "run_1/review/t1".to_owned();
    let error = ask(&router, &session).await.expect_err("no rule");
    let Error::Rejected { status: 404, message, .. } = error else { panic!("{error}") };
    assert_eq!(message, "no rule of the script `demo` fits turn 3 of `run_1/review/t1`");
}

/// Each turn is asked on a router of its own, as after a kill in between, and once more: the answers are the same.
#[tokio::test(start_paused = true)]
async fn a_new_process_goes_on_where_the_old_one_was() {
    let script = r#"
        [[rules]]
        when = { turn = 2 }
        times = 1
        answer = { error = { kind = "disconnect" } }
        [[rules]]
        times = 2
        answer = { text = "early" }
        [[rules]]
        answers = [{ text = "third" }, { text = "fourth" }]
        [[rules]]
        answer = { text = "late" }
    "#;
    let mut session = request("scripted/demo", "go");
    let mut heard = Vec::new();
    for _ in 0..6 {
        let answer = ask(&router(script), &session).await.expect("an answer");
        assert_eq!(ask(&router(script), &session).await.expect("the same"), answer);
        session.messages.extend([kept(&answer), Message::User { text: "on".to_owned() }]);
        heard.push((answer.text, answer.attempts));
    }
    let expected = [("early", 1), ("early", 2), ("third", 1), ("fourth", 1), ("late", 1), ("late", 1)];
    assert_eq!(heard, expected.map(|(text, attempts)| (text.to_owned(), attempts)));
}

#[tokio::test(start_paused = true)]
async fn failures_end_after_the_policys_attempts() {
    let check = async |error: &str| {
        let script = format!("[[rules]]\nanswer = {{ error = {error} }}");
        ask(&router(&script), &request("scripted/demo", "go")).await.expect_err("a failure")
    };
    let provider = || "scripted".to_owned();
    assert_eq!(
        check("{ status = 429, retry_after_ms = 7 }").await,
        Error::RateLimited { provider: provider(), retry_after_ms: Some(7) }
    );
    assert_eq!(
        check(r#"{ kind = "quota" }"#).await,
        Error::RateLimited { provider: provider(), retry_after_ms: None }
    );
    assert_eq!(check("{ status = 401 }").await, Error::Authentication { provider: provider(), status: 401 });
    assert_eq!(
        check(r#"{ kind = "context_overflow" }"#).await,
        Error::ContextOverflow { model: "scripted/demo".to_owned() }
    );
    assert_eq!(
        check(r#"{ status = 422, message = "no" }"#).await,
        Error::Rejected { provider: provider(), status: 422, message: "no".to_owned() }
    );
    assert_eq!(
        check("{ status = 503 }").await,
        Error::Unavailable { provider: provider(), reason: "status 503".to_owned() }
    );
}

#[tokio::test(start_paused = true)]
async fn a_fallback_answers_when_the_first_is_away() {
    let single = |provider: &str, script: &str| ScriptedConfig {
        name: provider.to_owned(),
        retry: RetryPolicy { max_attempts: 3, ..RetryPolicy::default() },
        ..ScriptedConfig::single("m", Script::parse(script).expect("a usable script"))
    };
    let config = |broken: &str| RouterConfig {
        scripted: vec![
            single("a", &format!("[[rules]]\nanswer = {{ error = {broken} }}")),
            single("b", "[[rules]]\nanswer = { error = { status = 500 } }"),
            single("c", "[[rules]]\nanswer = { text = \"from c\" }"),
        ],
        fallbacks: BTreeMap::from([(
            ModelName("a/m".to_owned()),
            vec![ModelName("b/m".to_owned()), ModelName("c/m".to_owned())],
        )]),
        ..RouterConfig::default()
    };
    let router = Router::new(config("{ status = 529 }"), ambient()).expect("a usable configuration");
    let answer = ask(&router, &request("a/m", "go")).await.expect("c's answer");
    assert_eq!((answer.text.as_str(), answer.model.0.as_str(), answer.attempts), ("from c", "c/m", 7));

    let router = Router::new(config("{ status = 400 }"), ambient()).expect("a usable configuration");
    let error = ask(&router, &request("a/m", "go")).await.expect_err("a refusal is final");
    assert!(matches!(error, Error::Rejected { status: 400, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn conversations_that_a_provider_would_refuse_are_refused() {
    let router = router("[[rules]]\nanswer = { tool_calls = [{ name = \"read\" }, { name = \"read\" }] }");
    let mut session = request("scripted/demo", "go");
    session.tools = vec![read_tool()];
    let answer = ask(&router, &session).await.expect("two calls");
    let [first, second] = &answer.tool_calls[..] else { panic!("{answer:?}") };
    let user = Message::User { text: "and?".to_owned() };
    for wrong in [
        vec![kept(&answer)],
        vec![kept(&answer), result(first, "a")],
        vec![kept(&answer), result(first, "a"), result(first, "a")],
        vec![kept(&answer), result(first, "a"), user.clone(), result(second, "b")],
        vec![result(first, "a")],
    ] {
        let mut session = session.clone();
        session.messages.extend(wrong);
        let error = ask(&router, &session).await.expect_err("refused");
        assert!(matches!(error, Error::Rejected { status: 400, .. }), "{error}");
    }
    session.messages.extend([kept(&answer), result(second, "b"), result(first, "a"), user]);
    ask(&router, &session).await.expect("any order of results will do");
}

#[tokio::test(start_paused = true)]
async fn texts_are_previewed_while_time_passes() {
    let script = r#"
        [[rules]]
        answer = { text = "Eine längere Antwort, Stück für Stück.", reasoning = "hm", delay_ms = 400,
                   usage = { input_tokens = 12, output_tokens = 5 } }
    "#;
    let (router, preview) = (router(&script.replace(",\n                   ", ", ")), Remembered::default());
    let begun = tokio::time::Instant::now();
    let answer = router
        .ask(&request("scripted/demo", "go"), &preview, &CancellationToken::new())
        .await
        .expect("an answer");
    assert_eq!(*preview.text.lock().unwrap(), answer.text);
    assert_eq!(answer.reasoning, "hm");
    assert_eq!(answer.usage, Usage { input_tokens: 12, output_tokens: 5, ..Usage::default() });
    assert!((400..450).contains(&begun.elapsed().as_millis()));
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_wait() {
    let router = router("[[rules]]\nanswer = { text = \"late\", delay_ms = 60000 }");
    let cancel = CancellationToken::new();
    let request = request("scripted/demo", "go");
    let (result, ()) = tokio::join!(router.ask(&request, &NoPreview, &cancel), async {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        cancel.cancel();
    });
    assert_eq!(result, Err(Error::Cancelled));
}

#[tokio::test]
async fn scripted_models_are_known_as_such() {
    let router = router("context_tokens = 5000\n[[rules]]\nanswer = { text = \"ok\" }");
    let name = ModelName("scripted/demo".to_owned());
    let info = router.info(&name).expect("it is configured");
    assert!(info.scripted);
    assert_eq!((info.context_tokens, info.price.map(|price| price.output)), (5_000, Some(UsdMicros::ZERO)));
    assert_eq!(router.list_models().len(), 1);
    assert_eq!(router.test(&name, &CancellationToken::new()).await.expect("a probe").text, "scripted");
    let cancel = CancellationToken::new();
    assert_eq!(router.discover("scripted", &cancel).await, Ok(vec![name]));
    for unknown in ["scripted/other", "other/demo", "demo", ""] {
        assert_eq!(router.info(&ModelName(unknown.to_owned())), None);
        let error = ask(&router, &request(unknown, "go")).await;
        assert_eq!(error, Err(Error::Unknown(unknown.to_owned())));
    }
}

#[test]
fn bad_scripts_are_refused_with_their_place() {
    let text = |script: &str| match Script::parse(script) {
        Ok(script) => panic!("{script:?}"),
        Err(error) => error.to_string(),
    };
    assert!(text("title = \"x\"\n[[rules]]\nanswr = 1").starts_with("line 3: "));
    assert!(text("{\n\"rules\": [\n{\"answer\": 3}]}").starts_with("line 3: "));
    assert_eq!(text("rules = []"), "the script has no rules");
    let rules = r#"
        [[rules]]
        name = "both"
        times = 0
        answer = { text = "a", json = 1 }
        [[rules]]
        when = { turn = 0, session = "a[" }
        [[rules]]
        answers = [{ error = { status = 200 } }, { error = { status = 500, kind = "quota" } }, {}]
        [[rules]]
        answer = { tool_calls = [{ name = "", arguments = 3 }, { name = "x", broken = "{}" }] }
    "#;
    let Err(ScriptError::Rules(problems)) = Script::parse(rules) else { panic!("accepted") };
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(problems.join("\n"), @r"
    rule 1 (`both`): `times = 0` never answers
    rule 1 (`both`): an answer has `text` or `json`, not both
    rule 2: needs either `answer` or `answers`
    rule 2: turns count from 1
    rule 2: `when.session` is no glob: unclosed character class; missing ']'
    rule 3: `error.status` is 200, not from 400 to 599
    rule 3: an `error` has either `status` or `kind`
    rule 3: an answer needs `text`, `json`, `tool_calls` or `error`
    rule 4: a tool call has no name
    rule 4: the `arguments` of a tool call are a table
    rule 4: `broken` arguments must not be JSON
    ");
}

#[test]
fn scripts_made_in_code_are_checked_too() {
    let mut script = Script::parse("[[rules]]\nanswer = { text = \"ok\" }").expect("a usable script");
    script.rules[0].times = Some(0);
    let config =
        RouterConfig { scripted: vec![ScriptedConfig::single("demo", script)], ..RouterConfig::default() };
    let Err(problems) = Router::new(config, ambient()) else { panic!("accepted") };
    assert_eq!(problems[0].to_string(), "the script `demo` of the provider `scripted` is not usable");
}

#[test]
fn scripts_round_trip_through_json() {
    let script = Script::parse(&documented_sample()).expect("a usable script");
    let text = serde_json::to_string(&script).expect("it can be written");
    assert_eq!(Script::parse(&text).expect("and read"), script);
}
