//! Backups of a store that goes on working, and the way back.

use std::fs;

use miyabi_core::secret::Secret;
use miyabi_store::conformance::fixture::{Run, START, project, project_id, tenant};
use miyabi_store::{Error, FolderError, Layout, check_folder, restore};

#[tokio::test]
async fn backup_brings_everything_back() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(&home.path().join("data")).await;
    let mut run = Run::new(tenant(), project_id());
    let events = run.events(50);
    store.journal().create(&events, &run.row).await.unwrap();
    let project = project(run.row.tenant);
    store.projects().create(&project).await.unwrap();
    let artifact = store.artifacts().put(b"patch").await.unwrap();
    let secret = Secret::new("v".into());
    store.secrets().set(run.row.tenant, "s", &secret, START).await.unwrap();

    let backup = home.path().join("backup");
    store.backup_to(&backup, true).await.unwrap();
    // What happens afterwards is not part of it.
    let later = run.events(1);
    store.journal().append(50, &later, &run.row).await.unwrap();
    store.close().await;

    let restored = home.path().join("restored");
    let report = restore(&backup, &restored).await.unwrap();
    assert_eq!((report.runs, report.events, report.artifacts.count), (1, 50, 1));
    let store = crate::common::open(&restored).await;
    let loaded = store.journal().load(run.row.tenant, run.row.run_id, 0).await.unwrap();
    assert_eq!(loaded.into_iter().map(|stored| stored.event).collect::<Vec<_>>(), events);
    assert_eq!(store.projects().list(run.row.tenant).await.unwrap(), [project]);
    assert_eq!(store.artifacts().get(artifact).await.unwrap(), b"patch");
    let found = store.secrets().get(run.row.tenant, "s").await.unwrap().unwrap();
    assert_eq!(found.expose(), "v");
    // The restored store goes on.
    store.journal().append(50, &later, &run.row).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn backup_under_load_is_consistent() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(&home.path().join("data")).await;
    let journal = store.journal();
    let work = futures::future::join_all((0..4).map(|_| async {
        let mut run = Run::new(tenant(), project_id());
        let events = run.begin();
        journal.create(&events, &run.row).await.unwrap();
        for _ in 0..40 {
            let expected = run.row.seq;
            let events = run.events(2);
            journal.append(expected, &events, &run.row).await.unwrap();
        }
    }));
    let backups = async {
        for number in 0..3 {
            let target = home.path().join(format!("backup-{number}"));
            store.backup_to(&target, false).await.unwrap();
            let report = check_folder(&target).await.unwrap();
            assert_eq!(report.problems, [], "backup {number}");
        }
    };
    tokio::join!(work, backups);
    store.close().await;
}

#[tokio::test]
async fn key_stays_behind_unless_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(&home.path().join("data")).await;
    let secret = Secret::new("v".into());
    store.secrets().set(tenant(), "s", &secret, START).await.unwrap();
    let (without, with) = (home.path().join("without"), home.path().join("with"));
    store.backup_to(&without, false).await.unwrap();
    store.backup_to(&with, true).await.unwrap();
    assert!(!Layout::of(&without).key().exists());
    assert!(Layout::of(&with).key().exists());
    store.close().await;
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let store = crate::common::open(&data).await;
    let taken = home.path().join("taken");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("thesis"), "").unwrap();
    let refused = store.backup_to(&taken, false).await.unwrap_err();
    assert!(matches!(refused, Error::Occupied { .. }), "{refused}");

    let backup = home.path().join("backup");
    store.backup_to(&backup, false).await.unwrap();
    assert!(!home.path().join("backup.partial").exists());
    let refused = store.backup_to(&backup, false).await.unwrap_err();
    assert!(matches!(refused, Error::Occupied { .. }), "{refused}");
    let refused = restore(&backup, &data).await.unwrap_err();
    let is_busy = matches!(refused, Error::Folder(FolderError::Busy { .. }));
    assert!(is_busy, "{refused}");
    store.close().await;
    let refused = restore(&backup, &data).await.unwrap_err();
    assert!(matches!(refused, Error::Occupied { .. }), "{refused}");
}

#[tokio::test]
async fn folder_without_a_database_is_no_backup() {
    let home = tempfile::tempdir().unwrap();
    let error = check_folder(home.path()).await.unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error}");
    assert!(!Layout::of(home.path()).database().exists());
}
