//! The server's sockets: who may connect, how many, for how long, and the end.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::fs::{Mode, OFlags};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::Answers;
use super::{Error, Site};

/// Connections at once; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 128;
/// How long a client may take to send its request's head, and how long a connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The longest life of a connection; a browser opens another.
const CONNECTION_LIFE: Duration = Duration::from_secs(600);
/// How long answers under way may take once the server is told to end.
const FAREWELL: Duration = Duration::from_secs(2);
/// Pause after the system could not give a connection: it is out of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A site's server that listens already.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    answers: Arc<Answers>,
}

impl Server {
    /// Opens the folder and listens on the loopback interface.
    ///
    /// # Errors
    /// When the folder can't be read, the port is taken, or the release's name is none.
    pub async fn bind(site: &Site) -> Result<Self, Error> {
        let release = HeaderValue::from_str(&site.release)
            .map_err(|_reason| Error::Release { release: site.release.escape_default().to_string() })?;
        let root = open_folder(site).await?;
        let listen_error = |source| Error::Listen { port: site.port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, site.port)).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        Ok(Self { listener, address, answers: Arc::new(Answers::new(root, release, address.port())) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop`.
    pub async fn serve(self, stop: &CancellationToken) {
        let connections = TaskTracker::new();
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let permit = tokio::select! {
                () = stop.cancelled() => break,
                permit = Arc::clone(&room).acquire_owned() => permit,
            };
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, _peer)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (answers, stop) = (Arc::clone(&self.answers), stop.clone());
            connections.spawn(async move {
                converse(stream, answers, stop).await;
                drop(permit);
            });
        }
        drop(self.listener);
        connections.close();
        let _all_said = tokio::time::timeout(FAREWELL, connections.wait()).await;
    }
}

/// Opening is a few system calls on a local folder, but it may be a slow one.
async fn open_folder(site: &Site) -> Result<OwnedFd, Error> {
    let folder = site.folder.clone();
    let open = move || {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(&folder, flags, Mode::empty())
    };
    let failed = |source| Error::Folder { folder: site.folder.clone(), source };
    match tokio::task::spawn_blocking(open).await {
        Ok(opened) => opened.map_err(|errno| failed(errno.into())),
        Err(error) => Err(failed(std::io::Error::other(error))),
    }
}

/// One connection to its end. What goes wrong on it is the client's affair.
async fn converse(stream: TcpStream, answers: Arc<Answers>, stop: CancellationToken) {
    let _quick = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let answers = Arc::clone(&answers);
        async move { Ok::<_, std::convert::Infallible>(answers.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ended = connection.as_mut() => return,
        () = stop.cancelled() => {}
        () = tokio::time::sleep(CONNECTION_LIFE) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _answered = tokio::time::timeout(FAREWELL, connection).await;
}
