//! What is stored is not what was written: it is found, named, and never passed on.

use std::fs;
use std::path::Path;

use miyabi_core::digest::Digest;
use miyabi_core::port::artifacts;
use miyabi_core::port::journal::Error;
use miyabi_core::run::event::VERSION;
use miyabi_store::conformance::fixture::{Run, project_id, tenant};
use miyabi_store::{Error as StoreError, Layout, Problem, check_folder, restore};
use sqlx::Connection;

/// A folder with one run of `count` events, closed.
async fn recorded(folder: &Path, count: u64) -> Run {
    let store = crate::common::open(folder).await;
    let mut run = Run::new(tenant(), project_id());
    let events = run.events(count);
    store.journal().create(&events, &run.row).await.unwrap();
    store.close().await;
    run
}

async fn load_error(folder: &Path, run: &Run) -> Error {
    let store = crate::common::open(folder).await;
    let error = store.journal().load(run.row.tenant, run.row.run_id, 0).await.unwrap_err();
    // Whatever stands behind the damage still reads on from there.
    store.close().await;
    error
}

/// Flips one bit in the database file, in the first place where `text` stands.
fn flip(folder: &Path, text: &str) {
    let path = Layout::of(folder).database();
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
}

#[tokio::test]
async fn flipped_bit_in_an_event_is_found() {
    let home = tempfile::tempdir().unwrap();
    let run = recorded(home.path(), 9).await;
    flip(home.path(), "person 3");
    let error = load_error(home.path(), &run).await;
    assert!(matches!(error, Error::Corrupt { seq: 4, .. }), "{error}");

    let report = check_folder(home.path()).await.unwrap();
    let expected = Problem::Run { tenant: run.row.tenant, run: run.row.run_id, why: error.to_string() };
    assert_eq!((report.runs, report.problems.as_slice()), (1, [expected].as_slice()));
    let refused = restore(home.path(), &home.path().join("restored")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
}

#[tokio::test]
async fn events_behind_the_damage_can_still_be_read() {
    let home = tempfile::tempdir().unwrap();
    let run = recorded(home.path(), 9).await;
    flip(home.path(), "person 3");
    let store = crate::common::open(home.path()).await;
    let rest = store.journal().load(run.row.tenant, run.row.run_id, 4).await.unwrap();
    assert_eq!(rest.len(), 5);
    store.close().await;
}

#[tokio::test]
async fn missing_events_are_found() {
    for (missing, found) in [(1, 1), (5, 5), (9, 9)] {
        let home = tempfile::tempdir().unwrap();
        let run = recorded(home.path(), 9).await;
        let mut connection = crate::common::sql(home.path()).await;
        let sql = "delete from run_events where tenant_id = ?1 and seq = ?2";
        let query = sqlx::query(sql).bind(run.row.tenant.to_string()).bind(missing);
        query.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let error = load_error(home.path(), &run).await;
        assert!(matches!(error, Error::Corrupt { seq, .. } if seq == found), "{missing}: {error}");
    }
}

#[tokio::test]
async fn event_is_never_changed_by_a_statement() {
    let home = tempfile::tempdir().unwrap();
    recorded(home.path(), 2).await;
    let mut connection = crate::common::sql(home.path()).await;
    let changed = sqlx::query("update run_events set kind = 'x'").execute(&mut connection).await;
    assert!(changed.unwrap_err().to_string().contains("an event is never changed"));
}

#[tokio::test]
async fn event_of_a_newer_program_is_told_from_damage() {
    let home = tempfile::tempdir().unwrap();
    let run = recorded(home.path(), 2).await;
    let id = run.row.run_id;
    let payload = format!(r#"{{"v":{},"run_id":"{id}","seq":3,"at":1,"kind":"teleported"}}"#, VERSION + 1);
    let mut connection = crate::common::sql(home.path()).await;
    let head: Vec<u8> =
        sqlx::query_scalar("select chain from runs").fetch_one(&mut connection).await.unwrap();
    let head = Digest::from_bytes(head.try_into().unwrap());
    let chain = head.chain(payload.as_bytes()).as_bytes().to_vec();
    let sql =
        "insert into run_events select 3, tenant_id, project_id, id, 3, 'teleported', 1, ?1, ?2 from runs";
    let insert = sqlx::query(sql).bind(&chain).bind(&payload);
    insert.execute(&mut connection).await.unwrap();
    let update = sqlx::query("update runs set seq = 3, chain = ?1").bind(&chain);
    update.execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let error = load_error(home.path(), &run).await;
    assert!(matches!(error, Error::Newer { run, version } if run == id && version == VERSION + 1), "{error}");
}

#[tokio::test]
async fn damaged_artifact_is_never_handed_out() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    let artifacts = store.artifacts();
    let digest = artifacts.put(b"evidence").await.unwrap();
    let hex = digest.hex();
    let path = Layout::of(home.path()).artifacts().join(&hex[..2]).join(&hex[2..]);

    fs::write(&path, b"evidense").unwrap();
    let error = artifacts.get(digest).await.unwrap_err();
    assert!(matches!(error, artifacts::Error::Corrupt(damaged) if damaged == digest), "{error}");
    let report = store.check().await.unwrap();
    assert_eq!(report.problems, [Problem::Artifact(digest)]);

    // One that was cut off is seen without reading it, and storing the content again heals it.
    fs::write(&path, b"evid").unwrap();
    assert_eq!(artifacts.put(b"evidence").await.unwrap(), digest);
    assert_eq!(artifacts.get(digest).await.unwrap(), b"evidence");
    assert_eq!(store.check().await.unwrap().problems, []);
    store.close().await;
}
