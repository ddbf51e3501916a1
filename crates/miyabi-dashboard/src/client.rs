//! The client of the API: the same calls whether the API lives in this process or in the one that owns the data
//! folder, with the same JSON either way.

mod objects;
mod runs;
mod stream;
mod transport;

use std::path::PathBuf;

use axum::Router;
use axum::http::{Method, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use miyabi_core::error::ErrorCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::Problem;
use transport::{Answer, Transport};

pub use stream::{EventStream, Happening};

/// The most bytes of an answer: the largest page with room to spare. Contents are read in pieces.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Asks the API.
#[derive(Clone)]
pub struct Client {
    transport: Transport,
}

/// A call: what to ask for, and how.
#[derive(Debug, Clone)]
pub struct Call<'a, B = ()> {
    /// The method.
    pub method: Method,
    /// Path and query behind `/api/v1`, such as `/runs?limit=10`. Parts from outside must be encoded, see
    /// [`encode`].
    pub path: &'a str,
    /// The body.
    pub body: Option<&'a B>,
    /// Under this key the call does its work once, however often it is made.
    pub idempotency_key: Option<&'a str>,
}

impl Client {
    /// A client of the API in this process.
    pub fn in_process(router: Router) -> Self {
        Self { transport: Transport::in_process(router) }
    }

    /// A client of the process that owns the data folder, by the socket in it.
    pub fn over_socket(path: impl Into<PathBuf>) -> Self {
        Self { transport: Transport::Socket(path.into()) }
    }

    /// Makes a call and reads the answer.
    ///
    /// # Errors
    /// The server's problem document, or `SERVER_UNREACHABLE` when there was no whole answer.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, Problem> {
        self.make(Call { method, path, body, idempotency_key: None }).await
    }

    /// Reads something.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        self.call(Method::GET, path, None::<&()>).await
    }

    /// Sends something.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Problem> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Puts something in its place.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Problem> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Removes something.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        self.call(Method::DELETE, path, None::<&()>).await
    }

    /// Reads something that is not JSON.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn get_bytes(&self, path: &str) -> Result<Bytes, Problem> {
        self.bytes(Call { method: Method::GET, path, body: None::<&()>, idempotency_key: None }).await
    }

    /// Sends something, once per key.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn post_once<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
        idempotency_key: &str,
    ) -> Result<T, Problem> {
        let key = Some(idempotency_key);
        self.make(Call { method: Method::POST, path, body: Some(body), idempotency_key: key }).await
    }

    /// Makes a call in full.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn make<T: DeserializeOwned, B: Serialize + Sync>(
        &self,
        call: Call<'_, B>,
    ) -> Result<T, Problem> {
        let bytes = self.bytes(call).await?;
        // An answer without a body is read as `null`, so that `()` fits it.
        let json: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(json).map_err(|error| {
            let detail = format!("the server's answer is not of the expected form: {error}");
            Problem::new(ErrorCode::Internal, detail)
        })
    }

    /// Makes a call whose answer is not JSON.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn bytes<B: Serialize + Sync>(&self, call: Call<'_, B>) -> Result<Bytes, Problem> {
        let answer = self.send(call).await?;
        collect(answer).await
    }

    /// Sends a request and gives the answer's head and unread body, if it is no problem.
    async fn send<B: Serialize + Sync>(&self, call: Call<'_, B>) -> Result<Answer, Problem> {
        let request = request(&call)?;
        let answer = self.transport.send(request).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        Err(problem(status, &collect(answer).await?))
    }
}

async fn collect(answer: Answer) -> Result<Bytes, Problem> {
    let limited = Limited::new(answer.into_body(), ANSWER_BYTES);
    let collected = limited.collect().await;
    collected.map(http_body_util::Collected::to_bytes).map_err(|error| {
        unreachable(format!("the connection to the server broke in the middle of an answer: {error}"))
    })
}

fn request<B: Serialize>(call: &Call<'_, B>) -> Result<Request<Bytes>, Problem> {
    let invalid = |error: &dyn std::fmt::Display| {
        Problem::new(ErrorCode::RequestInvalid, format!("the request can't be written: {error}"))
    };
    let body = match call.body {
        Some(body) => Bytes::from(serde_json::to_vec(body).map_err(|error| invalid(&error))?),
        None => Bytes::new(),
    };
    let mut request = Request::builder()
        .method(call.method.clone())
        .uri(format!("/api/v1{}", call.path))
        .header(header::HOST, "miyabi")
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = call.idempotency_key {
        request = request.header("idempotency-key", key);
    }
    request.body(body).map_err(|error| invalid(&error))
}

fn problem(status: StatusCode, body: &[u8]) -> Problem {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        Problem::new(ErrorCode::Internal, format!("the server answered {status}"))
            .with_status(status.as_u16())
    })
}

/// There was no whole answer.
pub(crate) fn unreachable(detail: impl Into<Box<str>>) -> Problem {
    Problem::new(ErrorCode::ServerUnreachable, detail)
        .with_hint("see whether the process that owns the data folder is alive", Some("miyabi doctor"))
}

/// A text as a part of a path or a query.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
