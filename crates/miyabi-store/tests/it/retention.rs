//! What removes ended runs, and what the store tells of its size.

use miyabi_core::port::journal::Error;
use miyabi_core::port::retention::{RunRetention, StoreInfo};
use miyabi_store::conformance::fixture::{Run, project_id, tenant};
use miyabi_store::{Layout, Store};

async fn run(store: &Store, has_ended: bool) -> Run {
    let mut run = Run::new(tenant(), project_id());
    let mut events = run.begin();
    if has_ended {
        events.push(run.end());
    }
    store.journal().create(&events, &run.row).await.unwrap();
    run
}

#[tokio::test]
async fn only_ended_runs_of_the_tenant_are_removed() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    let (ended, going_on) = (run(&store, true).await, run(&store, false).await);
    let retention = store.retention();
    let mut tenants = vec![ended.row.tenant, going_on.row.tenant];
    tenants.sort();
    assert_eq!(retention.tenants().await.unwrap(), tenants);

    let remove = async |tenant, run: &Run| retention.remove_run(tenant, run.row.run_id).await.unwrap();
    assert!(!remove(going_on.row.tenant, &going_on).await, "it goes on");
    assert!(!remove(going_on.row.tenant, &ended).await, "of another tenant");
    assert!(remove(ended.row.tenant, &ended).await);
    assert!(!remove(ended.row.tenant, &ended).await, "gone already");

    let journal = store.journal();
    let gone = journal.load(ended.row.tenant, ended.row.run_id, 0).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound(_)), "{gone}");
    assert_eq!(journal.load(going_on.row.tenant, going_on.row.run_id, 0).await.unwrap().len(), 2);
    // Places of removed events are not given out again: a reader that saw them would miss what is new.
    assert_eq!(journal.last_global().await.unwrap(), 5);
    let next = run(&store, false).await;
    let first = &journal.load(next.row.tenant, next.row.run_id, 0).await.unwrap()[0];
    assert_eq!(first.global_seq, 6);
    assert_eq!(store.check().await.unwrap().problems, []);
    store.close().await;
}

#[tokio::test]
async fn size_and_format_are_told() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    store.artifacts().put(b"12345").await.unwrap();
    let facts = store.retention().facts().await.unwrap();
    store.close().await;
    let file = std::fs::metadata(Layout::of(home.path()).database()).unwrap();
    assert_eq!((facts.artifacts.count, facts.artifacts.size_bytes), (1, 5));
    assert_eq!(facts.database_bytes, file.len());
    assert!(facts.schema_version >= 5);
}
