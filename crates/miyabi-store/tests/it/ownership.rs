//! Who may use a data folder, and what becomes of whoever had it before.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use miyabi_core::error::ErrorCode;
use miyabi_core::port::{journal, records};
use miyabi_store::conformance::fixture::{Run, START, project, project_id, tenant};
use miyabi_store::{DataFolder, FolderError, Layout};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn folder_has_one_owner_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    let error = DataFolder::open(home.path()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::DataFolderBusy);
    let FolderError::Busy { process, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(process, Some(std::process::id()));

    store.close().await;
    crate::common::open(home.path()).await.close().await;
}

#[tokio::test]
async fn everything_is_for_the_owner_alone() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("new/data");
    let store = crate::common::open(&folder).await;
    let artifact = store.artifacts().put(b"x").await.unwrap();
    let secret = miyabi_core::secret::Secret::new("v".into());
    store.secrets().set(tenant(), "s", &secret, START).await.unwrap();
    let layout = Layout::of(&folder);
    let hex = artifact.hex();
    let file = layout.artifacts().join(&hex[..2]).join(&hex[2..]);
    for path in [&folder, &layout.artifacts(), &layout.backups(), file.parent().unwrap()] {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    let database = layout.database();
    let log = database.with_extension("db-wal");
    for path in [&database, &log, &layout.key(), &layout.lock(), &file] {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    store.close().await;
}

#[tokio::test]
async fn own_folder_is_made_private_and_a_shared_one_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let open_to_all = fs::Permissions::from_mode(0o755);
    let own = home.path().join("own");
    crate::common::open(&own).await.close().await;
    fs::set_permissions(&own, open_to_all.clone()).unwrap();
    crate::common::open(&own).await.close().await;
    assert_eq!(mode(&own), 0o700);

    let shared = home.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::write(shared.join("of-somebody-else"), "").unwrap();
    fs::set_permissions(&shared, open_to_all).unwrap();
    let error = DataFolder::open(&shared).unwrap_err();
    assert!(matches!(error, FolderError::Shared { .. }), "{error}");
    assert_eq!(error.code(), ErrorCode::DataFolderUnusable);
    assert_eq!((mode(&shared), fs::read_dir(&shared).unwrap().count()), (0o755, 1));
}

#[test]
fn file_in_place_of_the_folder_is_told() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("file");
    fs::write(&path, "").unwrap();
    let error = DataFolder::open(&path).unwrap_err();
    assert!(matches!(error, FolderError::Unusable { .. }), "{error}");
}

/// A frozen process whose lock was broken comes back and finds that it was replaced.
#[tokio::test]
async fn replaced_owner_can_read_but_not_write() {
    let home = tempfile::tempdir().unwrap();
    let old = crate::common::open(home.path()).await;
    let mut run = Run::new(tenant(), project_id());
    let events = run.begin();
    old.journal().create(&events, &run.row).await.unwrap();

    fs::remove_file(Layout::of(home.path()).lock()).unwrap();
    let new = crate::common::open(home.path()).await;
    let late = run.events(1);
    let fenced = old.journal().append(2, &late, &run.row).await.unwrap_err();
    assert!(matches!(fenced, journal::Error::Fenced), "{fenced}");
    let fenced = old.projects().create(&project(tenant())).await.unwrap_err();
    assert!(matches!(fenced, records::Error::Fenced), "{fenced}");
    let loaded = old.journal().load(run.row.tenant, run.row.run_id, 0).await.unwrap();
    assert_eq!(loaded.len(), 2);

    new.journal().append(2, &late, &run.row).await.unwrap();
    // No wake-up reaches it from another process, so it looks by itself from time to time.
    let noticed = tokio::time::timeout(Duration::from_secs(30), old.journal().changed(2)).await;
    assert!(noticed.is_ok(), "the new owner's event was not noticed");
    let fenced = old.journal().append(2, &late, &run.row).await.unwrap_err();
    assert!(matches!(fenced, journal::Error::Fenced), "{fenced}");
    old.close().await;
    let loaded = new.journal().load(run.row.tenant, run.row.run_id, 0).await.unwrap();
    assert_eq!(loaded.len(), 3);
    new.close().await;
}

#[tokio::test]
async fn closed_store_says_so_and_leaves_no_log_behind() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    let journal = store.journal();
    let mut run = Run::new(tenant(), project_id());
    let events = run.begin();
    journal.create(&events, &run.row).await.unwrap();
    store.close().await;
    let log = Layout::of(home.path()).database().with_extension("db-wal");
    assert!(!log.exists(), "the log is part of the database now");

    let more = run.events(1);
    let refused = journal.append(2, &more, &run.row).await.unwrap_err();
    assert!(matches!(refused, journal::Error::Unavailable(_)), "{refused}");
    let refused = journal.find(run.row.tenant, run.row.run_id).await.unwrap_err();
    assert!(matches!(refused, journal::Error::Unavailable(_)), "{refused}");
}
