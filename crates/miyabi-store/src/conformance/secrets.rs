//! Cases for `port::records::Secrets`.

use miyabi_core::port::records::Secrets;
use miyabi_core::secret::Secret;

use super::fixture::{START, tenant};

/// A secret can be set, read, replaced and removed.
pub async fn secret_is_kept_until_removed(secrets: &dyn Secrets) {
    let tenant = tenant();
    let value = |text: &str| Secret::new(text.into());
    let read = async |name| {
        let found = secrets.get(tenant, name).await.unwrap();
        found.map(|secret| secret.expose().to_owned())
    };
    assert_eq!(read("token").await, None);
    secrets.set(tenant, "token", &value("first"), START).await.unwrap();
    secrets.set(tenant, "key", &value(""), START).await.unwrap();
    assert_eq!(read("token").await.as_deref(), Some("first"));
    assert_eq!(read("key").await.as_deref(), Some(""));

    let later = START.plus_millis(1);
    secrets.set(tenant, "token", &value("秘密\n"), later).await.unwrap();
    assert_eq!(read("token").await.as_deref(), Some("秘密\n"));
    let names = secrets.list(tenant).await.unwrap();
    assert_eq!(names, [("key".to_owned(), START), ("token".to_owned(), later)]);

    assert!(secrets.remove(tenant, "token").await.unwrap());
    assert!(!secrets.remove(tenant, "token").await.unwrap());
    assert_eq!(read("token").await, None);
}

/// A foreign tenant's secrets are not there, and the same name can be used by both.
pub async fn foreign_secret_answers_like_a_missing_one(secrets: &dyn Secrets) {
    let (mine, foreign) = (tenant(), tenant());
    let value = Secret::new("mine".into());
    secrets.set(mine, "token", &value, START).await.unwrap();
    assert!(secrets.get(foreign, "token").await.unwrap().is_none());
    assert_eq!(secrets.list(foreign).await.unwrap(), []);
    assert!(!secrets.remove(foreign, "token").await.unwrap());
    let theirs = Secret::new("theirs".into());
    secrets.set(foreign, "token", &theirs, START).await.unwrap();
    let found = secrets.get(mine, "token").await.unwrap().unwrap();
    assert_eq!(found.expose(), "mine");
}
