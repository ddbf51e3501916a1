//! Starting and retrying runs.

use miyabi_core::error::ErrorCode;
use miyabi_core::label::Label;
use miyabi_core::policy::Mode;
use miyabi_core::port::model::ModelName;
use miyabi_core::run::spec::{Autonomy, Engine, Template};
use miyabi_core::sandbox::SandboxLevel;
use miyabi_core::stop::{Status, StopKind};
use miyabi_dashboard::api::{BudgetWish, EngineWish, Problem, RetryRequest, RunWishes, StartRun, TaskWish};

use crate::house::{CONFIG, House, UNKNOWN_PRICE};
use crate::story;

const DIFF: &str = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

async fn refused(house: &House, order: &StartRun) -> Problem {
    house.client.start_run(order, "some key").await.expect_err("the order is wrong")
}

#[tokio::test]
async fn a_run_of_an_issue_takes_over_configuration_and_text() {
    let house = House::new().await;
    let text = format!("{CONFIG}[policy]\nmode = 'manual'\n[budget]\ncost_usd = 0.5\n[run]\nparallel = 2\n");
    *house.config.0.lock().unwrap() = text;
    let issue = house.issue("Last page is empty", "Page 3 of 3 shows nothing.").await;
    let run = house.client.start_run(&house.order(issue.number), "k").await.unwrap();
    assert_eq!((run.state, run.issue, run.title.as_str()), (Status::Queued, Some(1), "Last page is empty"));
    assert!(run.is_scripted);
    let spec = house.spec(run.id).await;
    assert_eq!(house.text(spec.text).await, "Last page is empty\n\nPage 3 of 3 shows nothing.");
    assert_eq!((spec.label, spec.policy.mode, spec.limits.parallel), (Label::Other, Mode::Manual, 2));
    assert_eq!(spec.budget.cost_usd_micros.decimal(), "0.50");
    assert_eq!((spec.template, spec.attended, spec.models.len()), (Template::Issue, true, 6));
}

#[tokio::test]
async fn wishes_win_over_configuration() {
    let house = House::new().await;
    let issue = house.issue("x", "").await;
    let mut order = house.order(issue.number);
    order.wishes = RunWishes {
        autonomy: Some(Autonomy::Deploy),
        policy: Some(Mode::Turbo),
        sandbox: Some(SandboxLevel::Reduced),
        budget: BudgetWish { turns: Some(9), wall_s: Some(60), ..BudgetWish::default() },
        models: [("review".to_owned(), ModelName("ollama/qwen3".into()))].into(),
        branch: Some("release/1".into()),
        ..RunWishes::default()
    };
    let run = house.client.start_run(&order, "k").await.unwrap();
    let spec = house.spec(run.id).await;
    assert_eq!((spec.autonomy, spec.policy.mode), (Autonomy::Deploy, Mode::Turbo));
    assert_eq!((spec.budget.turns, spec.budget.wall_ms, spec.branch.as_str()), (9, 60_000, "release/1"));
    assert_eq!(spec.models["review"].price, UNKNOWN_PRICE);
    assert_eq!(spec.models["codegen"].name.0, "scripted/demo");
}

#[tokio::test]
async fn a_text_becomes_an_issue() {
    let house = House::new().await;
    let task = TaskWish::Text { text: "# Add a footer\n\nWith the year.".into() };
    let order = StartRun { project_id: house.project.id, task, wishes: RunWishes::default() };
    let run = house.client.start_run(&order, "k").await.unwrap();
    let issue = house.services.intake.forge.get_issue(&house.project, run.issue.unwrap()).await.unwrap();
    assert_eq!((issue.title.as_str(), issue.author.as_str()), ("Add a footer", "operator"));
    assert_eq!(issue.author_label, Label::Operator);
}

#[tokio::test]
async fn headless_tasks_ask_nobody_and_need_one_model() {
    let house = House::new().await;
    let run = house.client.start_run(&house.exec("Tidy up", EngineWish::Loop), "k").await.unwrap();
    let spec = house.spec(run.id).await;
    assert_eq!((spec.template, spec.attended, spec.issue), (Template::Exec, false, None));
    assert_eq!(spec.models.keys().collect::<Vec<_>>(), ["codegen"]);
}

#[tokio::test]
async fn patches_are_taken_from_the_issue_or_the_order() {
    let house = House::new().await;
    *house.config.0.lock().unwrap() = String::new();
    let issue = house
        .issue("Fix x", &format!("Please apply:\r\n```diff\r\n{}```\r\n", DIFF.replace('\n', "\r\n")))
        .await;
    let mut order = house.order(issue.number);
    order.wishes.engine = EngineWish::Patch { patch: None };
    let run = house.client.start_run(&order, "k1").await.unwrap();
    let Engine::Patch { patch } = house.spec(run.id).await.engine else { panic!("not a patch") };
    assert_eq!(house.text(patch).await, DIFF);

    let exec = house.exec("Apply this", EngineWish::Patch { patch: Some(DIFF.into()) });
    let run = house.client.start_run(&exec, "k2").await.unwrap();
    assert!(house.spec(run.id).await.models.is_empty());

    let without = house.exec("No patch here", EngineWish::Patch { patch: None });
    assert_eq!(refused(&house, &without).await.code, ErrorCode::PatchRejected);
}

