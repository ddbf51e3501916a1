//! Lists, names, and requests that don't fit.

use axum::Extension;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use miyabi_core::error::ErrorCode;
use miyabi_core::stop::StopKind;
use miyabi_dashboard::Peer;
use miyabi_dashboard::api::{Page, Problem, Run};
use tower::ServiceExt as _;

use crate::house::House;
use crate::story;

#[tokio::test]
async fn lists_are_paged_newest_first() {
    let house = House::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        house.clock.advance_ms(1_000);
        ids.insert(0, house.run(&format!("run {number}")).await.id);
    }
    let (mut seen, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page: Page<Run> = house.client.list_runs(&query).await.unwrap();
        assert!(page.items.len() <= 2);
        seen.extend(page.items.iter().map(|run| run.id));
        let Some(next) = page.next else { break };
        query = format!("limit=2&cursor={}", next.0);
    }
    assert_eq!(seen, ids);
    let none = house.client.list_runs("limit=5").await.unwrap();
    assert_eq!((none.items.len(), none.next), (5, None));
}

#[tokio::test]
async fn lists_are_filtered_by_state_project_and_time() {
    let house = House::new().await;
    let first = house.run("first").await;
    house.write(first.id, vec![story::ended(StopKind::Cancelled, "stopped")]).await;
    house.clock.advance_ms(10_000);
    let second = house.run("second").await;
    let ids = async |query: &str| {
        let page = house.client.list_runs(query).await.unwrap();
        page.items.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("state=cancelled,failed").await, [first.id]);
    assert_eq!(ids("state=queued").await, [second.id]);
    assert_eq!(ids(&format!("since={}", first.updated_at)).await, [second.id]);
    assert_eq!(ids(&format!("project={}", house.project.id)).await.len(), 2);
    assert!(ids("project=project_01arz3ndektsv4rrffq69g5fav").await.is_empty());
}

#[tokio::test]
async fn runs_are_found_by_the_end_of_their_id() {
    let house = House::new().await;
    let run = house.run("x").await;
    let id = run.id.to_string();
    for name in [&id[id.len() - 6..], &format!("run_{}", &id[id.len() - 4..]), &id.to_uppercase()[4..]] {
        assert_eq!(house.client.get_run(name).await.unwrap().run.id, run.id, "{name}");
    }
    for name in ["run_", "../etc", "run_zzzz"] {
        assert_eq!(house.client.get_run(name).await.unwrap_err().status, 404, "{name}");
    }
    house.run("y").await;
    house.run("z").await;
    let shared = (0..32u8).map(|digit| char::from(b"0123456789abcdefghjkmnpqrstvwxyz"[usize::from(digit)]));
    let mut codes = Vec::new();
    for ending in shared {
        if let Err(problem) = house.client.get_run(&ending.to_string()).await {
            codes.push(problem.code);
        }
    }
    // Three runs end in at most three letters, so most letters name nothing.
    assert!(codes.iter().filter(|code| **code == ErrorCode::NotFound).count() >= 29);
}

async fn send(house: &House, method: Method, path: &str, body: impl Into<Body>) -> (StatusCode, Problem) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap();
    let router = house.router.clone().layer(Extension(Peer::InProcess));
    let answer = router.oneshot(request).await.unwrap();
    let (status, kind) = (answer.status(), answer.headers()["content-type"].clone());
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let problem: Problem = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        (kind.as_bytes(), &*problem.request_id),
        (b"application/problem+json".as_slice(), id.as_str())
    );
    assert_eq!(problem.status, status.as_u16());
    (status, problem)
}

#[tokio::test]
async fn whatever_is_wrong_is_a_problem_document() {
    let house = House::new().await;
    for (method, path, body, status) in [
        (Method::GET, "/nothing", "", 404),
        (Method::DELETE, "/runs", "", 405),
        (Method::POST, "/runs", "{", 400),
        (Method::POST, "/runs", "{}", 400),
        (Method::GET, "/runs?limit=many", "", 400),
        (Method::GET, "/runs?colour=red", "", 400),
        (Method::GET, "/runs?state=happy", "", 400),
        (Method::GET, "/runs?cursor=xyz", "", 400),
        (Method::GET, "/runs?since=yesterday", "", 400),
        (Method::GET, "/runs/run_01arz3ndektsv4rrffq69g5fav", "", 404),
        (Method::GET, "/runs/run_01arz3ndektsv4rrffq69g5fav/events", "", 404),
        (Method::GET, "/events?scope=run:run_01arz3ndektsv4rrffq69g5fav", "", 404),
        (Method::GET, "/events?scope=world", "", 400),
    ] {
        let (found, problem) = send(&house, method.clone(), path, body).await;
        assert_eq!(found.as_u16(), status, "{method} {path}: {problem:?}");
        assert!(!problem.detail.contains('\n') && !problem.detail.is_empty(), "{path}: {}", problem.detail);
    }
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let house = House::new().await;
    let run = house.run("x").await;
    let text = format!("{{\"text\": \"{}\"}}", "x".repeat(2 << 20));
    let (status, _) = send(&house, Method::POST, &format!("/runs/{}/steer", run.id), text).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let patch = format!("{{\"patch\": \"{}\"}}", "x".repeat(9 << 20));
    assert_eq!(send(&house, Method::POST, "/runs", patch).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_request_without_a_door_is_refused() {
    let house = House::new().await;
    let request = Request::get("/api/v1/runs").body(Body::empty()).unwrap();
    let answer = house.router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}
