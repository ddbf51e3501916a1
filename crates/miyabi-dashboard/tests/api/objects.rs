//! Releases, models, secrets.

use miyabi_core::error::ErrorCode;
use miyabi_core::port::deploy_target::Release;
use miyabi_core::port::model::ModelName;
use miyabi_core::project::{DeployConfig, HealthCheck};
use miyabi_core::run::{EventBody, Stage};
use miyabi_dashboard::api::{RollbackRequest, SecretValue, SetSecret};

use crate::house::House;
use crate::story::{HEAD, digest};

fn release(house: &House, name: &str, is_current: bool) -> Release {
    let health = HealthCheck { start_timeout_ms: 5_000, ..HealthCheck::default() };
    let config = DeployConfig { build: Vec::new(), folder: ".".into(), run: None, health };
    let created_at = house.services.runs.clock.now();
    Release {
        name: name.into(),
        commit: HEAD.into(),
        config,
        digest: digest(name),
        created_at,
        is_current,
        url: None,
    }
}

fn with_releases(house: &House, releases: &[(&str, bool)]) {
    let made = releases.iter().map(|(name, is_current)| release(house, name, *is_current));
    *house.outside.releases.lock().unwrap() = made.collect();
}

#[tokio::test]
async fn releases_are_shown() {
    let house = House::new().await;
    with_releases(&house, &[("r3", true), ("r2", false)]);
    insta::assert_json_snapshot!(house.client.list_releases("project-1").await.unwrap());
    assert_eq!(house.client.get_release("project-1", "r2").await.unwrap().name, "r2");
    assert_eq!(house.client.get_release("project-1", "r9").await.unwrap_err().status, 404);
}

#[tokio::test]
async fn the_release_before_is_brought_back() {
    let house = House::skipping().await;
    with_releases(&house, &[("r3", true), ("r2", false), ("r1", false)]);
    let back = house.client.roll_back("project-1", &RollbackRequest::default()).await.unwrap();
    insta::assert_json_snapshot!(back);
    assert_eq!(house.outside.take_done(), ["activate r2"]);
    let back = house.client.roll_back("project-1", &RollbackRequest { to: Some("r3".into()) }).await.unwrap();
    assert_eq!(back.previous.as_deref(), Some("r2"));
}

#[tokio::test]
async fn a_rollback_that_would_harm_is_refused_and_one_that_failed_says_so() {
    let house = House::skipping().await;
    with_releases(&house, &[("r2", true), ("r1-damaged", false)]);
    let roll_back = async || house.client.roll_back("project-1", &RollbackRequest::default()).await;
    assert_eq!(roll_back().await.unwrap_err().code, ErrorCode::RollbackFailed);
    assert!(house.outside.take_done().is_empty());

    with_releases(&house, &[("r1", true)]);
    assert_eq!(roll_back().await.unwrap_err().code, ErrorCode::Conflict);

    with_releases(&house, &[("r2", true), ("r1", false)]);
    *house.outside.is_sick.lock().unwrap() = true;
    let problem = roll_back().await.unwrap_err();
    assert_eq!((problem.code, problem.status), (ErrorCode::Unhealthy, 422));
    assert_eq!(&*problem.detail, "release `r1` is current now and not healthy: connection refused");

    let run = house.run("x").await;
    let deploys = vec![EventBody::RunStarted, EventBody::StageEntered { stage: Stage::Deploy, round: 0 }];
    house.write(run.id, deploys).await;
    assert_eq!(roll_back().await.unwrap_err().code, ErrorCode::Conflict);
}

#[tokio::test]
async fn models_are_listed_with_their_roles_and_tested() {
    let house = House::new().await;
    insta::assert_json_snapshot!(house.client.list_models().await.unwrap());
    let probe = house.client.test_model(&ModelName("scripted/demo".into())).await.unwrap();
    insta::assert_json_snapshot!(probe);
    let problem = house.client.test_model(&ModelName("openai/gpt-5".into())).await.unwrap_err();
    assert_eq!((problem.code, problem.status), (ErrorCode::ModelAuthentication, 502));
    let found = house.client.discover_models("ollama").await.unwrap();
    assert_eq!(found.items, [ModelName("ollama/demo".into())]);
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let house = House::new().await;
    let value = "s3cr3t-canary";
    let set = SetSecret { value: SecretValue::from(value.to_owned()) };
    assert!(!format!("{set:?}").contains(value));
    house.client.set_secret("github-token", &set).await.unwrap();
    let listed = house.client.list_secrets().await.unwrap();
    insta::assert_json_snapshot!(listed);
    let stored = house.services.secrets.get(house.project.tenant, "github-token").await.unwrap();
    assert_eq!(stored.unwrap().expose(), value);

    let bad = house.client.set_secret("../x", &set).await.unwrap_err();
    assert_eq!(bad.errors[0].field, "name");
    let empty = SetSecret { value: SecretValue::from(String::new()) };
    let problem = house.client.set_secret("x", &empty).await.unwrap_err();
    assert_eq!(problem.errors[0].field, "value");
    house.client.remove_secret("github-token").await.unwrap();
    assert_eq!(house.client.remove_secret("github-token").await.unwrap_err().status, 404);
}

#[tokio::test]
async fn a_bug_is_an_error_document_and_not_the_end() {
    let house = House::new().await;
    let problem = house.client.test_model(&ModelName("scripted/broken".into())).await.unwrap_err();
    assert_eq!((problem.code, problem.status), (ErrorCode::Internal, 500));
    assert!(problem.request_id.starts_with("req_") && !problem.detail.contains("adapter"), "{problem:?}");
    house.client.health().await.unwrap();
}
