//! Requests that may be repeated without doing their work twice: the same key and the same request get the same
//! answer.
//!
//! One gap is left: a process that dies between the work and the note of its answer does the work again for the next
//! request of that key. Where that would hurt most, for runs on an issue, the second start is refused as a conflict.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use miyabi_core::digest::Digest;
use miyabi_core::error::ErrorCode;
use miyabi_core::port::records::Recorded;
use miyabi_core::usecase::{self, Caller};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::App;
use crate::api::Problem;
use crate::frame::Refusal;

/// The header that carries the key: 1 to 128 printable characters, made up by the caller.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");

const LONGEST_KEY: usize = 128;

/// Keeps two requests of one key from running at the same time. A fixed number of locks, shared by hash: two keys of
/// one lock only wait for each other.
pub(crate) struct Keys {
    locks: [Mutex<()>; 32],
    hasher: RandomState,
}

impl Default for Keys {
    fn default() -> Self {
        Self { locks: std::array::from_fn(|_| Mutex::new(())), hasher: RandomState::new() }
    }
}

impl Keys {
    fn lock_of(&self, key: &str) -> &Mutex<()> {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key.as_bytes());
        let index = usize::try_from(hasher.finish() % self.locks.len() as u64).unwrap_or(0);
        &self.locks[index]
    }
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    body: serde_json::Value,
}

/// Does the work, or gives the answer that the same request got before. Errors are not kept: they may have passed.
pub(super) async fn once<R: Serialize, T: Serialize>(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    what: &str,
    request: &R,
    work: impl AsyncFnOnce() -> Result<(StatusCode, T), usecase::Error>,
) -> Result<Response, Refusal> {
    let Some(key) = key(headers)? else {
        let (status, answer) = work().await?;
        return Ok((status, axum::Json(answer)).into_response());
    };
    let _only = app.keys.lock_of(&key).lock().await;
    let services = &app.services;
    let digest = Digest::of_json(&(what, request));
    let recorded = services.idempotency.look_up(caller.tenant, &key, digest).await;
    match recorded.map_err(usecase::Error::from)? {
        Recorded::Replay(bytes) => return replay(&bytes),
        Recorded::Mismatch => {
            let detail = format!("the idempotency key `{key}` came with another request before");
            return Err(Problem::new(ErrorCode::IdempotencyMismatch, detail).into());
        }
        Recorded::Fresh => {}
    }
    let (status, answer) = work().await?;
    let body = serde_json::to_value(&answer).unwrap_or_default();
    let kept = serde_json::to_vec(&Kept { status: status.as_u16(), body }).unwrap_or_default();
    let at = services.runs.clock.now();
    // The work is done; not to have noted the answer is no reason to call it failed.
    if let Err(error) = services.idempotency.note(caller.tenant, &key, digest, &kept, at).await {
        tracing::warn!(%error, "could not note the answer to a request with an idempotency key");
    }
    Ok((status, axum::Json(answer)).into_response())
}

fn replay(bytes: &[u8]) -> Result<Response, Refusal> {
    let damaged =
        |_| Problem::new(ErrorCode::StoreCorrupt, "the stored answer to this request can't be read");
    let kept: Kept = serde_json::from_slice(bytes).map_err(damaged)?;
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let body = Body::from(kept.body.to_string());
    Ok((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(KEY) else {
        return Ok(None);
    };
    let key = value.to_str().ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
    let wrong = || {
        let problem = Problem::new(ErrorCode::RequestInvalid, "the idempotency key can't be used");
        problem.with_error("Idempotency-Key", format!("must have 1 to {LONGEST_KEY} printable characters"))
    };
    Ok(Some(key.ok_or_else(wrong)?.to_owned()))
}
