//! An HTTP server for tests that sends exactly the bytes it is told to, in the pieces and with the breaks it is told
//! to. Blocking, on threads of its own, so that a test's paused timer doesn't touch it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

/// What the server does after a request.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub steps: Vec<Step>,
    pub end: End,
}

/// One step of a body.
#[derive(Debug, Clone)]
pub enum Step {
    Send(Vec<u8>),
    Wait(u64),
}

/// How a reply ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the final chunk.
    Proper,
    /// The connection closes where the next chunk should be.
    Cut,
    /// The connection closes before anything is sent.
    Silent,
}

impl Reply {
    /// A whole reply with one kind of content.
    pub fn new(status: u16, content_type: &str, body: &[u8]) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, steps: vec![Step::Send(body.to_vec())], end: End::Proper }
    }

    /// A stream of events that ends well.
    pub fn events(body: &[u8]) -> Self {
        Self::new(200, "text/event-stream", body)
    }

    /// An error with a JSON body.
    pub fn error(status: u16, body: &str) -> Self {
        Self::new(status, "application/json", body.as_bytes())
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same body in pieces of `size` bytes.
    pub fn in_pieces(mut self, size: usize) -> Self {
        let cut = |step: Step| match step {
            Step::Send(bytes) => bytes.chunks(size).map(|piece| Step::Send(piece.to_vec())).collect(),
            wait @ Step::Wait(_) => vec![wait],
        };
        self.steps = self.steps.into_iter().flat_map(cut).collect();
        self
    }

    /// The connection ends as `end` says.
    pub fn ending(mut self, end: End) -> Self {
        self.end = end;
        self
    }
}

/// A request that the server got.
#[derive(Debug, Clone)]
pub struct Received {
    pub line: String,
    pub headers: String,
    pub body: Value,
}

/// A running server. Gives its replies in order, the last one again and again.
pub struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    stopping: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let stopping = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(Mutex::new(Vec::new()));
        let (seen, stop, open) = (Arc::clone(&received), Arc::clone(&stopping), Arc::clone(&connections));
        let thread = std::thread::spawn(move || {
            std::thread::scope(|scope| {
                for stream in listener.incoming().flatten() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    open.lock().unwrap().extend(stream.try_clone());
                    scope.spawn(|| serve(stream, &replies, &seen));
                }
            });
        });
        Self { address, received, stopping, connections, thread: Some(thread) }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        // The client's own closing may wait for this very thread.
        for connection in self.connections.lock().unwrap().iter() {
            drop(connection.shutdown(Shutdown::Both));
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Answers the requests of one connection until the client closes it. Errors are the client's leaving.
fn serve(stream: TcpStream, replies: &[Reply], seen: &Mutex<Vec<Received>>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    // Else each small piece waits for the acknowledgement of the one before.
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let request = receive(&mut reader)?;
        let reply = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            replies[(seen.len() - 1).min(replies.len() - 1)].clone()
        };
        if reply.end == End::Silent {
            return stream.shutdown(Shutdown::Both).ok();
        }
        let mut head = format!("HTTP/1.1 {} Told\r\ntransfer-encoding: chunked\r\n", reply.status);
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        for step in &reply.steps {
            match step {
                Step::Send(bytes) if bytes.is_empty() => {}
                Step::Send(bytes) => {
                    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
                    chunk.extend_from_slice(bytes);
                    chunk.extend_from_slice(b"\r\n");
                    stream.write_all(&chunk).ok()?;
                    stream.flush().ok()?;
                }
                Step::Wait(millis) => std::thread::sleep(Duration::from_millis(*millis)),
            }
        }
        if reply.end == End::Cut {
            return stream.shutdown(Shutdown::Both).ok();
        }
        stream.write_all(b"0\r\n\r\n").ok()?;
    }
}

fn receive(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut headers = String::new();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|length| *length > 0)?;
        if header == "\r\n" {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        headers.push_str(&header);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Received { line: line.trim_end().to_owned(), headers: headers.to_ascii_lowercase(), body })
}
