//! Clean-up and the state of the store.

use miyabi_core::error::ErrorCode;
use miyabi_core::id::RunId;
use miyabi_core::port::checkouts::CheckoutId;
use miyabi_core::stop::StopKind;
use miyabi_dashboard::api::{DecideRequest, DecisionWord, GcRequest};

use crate::house::House;
use crate::story;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn checkout(run: RunId) -> CheckoutId {
    CheckoutId { run, name: "t1".into() }
}

/// A run that ended with a change that is not merged, and one that ended with none; both have a checkout.
async fn two_runs(house: &House) -> (RunId, RunId) {
    let kept = house.run("kept").await.id;
    let with_change = [story::beginning(), story::work()].concat();
    house.write(kept, with_change).await;
    house.write(kept, vec![story::ended(StopKind::BudgetExhausted, "spent")]).await;
    let gone = house.run("gone").await.id;
    house.write(gone, vec![story::ended(StopKind::ProviderFailed, "no answer")]).await;
    *house.outside.checkouts.lock().unwrap() = vec![checkout(kept), checkout(gone)];
    (kept, gone)
}

#[tokio::test]
async fn unmerged_work_is_kept_until_it_is_given_up_by_name() {
    let house = House::new().await;
    let (kept, gone) = two_runs(&house).await;
    house.clock.advance_ms(100 * DAY_MS);
    let dry =
        house.client.collect_garbage(&GcRequest { dry_run: true, ..GcRequest::default() }).await.unwrap();
    assert_eq!(
        (dry.runs.as_slice(), dry.kept_for_their_change.as_slice()),
        ([gone].as_slice(), [kept].as_slice())
    );
    assert!(house.outside.take_done().is_empty());
    assert_eq!(house.client.list_runs("").await.unwrap().items.len(), 2);

    let done = house.client.collect_garbage(&GcRequest::default()).await.unwrap();
    assert_eq!(
        (done.runs.as_slice(), done.checkouts.as_slice()),
        ([gone].as_slice(), [checkout(gone).to_string()].as_slice())
    );
    let left = house.client.list_runs("").await.unwrap().items;
    assert_eq!(left.iter().map(|run| run.id).collect::<Vec<_>>(), [kept]);
    assert_eq!(house.outside.take_done(), ["remove t1", "prune to 5"]);

    let discard = GcRequest { discard: [kept].into(), ..GcRequest::default() };
    let done = house.client.collect_garbage(&discard).await.unwrap();
    assert_eq!(done.runs, [kept]);
    assert!(house.client.list_runs("").await.unwrap().items.is_empty());
}

#[tokio::test]
async fn to_stop_is_not_to_give_up_but_to_reject_is() {
    let house = House::new().await;
    let with_change = [story::beginning(), story::work()].concat();
    let (stopped, rejected) = (house.run("stopped").await, house.run("rejected").await);
    for run in [&stopped, &rejected] {
        house.write(run.id, with_change.clone()).await;
    }
    house.client.stop_run(&stopped.id.to_string()).await.unwrap();
    house.write(rejected.id, vec![story::asks(story::HEAD)]).await;
    let reject = DecideRequest { decision: DecisionWord::Reject, approval: None, note: None, head: None };
    house.client.decide(&rejected.id.to_string(), &reject).await.unwrap();
    for run in [&stopped, &rejected] {
        house.write(run.id, vec![story::ended(StopKind::Cancelled, "by operator")]).await;
    }
    house.clock.advance_ms(100 * DAY_MS);
    let done = house.client.collect_garbage(&GcRequest::default()).await.unwrap();
    assert_eq!((done.runs, done.kept_for_their_change), (vec![rejected.id], vec![stopped.id]));
}

#[tokio::test]
async fn contents_go_when_nothing_names_them_and_snapshots_keep_what_they_need() {
    let house = House::new().await;
    let artifacts = &house.services.runs.artifacts;
    let run = house.run("x").await;
    let pack = artifacts.put(b"the pack of a snapshot").await.unwrap();
    let snapshot = artifacts.put(format!("refers to {pack}").as_bytes()).await.unwrap();
    let orphan = artifacts.put(b"nobody names this").await.unwrap();
    let checkout = miyabi_core::run::Step::Checkout { task: story::task() };
    let value = miyabi_core::run::StepValue::CheckedOut { base: story::BASE.into(), snapshot };
    house.write(run.id, story::performed(checkout, value)).await;
    // Files carry the disk's own time, so the manual clock must be ahead of it by the policy's days.
    house.clock.set(miyabi_core::time::Timestamp::from_millis(4_000_000_000_000));
    let done = house.client.collect_garbage(&GcRequest::default()).await.unwrap();
    assert_eq!(done.artifacts_removed.unwrap().count, 1);
    for (digest, is_there) in [(pack, true), (snapshot, true), (orphan, false)] {
        assert_eq!(artifacts.size(digest).await.unwrap().is_some(), is_there, "{digest}");
    }
}

#[tokio::test]
async fn a_run_that_goes_on_can_not_be_given_up() {
    let house = House::new().await;
    let run = house.run("x").await;
    let discard = GcRequest { discard: [run.id].into(), ..GcRequest::default() };
    let problem = house.client.collect_garbage(&discard).await.unwrap_err();
    assert_eq!(problem.code, ErrorCode::Conflict);
}

#[tokio::test]
async fn the_store_tells_what_it_holds() {
    let house = House::new().await;
    house.run("x").await;
    let info = house.client.get_store().await.unwrap();
    assert!(info.schema_version > 0 && info.database_bytes > 0 && info.artifacts.count > 0, "{info:?}");
}
