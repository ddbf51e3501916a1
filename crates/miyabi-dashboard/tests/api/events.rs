//! Pages and streams of events.

use std::time::Duration;

use miyabi_dashboard::api::{Event, RunEvent};
use miyabi_dashboard::client::{EventStream, Happening};

use crate::house::House;
use crate::story;

/// The next event, or a failure after a while.
async fn next(stream: &mut EventStream) -> RunEvent {
    let next = tokio::time::timeout(Duration::from_secs(10), stream.next()).await;
    match next.expect("an event in time").unwrap() {
        Some(Happening::Event(event)) => *event,
        other => panic!("not an event: {other:?}"),
    }
}

async fn take(stream: &mut EventStream, count: usize) -> Vec<RunEvent> {
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(next(stream).await);
    }
    events
}

#[tokio::test]
async fn pages_of_events_lead_to_the_end() {
    let house = House::new().await;
    let run = house.run("x").await;
    let state = house.write(run.id, story::waiting()).await;
    let (mut seen, mut query) = (Vec::new(), "limit=7".to_owned());
    loop {
        let page = house.client.list_events(&run.id.to_string(), &query).await.unwrap();
        seen.extend(page.items.into_iter().map(|event| event.event.seq));
        let Some(next) = page.next else { break };
        query = format!("limit=7&cursor={}", next.0);
    }
    assert_eq!(seen, (1..=state.seq).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_snapshot_and_its_stream_have_no_gap_and_no_double() {
    let house = House::new().await;
    let run = house.run("x").await;
    let other = house.run("y").await;
    house.write(run.id, story::beginning()).await;
    let snapshot = house.client.get_run(&run.id.to_string()).await.unwrap();
    let known = snapshot.steps.len();
    assert!(known > 0);
    house.write(other.id, story::beginning()).await;
    let written = story::work();
    house.write(run.id, written.clone()).await;
    let scope = format!("run:{}", run.id);
    let mut stream = house.client.events(&scope, Some(snapshot.event_id)).await.unwrap();
    let events = take(&mut stream, written.len()).await;
    let bodies: Vec<_> = events.into_iter().map(|event| event.event.body).collect();
    assert_eq!(bodies, written);
}

#[tokio::test]
async fn a_stream_goes_on_while_things_happen_and_can_be_taken_up_again() {
    let house = House::new().await;
    let run = house.run("x").await;
    let mut stream = house.client.events("all", None).await.unwrap();
    house.write(run.id, story::beginning()).await;
    let first = take(&mut stream, 3).await;
    let last = stream.last_id();
    assert_eq!(last, Some(first[2].id));
    drop(stream);
    house.write(run.id, story::work()).await;
    let rest = story::beginning().len() - 3 + story::work().len();
    let mut stream = house.client.events("all", last).await.unwrap();
    let second = take(&mut stream, rest).await;
    let places: Vec<_> = first.iter().chain(&second).map(|event| event.event.seq).collect();
    assert_eq!(places, (2..=places.len() as u64 + 1).collect::<Vec<_>>());
}

#[tokio::test]
async fn scopes_hold_apart() {
    let house = House::new().await;
    let (one, two) = (house.run("x").await, house.run("y").await);
    let mut of_two = house.client.events(&format!("run:{}", two.id), Some(0)).await.unwrap();
    let mut of_project =
        house.client.events(&format!("project:{}", house.project.id), Some(0)).await.unwrap();
    assert_eq!(next(&mut of_two).await.event.run_id, two.id);
    let runs: Vec<_> = take(&mut of_project, 2).await.into_iter().map(|event| event.event.run_id).collect();
    assert_eq!(runs, [one.id, two.id]);
    house.write(one.id, story::beginning()).await;
    house.write(two.id, vec![miyabi_core::run::EventBody::RunStarted]).await;
    assert_eq!(next(&mut of_two).await.event.run_id, two.id);
}

#[tokio::test]
async fn a_place_that_is_not_known_resets() {
    let house = House::new().await;
    let run = house.run("x").await;
    let mut stream = house.client.events("all", Some(1_000)).await.unwrap();
    let reset = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap().unwrap();
    assert_eq!(reset, Some(Happening::Reset { id: 1 }));
    house.write(run.id, vec![miyabi_core::run::EventBody::RunStarted]).await;
    assert_eq!(next(&mut stream).await.id, 2);
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let house = House::new().await;
    let mut stream = house.client.events("all", None).await.unwrap();
    house.shutdown.cancel();
    let end = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap().unwrap();
    assert_eq!(end, None);
}

#[tokio::test]
async fn many_events_come_in_order_without_being_held_in_memory() {
    let house = House::new().await;
    let run = house.run("x").await;
    for number in 0..30 {
        house.client.steer(&run.id.to_string(), &format!("word {number}")).await.unwrap();
    }
    house.write(run.id, story::waiting()).await;
    let state = house.write(run.id, story::work()).await;
    let mut stream = house.client.events(&format!("run:{}", run.id), Some(0)).await.unwrap();
    let count = usize::try_from(state.seq).unwrap();
    let events: Vec<Event> = take(&mut stream, count).await.into_iter().map(|event| event.event).collect();
    assert!(events.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
}
