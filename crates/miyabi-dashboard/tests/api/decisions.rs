//! Approving, rejecting, guiding, stopping.

use miyabi_core::error::ErrorCode;
use miyabi_core::stop::{Status, StopKind};
use miyabi_dashboard::api::{DecideRequest, DecisionWord, Problem};

use crate::house::House;
use crate::story::{self, HEAD};

fn approve() -> DecideRequest {
    DecideRequest { decision: DecisionWord::Approve, approval: None, note: None, head: None }
}

async fn refused(house: &House, run: &str, request: DecideRequest) -> Problem {
    house.client.decide(run, &request).await.expect_err("the decision does not fit")
}

#[tokio::test]
async fn the_only_open_question_needs_no_name() {
    let house = House::new().await;
    let run = house.run("x").await;
    let id = run.id.to_string();
    assert_eq!(refused(&house, &id, approve()).await.code, ErrorCode::RunNotWaiting);
    house.write(run.id, story::waiting()).await;
    let head = Some(HEAD[..9].to_owned());
    let decided = house.client.decide(&id, &DecideRequest { head, ..approve() }).await.unwrap();
    assert!(decided.waits_for.is_empty());
    let asked = house.client.list_approvals(&id).await.unwrap().items;
    let decision = asked[0].decision.as_ref().unwrap();
    assert_eq!((asked.len(), decision.by.as_str()), (1, "operator"));
}

#[tokio::test]
async fn a_decision_counts_only_for_what_the_person_saw() {
    let house = House::new().await;
    let run = house.run("x").await;
    house.write(run.id, story::waiting()).await;
    let id = run.id.to_string();
    let stale = DecideRequest { head: Some("3333333".into()), ..approve() };
    let problem = refused(&house, &id, stale).await;
    assert_eq!((problem.code, problem.status), (ErrorCode::ApprovalStale, 409));
    let short = DecideRequest { head: Some("222".into()), ..approve() };
    assert_eq!(refused(&house, &id, short).await.code, ErrorCode::RequestInvalid);
    let empty = DecideRequest { head: Some(String::new()), ..approve() };
    assert_eq!(refused(&house, &id, empty).await.code, ErrorCode::RequestInvalid);
}

#[tokio::test]
async fn the_first_answer_wins() {
    let house = House::new().await;
    let run = house.run("x").await;
    house.write(run.id, story::waiting()).await;
    let id = run.id.to_string();
    let name = house.client.get_run(&id).await.unwrap().run.waits_for.remove(0);
    let named = DecideRequest { approval: Some(name), ..approve() };
    let reject = DecideRequest { decision: DecisionWord::Reject, ..named.clone() };
    let both =
        futures::future::join(house.client.decide(&id, &named), house.client.decide(&id, &reject)).await;
    let problems: Vec<_> = [both.0, both.1].into_iter().filter_map(Result::err).collect();
    assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [ErrorCode::Conflict]);
}

#[tokio::test]
async fn several_questions_must_be_named() {
    let house = House::new().await;
    let run = house.run("x").await;
    house.write(run.id, story::waiting()).await;
    house.write(run.id, vec![story::question("Which year?")]).await;
    let id = run.id.to_string();
    let problem = refused(&house, &id, approve()).await;
    assert_eq!(problem.code, ErrorCode::Ambiguous);
    let unknown = DecideRequest { approval: Some("plan/x".into()), ..approve() };
    assert_eq!(refused(&house, &id, unknown).await.status, 404);
    let asked = house.client.list_approvals(&id).await.unwrap().items;
    for approval in asked {
        let named = DecideRequest { approval: Some(approval.name), ..approve() };
        house.client.decide(&id, &named).await.unwrap();
    }
    assert!(house.client.get_run(&id).await.unwrap().run.waits_for.is_empty());
}

#[tokio::test]
async fn asking_for_changes_says_which() {
    let house = House::new().await;
    let run = house.run("x").await;
    house.write(run.id, story::waiting()).await;
    let id = run.id.to_string();
    let silent =
        DecideRequest { decision: DecisionWord::RequestChanges, note: Some(" ".into()), ..approve() };
    assert_eq!(refused(&house, &id, silent.clone()).await.errors[0].field, "note");
    let note = Some("Name the `None` case.".to_owned());
    house.client.decide(&id, &DecideRequest { note, ..silent }).await.unwrap();
    let asked = house.client.list_approvals(&id).await.unwrap().items;
    let note = asked[0].decision.as_ref().unwrap().note.unwrap();
    assert_eq!(house.text(note).await, "Name the `None` case.");
}

#[tokio::test]
async fn guidance_answers_a_question() {
    let house = House::new().await;
    let run = house.run("x").await;
    let id = run.id.to_string();
    house.write(run.id, story::beginning()).await;
    house.write(run.id, vec![story::question("Which year?")]).await;
    assert_eq!(house.client.get_run(&id).await.unwrap().run.state, Status::Waiting);
    let run = house.client.steer(&id, "This year.").await.unwrap();
    assert_eq!(run.state, Status::Running);
    assert_eq!(house.client.steer(&id, "  ").await.unwrap_err().code, ErrorCode::RequestInvalid);
}

#[tokio::test]
async fn stopping_twice_is_the_same_as_once() {
    let house = House::new().await;
    let run = house.run("x").await;
    let id = run.id.to_string();
    for _ in 0..2 {
        house.client.stop_run(&id).await.unwrap();
    }
    let detail = house.client.get_run(&id).await.unwrap();
    assert!(detail.is_stopping);
    assert_eq!(house.client.list_events(&id, "").await.unwrap().items.len(), 2);
    house.write(run.id, vec![story::ended(StopKind::Cancelled, "stopped by operator")]).await;
    for problem in [
        house.client.stop_run(&id).await.unwrap_err(),
        house.client.steer(&id, "more").await.unwrap_err(),
        refused(&house, &id, approve()).await,
    ] {
        assert_eq!((problem.code, problem.status), (ErrorCode::RunEnded, 409));
    }
}

#[tokio::test]
async fn decisions_hold_against_an_engine_that_keeps_writing() {
    let house = House::new().await;
    let run = house.run("x").await;
    house.write(run.id, story::waiting()).await;
    let id = run.id.to_string();
    let guide = |number: usize| {
        let client = house.client.clone();
        let id = id.clone();
        async move { client.steer(&id, &format!("word {number}")).await }
    };
    futures::future::try_join_all((0..12).map(guide)).await.unwrap();
    let events = house.client.list_events(&id, "limit=500").await.unwrap().items;
    let steered = events.iter().filter(|event| event.event.body.kind() == "steered").count();
    assert_eq!(steered, 12);
    let places: Vec<_> = events.iter().map(|event| event.event.seq).collect();
    assert_eq!(places, (1..=events.len() as u64).collect::<Vec<_>>());
}
