//! One small HTTP request to a loopback port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::site::RELEASE_HEADER;

/// How long an answer may take, from the first packet to the last.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How much of an answer is looked at, in bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Tells services what the request is for.
const AGENT: &str = "miyabi-health";

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The beginning of the body.
    pub(super) body: Vec<u8>,
    /// The release that the answer says it is from.
    pub(super) release: Option<String>,
}

impl Answer {
    /// Whether the text is in the body.
    pub(super) fn has(&self, text: &str) -> bool {
        text.is_empty() || self.body.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// Asks for a path; the problem in words if there is no answer.
pub(super) async fn get(port: u16, path: &str) -> Result<Answer, String> {
    match tokio::time::timeout(TIMEOUT, exchange(port, path)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(problem)) => Err(format!("no answer on port {port}: {problem}")),
        Err(_) => Err(format!("no answer on port {port} within {} s", TIMEOUT.as_secs())),
    }
}

async fn exchange(port: u16, path: &str) -> Result<Answer, String> {
    let stream = connect(port).await.map_err(|error| error.to_string())?;
    let request = Request::get(path)
        .header(header::HOST, format!("127.0.0.1:{port}"))
        .header(header::USER_AGENT, AGENT)
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, HeaderValue::from_static("close"))
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        read(response).await
    };
    let mut answer = std::pin::pin!(answer);
    let mut connection = std::pin::pin!(connection);
    // The connection moves the bytes; when it ends first, the answer is what has arrived.
    tokio::select! {
        answer = answer.as_mut() => return answer,
        _ended = connection.as_mut() => {}
    }
    answer.await
}

/// Most services listen on IPv4, some on IPv6 alone.
async fn connect(port: u16) -> io::Result<TcpStream> {
    match TcpStream::connect((IpAddr::from(Ipv4Addr::LOCALHOST), port)).await {
        Ok(stream) => Ok(stream),
        Err(error) => TcpStream::connect((IpAddr::from(Ipv6Addr::LOCALHOST), port)).await.map_err(|_| error),
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, String> {
    let release = response.headers().get(RELEASE_HEADER).and_then(|name| name.to_str().ok());
    let mut answer =
        Answer { status: response.status().as_u16(), body: Vec::new(), release: release.map(str::to_owned) };
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| error.to_string())?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let room = MAX_BODY_BYTES - answer.body.len();
        answer.body.extend_from_slice(&data[..data.len().min(room)]);
        if answer.body.len() == MAX_BODY_BYTES {
            break;
        }
    }
    Ok(answer)
}
