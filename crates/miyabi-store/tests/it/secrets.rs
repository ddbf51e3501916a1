//! Secrets at rest: nothing readable on the disk, and keys that change without losing anything.

use std::fs;
use std::path::Path;

use miyabi_core::id::TenantId;
use miyabi_core::port::records::Error;
use miyabi_core::secret::Secret;
use miyabi_store::conformance::fixture::{START, tenant};
use miyabi_store::{Keys, Layout, MasterKey, Rewrapped, Store};
use sqlx::Connection;

const VALUE: &str = "a-value-to-look-for";

async fn set(store: &Store, tenant: TenantId, name: &str) {
    let value = Secret::new(VALUE.into());
    store.secrets().set(tenant, name, &value, START).await.unwrap();
}

async fn get(store: &Store, tenant: TenantId, name: &str) -> Result<String, Error> {
    let found = store.secrets().get(tenant, name).await?;
    Ok(found.unwrap().expose().to_owned())
}

fn key_lines(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(Layout::of(folder).key()).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn operator(current: &MasterKey, retired: &[&MasterKey]) -> Keys {
    Keys::Operator { current: current.clone(), retired: retired.iter().copied().cloned().collect() }
}

#[tokio::test]
async fn no_file_holds_the_value() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    assert!(!Layout::of(home.path()).key().exists(), "made at the first use");
    let tenant = tenant();
    set(&store, tenant, "token").await;
    let mut files = 0;
    for entry in fs::read_dir(home.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes());
            assert!(!found, "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 4, "database, log, key and lock");
    assert_eq!(get(&store, tenant, "token").await.unwrap(), VALUE);
    store.close().await;
}

#[tokio::test]
async fn rotation_leaves_one_new_key_and_all_values() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    let tenants = [tenant(), tenant()];
    for tenant in tenants {
        set(&store, tenant, "token").await;
    }
    let before = key_lines(home.path());
    assert_eq!(store.rotate_key().await.unwrap(), Rewrapped { moved: 2, lost: 0 });
    let after = key_lines(home.path());
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
    for tenant in tenants {
        assert_eq!(get(&store, tenant, "token").await.unwrap(), VALUE);
    }
    store.close().await;
    let store = crate::common::open(home.path()).await;
    assert_eq!(get(&store, tenants[0], "token").await.unwrap(), VALUE);
    store.close().await;
}

#[tokio::test]
async fn secrets_set_during_a_rotation_survive_it() {
    let home = tempfile::tempdir().unwrap();
    let store = crate::common::open(home.path()).await;
    let tenant = tenant();
    set(&store, tenant, "first").await;
    let names: Vec<String> = (0..40).map(|number| format!("s{number}")).collect();
    let sets = futures::future::join_all(names.iter().map(|name| set(&store, tenant, name)));
    let (_, rotated) = tokio::join!(sets, store.rotate_key());
    assert_eq!(rotated.unwrap().lost, 0);
    store.close().await;
    assert_eq!(key_lines(home.path()).len(), 1);
    let store = crate::common::open(home.path()).await;
    for name in &names {
        assert_eq!(get(&store, tenant, name).await.unwrap(), VALUE, "{name}");
    }
    store.close().await;
}

/// A process is killed between writing the new key and wrapping with it: the file then holds both keys.
#[tokio::test]
async fn rotation_that_was_cut_off_can_be_finished() {
    let home = tempfile::tempdir().unwrap();
    let tenant = tenant();
    let store = crate::common::open(home.path()).await;
    set(&store, tenant, "token").await;
    store.close().await;
    let old = key_lines(home.path()).remove(0);
    let new = "5a".repeat(32);
    fs::write(Layout::of(home.path()).key(), format!("{new}\n{old}\n")).unwrap();

    let store = crate::common::open(home.path()).await;
    assert_eq!(get(&store, tenant, "token").await.unwrap(), VALUE);
    assert_eq!(store.rewrap_secrets().await.unwrap(), Rewrapped { moved: 1, lost: 0 });
    store.close().await;
    fs::write(Layout::of(home.path()).key(), format!("{new}\n")).unwrap();
    let store = crate::common::open(home.path()).await;
    assert_eq!(get(&store, tenant, "token").await.unwrap(), VALUE);
    store.close().await;
}

#[tokio::test]
async fn operators_key_is_not_written_and_can_be_changed() {
    let home = tempfile::tempdir().unwrap();
    let tenant = tenant();
    let (old, new) = (MasterKey::draw().unwrap(), MasterKey::draw().unwrap());
    let store = crate::common::open_with(home.path(), operator(&old, &[])).await;
    set(&store, tenant, "token").await;
    assert!(matches!(store.rotate_key().await, Err(Error::Unavailable(_))));
    store.close().await;

    let store = crate::common::open_with(home.path(), operator(&new, &[&old])).await;
    assert_eq!(store.rewrap_secrets().await.unwrap(), Rewrapped { moved: 1, lost: 0 });
    store.close().await;
    let store = crate::common::open_with(home.path(), operator(&new, &[])).await;
    assert_eq!(get(&store, tenant, "token").await.unwrap(), VALUE);
    store.close().await;
    assert!(!Layout::of(home.path()).key().exists());
}

#[tokio::test]
async fn lost_key_is_told_and_the_secret_can_be_set_again() {
    let home = tempfile::tempdir().unwrap();
    let tenant = tenant();
    let store = crate::common::open(home.path()).await;
    set(&store, tenant, "token").await;
    store.close().await;
    fs::remove_file(Layout::of(home.path()).key()).unwrap();

    let store = crate::common::open(home.path()).await;
    let error = get(&store, tenant, "token").await.unwrap_err();
    let expected = "secret `token` can't be read: it was encrypted with another master key";
    assert_eq!(error.to_string(), expected);
    set(&store, tenant, "other").await;
    assert_eq!(get(&store, tenant, "token").await.unwrap_err().to_string(), expected);
    assert_eq!(store.rotate_key().await.unwrap(), Rewrapped { moved: 1, lost: 1 });
    set(&store, tenant, "token").await;
    assert_eq!(get(&store, tenant, "token").await.unwrap(), VALUE);
    store.close().await;
}

#[tokio::test]
async fn row_moved_to_another_name_does_not_open() {
    let home = tempfile::tempdir().unwrap();
    let tenant = tenant();
    let store = crate::common::open(home.path()).await;
    set(&store, tenant, "token").await;
    let mut connection = crate::common::sql(home.path()).await;
    sqlx::query("update secrets set name = 'harmless'").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let error = get(&store, tenant, "harmless").await.unwrap_err();
    let expected = "secret `harmless` can't be read: what is stored does not match its seal";
    assert_eq!(error.to_string(), expected);
    store.close().await;
}

#[tokio::test]
async fn unreadable_key_file_is_named_without_its_content() {
    let home = tempfile::tempdir().unwrap();
    crate::common::open(home.path()).await.close().await;
    fs::write(Layout::of(home.path()).key(), "not-a-key-but-secret\n").unwrap();
    let folder = miyabi_store::DataFolder::open(home.path()).unwrap();
    let error = Store::open(folder, Keys::File, START).await.err().unwrap();
    let text = format!("{error} {error:?}");
    assert!(text.contains("could not read the master key") && !text.contains("not-a-key"), "{text}");
}
