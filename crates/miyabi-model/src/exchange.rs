//! One request to a provider and its answer: a body out, events in, a draft at the end or the reason why not.
//! Neither retries nor fallbacks.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Uri};
use miyabi_core::port::model::Preview;
use miyabi_core::secret::Secret;
use serde_json::Value;

use crate::ambient::Clock;
use crate::dialect::draft::Draft;
use crate::dialect::{Dialect, Progress, Reader};
use crate::failure::{Failure, from_error_object, from_response};
use crate::sse::{Event, Parser, TooLong};
use crate::transport::{Reply, Transport};

/// As much of an error's body as is read, in bytes.
const ERROR_BODY_BYTES: usize = 64 << 10;

/// Where requests go and what they carry beside the body.
pub(crate) struct Endpoint {
    pub(crate) dialect: Dialect,
    /// Checked, without a slash at its end.
    pub(crate) base_url: String,
    pub(crate) key: Option<Secret>,
    pub(crate) headers: Vec<(HeaderName, Secret)>,
}

impl Endpoint {
    /// A request without body or with a JSON one.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<hyper::Request<Full<Bytes>>, Failure> {
        // The parts were checked when the provider was configured; a model's name is escaped.
        let malformed = |what: &str| Failure::Rejected { status: 0, message: format!("malformed {what}") };
        let uri = Uri::try_from(format!("{}{path}", self.base_url)).map_err(|_| malformed("URL"))?;
        let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let mut request = hyper::Request::new(Full::new(bytes));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("miyabi/", env!("CARGO_PKG_VERSION"))));
        if body.is_some() {
            headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in self.dialect.fixed_headers() {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        if let Some(key) = &self.key {
            let (name, scheme) = self.dialect.key_header();
            let mut value =
                HeaderValue::try_from(format!("{scheme}{}", key.expose())).map_err(|_| malformed("key"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        for (name, value) in &self.headers {
            let mut value = HeaderValue::try_from(value.expose()).map_err(|_| malformed("header"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(request)
    }

    /// A failure that shows neither the key nor the value of a header, whatever the server echoed.
    pub(crate) fn redact(&self, failure: Failure) -> Failure {
        let hidden = self.key.iter().chain(self.headers.iter().map(|(_, value)| value));
        hidden.fold(failure, |failure, secret| failure.without(secret.expose()))
    }
}

/// Sends a body and collects the answer.
pub(crate) async fn exchange(
    transport: &Transport,
    endpoint: &Endpoint,
    path: &str,
    body: &Value,
    preview: &dyn Preview,
    clock: &dyn Clock,
) -> Result<Draft, Failure> {
    let request = endpoint.request(Method::POST, path, Some(body))?;
    let reply = accepted(transport.send(request).await?, clock).await?;
    read(transport, reply, endpoint.dialect.reader(), preview).await
}

/// The reply, if its status says success; its failure otherwise.
pub(crate) async fn accepted(reply: Reply, clock: &dyn Clock) -> Result<Reply, Failure> {
    match reply.status {
        200..300 => Ok(reply),
        status @ 300..400 => Err(Failure::Rejected {
            status,
            message: "the server redirects elsewhere, which is not followed: check the base URL".to_owned(),
        }),
        status => {
            let wait_ms = reply.retry_after_ms(clock);
            Err(from_response(status, &reply.head(ERROR_BODY_BYTES).await, wait_ms))
        }
    }
}

/// The whole body as JSON.
pub(crate) async fn json(mut reply: Reply) -> Result<Value, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = reply.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).map_err(|_| Failure::broken_stream("the body is no JSON"))
}

async fn read(
    transport: &Transport,
    mut reply: Reply,
    mut reader: Box<dyn Reader>,
    preview: &dyn Preview,
) -> Result<Draft, Failure> {
    let mut parser = Parser::new(transport.event_bytes());
    let mut beginning = Some(Vec::new());
    while reader.progress() != Progress::Ended {
        let chunk = match reply.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            // The answer was whole; only what comes after it, such as the usage, is lost.
            Err(_) if reader.progress() == Progress::MayEnd => break,
            Err(failure) => return Err(failure),
        };
        let chunk = match beginning.take() {
            None => chunk,
            Some(mut bytes) => {
                bytes.extend_from_slice(&chunk);
                // No line of a stream begins with a bracket, so a body that does is JSON in spite of what we asked
                // for. The content type is no proof: some proxies label streams wrongly.
                match bytes.trim_ascii_start().first() {
                    None => {
                        beginning = Some(bytes);
                        continue;
                    }
                    Some(b'{' | b'[') => return whole(reply, bytes, reader, preview).await,
                    Some(_) => Bytes::from(bytes),
                }
            }
        };
        for event in parser.push(&chunk).map_err(too_long)? {
            take(&event, reader.as_mut(), preview)?;
        }
    }
    if reader.progress() != Progress::Ended
        && let Some(event) = parser.finish().map_err(too_long)?
    {
        // An event that was cut off is none; whether the answer is whole without it is judged below.
        match take(&event, reader.as_mut(), preview) {
            Err(failure) if reader.progress() == Progress::Open => return Err(failure),
            _ => {}
        }
    }
    end(reader)
}

/// Reads the rest of a body that is JSON instead of a stream.
async fn whole(
    mut reply: Reply,
    mut bytes: Vec<u8>,
    mut reader: Box<dyn Reader>,
    preview: &dyn Preview,
) -> Result<Draft, Failure> {
    while let Some(chunk) = reply.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    let body: Value =
        serde_json::from_slice(&bytes).map_err(|_| Failure::broken_stream("the body is no whole JSON"))?;
    match &body {
        // Gemini without `alt=sse` sends its chunks as a list.
        Value::Array(chunks) => {
            for chunk in chunks {
                refuse_error(chunk)?;
                reader.event("", chunk, preview)?;
            }
        }
        body => {
            refuse_error(body)?;
            reader.whole(body, preview)?;
        }
    }
    end(reader)
}

fn take(event: &Event, reader: &mut dyn Reader, preview: &dyn Preview) -> Result<(), Failure> {
    let data = event.data.trim();
    match data {
        "" => Ok(()),
        "[DONE]" => {
            reader.sentinel();
            Ok(())
        }
        data => match serde_json::from_str::<Value>(data) {
            Ok(value) => {
                refuse_error(&value)?;
                reader.event(&event.name, &value, preview)
            }
            Err(_) => Err(Failure::broken_stream("an event is no JSON")),
        },
    }
}

/// All dialects report errors of the provider in an object `error` at the top.
fn refuse_error(value: &Value) -> Result<(), Failure> {
    match value.get("error") {
        Some(error) if !error.is_null() => Err(from_error_object(value)),
        _ => Ok(()),
    }
}

fn end(reader: Box<dyn Reader>) -> Result<Draft, Failure> {
    match reader.progress() {
        Progress::Open => Err(Failure::broken_stream("it ended before the answer did")),
        Progress::MayEnd | Progress::Ended => Ok(reader.finish()),
    }
}

fn too_long(error: TooLong) -> Failure {
    Failure::broken_stream(&error.to_string())
}
