//! The door for other processes of the same user: a Unix socket in the data folder.
//!
//! Only whoever holds the data folder's lock may bind, so a socket that is there already belongs to nobody. The
//! kernel says which user is at the other end; anybody but the folder's owner and root is turned away.

mod path;
mod stall;

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::door::Peer;
use stall::StallGuard;

pub(crate) use path::connect;

/// Connections at once; more wait in the kernel's queue. Streams of events hold one each.
const CONNECTIONS: usize = 256;

/// Time in which a client must have sent the head of its request.
const HEAD_LIMIT: Duration = Duration::from_secs(10);

/// Time in which a client must take some bytes of an answer, else it is dropped.
const STALL_LIMIT: Duration = Duration::from_secs(60);

/// Time that requests under way get to finish when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// Pause after the process ran out of descriptors, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the socket can't be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Others than its owner can enter the folder, so they could come to the socket before it is closed to them.
    #[error("the folder `{}` can be entered by others (mode {mode:03o}); it must be 700", folder.display())]
    FolderOpen {
        /// The folder.
        folder: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Something else is where the socket belongs.
    #[error("`{}` is in the way and is no socket", path.display())]
    InTheWay {
        /// The path.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("the socket `{}` can't be made", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A socket that takes connections. Dropping it removes the file.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Makes the socket, in place of one that an ended owner left behind. Only for the process that holds the data
    /// folder's lock; must be called within a Tokio runtime.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn bind(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let folder = path.parent().unwrap_or(Path::new("."));
        let mode = std::fs::metadata(folder).map_err(io)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::FolderOpen { folder: folder.to_owned(), mode });
        }
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path).map_err(io)?,
            Ok(_) => return Err(Error::InTheWay { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
        }
        let listener = path::bind(path).map_err(io)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(io)?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Answers requests until told to stop; then finishes those under way, for a while.
    pub async fn serve(self, router: Router, cancel: CancellationToken) {
        let connections = TaskTracker::new();
        let cut = CancellationToken::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        while let Some((stream, place)) = self.next(&places, &cancel).await {
            let served = serve_connection(stream, router.clone(), cancel.clone());
            let cut = cut.clone();
            connections.spawn(async move {
                cut.run_until_cancelled(served).await;
                drop(place);
            });
        }
        connections.close();
        if tokio::time::timeout(GRACE, connections.wait()).await.is_err() {
            tracing::warn!(open = connections.len(), "cutting off connections that don't end");
            cut.cancel();
            connections.wait().await;
        }
    }

    /// The next connection with its place among those that are served; `None` when told to stop.
    async fn next(
        &self,
        places: &Arc<Semaphore>,
        cancel: &CancellationToken,
    ) -> Option<(UnixStream, OwnedSemaphorePermit)> {
        loop {
            let next = async {
                let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
                let (stream, _) = self.listener.accept().await?;
                Ok::<_, io::Error>((stream, place))
            };
            // Cancel-safe: a connection is either taken or stays in the kernel's queue.
            match cancel.run_until_cancelled(next).await? {
                Ok(next) => return Some(next),
                Err(error) => {
                    tracing::warn!(%error, "the socket could not take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Whoever comes next removes it too; a failure here harms nobody.
        let _gone = std::fs::remove_file(&self.path);
    }
}

async fn serve_connection(stream: UnixStream, router: Router, cancel: CancellationToken) {
    let uid = match stream.peer_cred() {
        Ok(credentials) => credentials.uid(),
        Err(error) => {
            tracing::warn!(%error, "the kernel does not say who is at the other end of the socket");
            return;
        }
    };
    if !may_enter(uid) {
        tracing::warn!(uid, "turned another user away from the socket");
        return;
    }
    let service = TowerToHyperService::new(router.layer(Extension(Peer::Socket { uid })));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    let io = TokioIo::new(StallGuard::new(stream, STALL_LIMIT));
    let mut connection = std::pin::pin!(http.serve_connection(io, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn may_enter(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::may_enter;

    #[test]
    fn only_the_owner_and_root_come_in() {
        let own = rustix::process::geteuid().as_raw();
        assert!(may_enter(own) && may_enter(0));
        assert!(!may_enter(own + 1) && !may_enter(u32::MAX));
    }
}