#[tokio::test]
async fn recipes_are_the_operators_own() {
    let house = House::new().await;
    let recipe = |name: &str| EngineWish::Recipe { name: name.into() };
    let run = house.client.start_run(&house.exec("Format", recipe("fmt")), "k").await.unwrap();
    let Engine::Recipe { commands, .. } = house.spec(run.id).await.engine else { panic!("not a recipe") };
    assert_eq!(commands, [["cargo", "fmt"]]);
    insta::assert_json_snapshot!(refused(&house, &house.exec("Format", recipe("fmd"))).await.errors);
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let house = House::new().await;
    let mut order = house.order(1);
    order.wishes.parallel = Some(0);
    order.wishes.gates = Some(false);
    order.wishes.branch = Some("-x".into());
    order.wishes.models = [("reviwe".to_owned(), ModelName("scripted/demo".into()))].into();
    order.wishes.budget.turns = Some(0);
    let problem = refused(&house, &order).await;
    insta::assert_json_snapshot!(problem, { ".request_id" => "[request]" });
}

#[tokio::test]
async fn a_run_without_a_model_says_how_to_get_one() {
    let house = House::new().await;
    *house.config.0.lock().unwrap() = String::new();
    let issue = house.issue("x", "").await;
    let problem = refused(&house, &house.order(issue.number)).await;
    insta::assert_json_snapshot!(problem, { ".request_id" => "[request]" });
    let mut order = house.order(issue.number);
    order.wishes.models = [("default".to_owned(), ModelName("scripted/other".into()))].into();
    let problem = refused(&house, &order).await;
    assert_eq!(&*problem.detail, "no model `scripted/other` is configured for the role `issue`");
}

#[tokio::test]
async fn a_wrong_configuration_is_told_key_by_key() {
    let house = House::new().await;
    *house.config.0.lock().unwrap() = "[budgt]\ntokens = 1\n[run]\nparallel = 0\n".into();
    let problem = refused(&house, &house.order(1)).await;
    insta::assert_json_snapshot!(problem, { ".request_id" => "[request]" });
}

#[tokio::test]
async fn what_does_not_exist_or_is_taken_is_refused() {
    let house = House::new().await;
    assert_eq!(refused(&house, &house.order(9)).await.status, 404);
    let mut foreign = house.order(1);
    foreign.project_id = "project_01arz3ndektsv4rrffq69g5fav".parse().unwrap();
    assert_eq!(refused(&house, &foreign).await.code, ErrorCode::ProjectUnknown);

    let issue = house.issue("x", "").await;
    let first = house.client.start_run(&house.order(issue.number), "k").await.unwrap();
    let second = refused(&house, &house.order(issue.number)).await;
    assert_eq!((second.code, second.status), (ErrorCode::Conflict, 409));
    assert!(second.detail.contains(&first.id.to_string()), "{}", second.detail);

    let at = house.services.runs.clock.now();
    house.services.intake.forge.set_issue_open(&house.project, issue.number, false, at).await.unwrap();
    assert_eq!(&*refused(&house, &house.order(issue.number)).await.detail, "issue #1 is closed");
}

#[tokio::test]
async fn the_same_key_starts_one_run_and_never_another() {
    let house = House::new().await;
    let issue = house.issue("x", "").await;
    let order = house.order(issue.number);
    let first = house.client.start_run(&order, "k").await.unwrap();
    assert_eq!(house.client.start_run(&order, "k").await.unwrap(), first);
    assert_eq!(house.client.list_runs("").await.unwrap().items.len(), 1);
    let other = house.exec("Something else", EngineWish::Loop);
    let problem = house.client.start_run(&other, "k").await.unwrap_err();
    assert_eq!((problem.code, problem.status), (ErrorCode::IdempotencyMismatch, 422));
}

#[tokio::test]
async fn one_key_at_the_same_time_starts_one_run() {
    let house = House::new().await;
    let exec = house.exec("Tidy up", EngineWish::Loop);
    let starts = (0..8).map(|_| house.client.start_run(&exec, "k"));
    let runs = futures::future::try_join_all(starts).await.unwrap();
    assert!(runs.iter().all(|run| run.id == runs[0].id));
}

#[tokio::test]
async fn a_retry_is_a_new_run_that_names_the_old() {
    let house = House::new().await;
    let old = house.run("x").await;
    let refused = house.client.retry_run(&old.id.to_string(), &RetryRequest::default(), "r").await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::Conflict);

    house.write(old.id, vec![story::ended(StopKind::BudgetExhausted, "spent $2.00 of $2.00")]).await;
    house.clock.advance_ms(1_000);
    let budget = BudgetWish { turns: Some(500), ..BudgetWish::default() };
    let again = RetryRequest { wishes: RunWishes { budget, ..RunWishes::default() } };
    let new = house.client.retry_run(&old.id.to_string(), &again, "r").await.unwrap();
    assert_eq!((new.state, new.issue), (Status::Queued, old.issue));
    let (was, is) = (house.spec(old.id).await, house.spec(new.id).await);
    assert_eq!((is.retry_of, is.budget.turns, is.budget.tokens), (Some(old.id), 500, was.budget.tokens));
    assert_eq!((is.text, is.models), (was.text, was.models));
}
