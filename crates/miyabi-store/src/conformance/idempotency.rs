//! Cases for `port::records::Idempotency`.

use miyabi_core::digest::Digest;
use miyabi_core::port::records::{Error, Idempotency, Recorded};

use super::fixture::{START, tenant};

/// A request is answered once; another under its key is told apart; other tenants have keys of their own.
pub async fn answers_are_kept_by_key(answers: &dyn Idempotency) {
    let (tenant, foreign) = (tenant(), tenant());
    let (request, another) = (Digest::of(b"start a run"), Digest::of(b"stop a run"));
    assert_eq!(answers.look_up(tenant, "k", request).await.unwrap(), Recorded::Fresh);
    answers.note(tenant, "k", request, b"\0answer", START).await.unwrap();
    let replay = Recorded::Replay(b"\0answer".to_vec());
    assert_eq!(answers.look_up(tenant, "k", request).await.unwrap(), replay);
    assert_eq!(answers.look_up(tenant, "k", another).await.unwrap(), Recorded::Mismatch);
    assert_eq!(answers.look_up(tenant, "K", request).await.unwrap(), Recorded::Fresh);
    assert_eq!(answers.look_up(foreign, "k", request).await.unwrap(), Recorded::Fresh);

    // The first answer stays.
    answers.note(tenant, "k", request, b"later", START).await.unwrap();
    assert_eq!(answers.look_up(tenant, "k", request).await.unwrap(), replay);
    let error = answers.note(tenant, "k", another, b"other", START).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
}
