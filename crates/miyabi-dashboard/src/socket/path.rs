//! Sockets at paths longer than the 107 bytes that fit into a socket's address.
//!
//! Data folders may lie deep. A long path is reached through a descriptor of its folder, `/proc/self/fd/<n>/<name>`,
//! which is always short; where there is no `/proc`, a long path fails with the system's own error.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// The longest path that fits, in bytes: `sun_path` has 108 with the zero at its end.
const LONGEST: usize = 107;

/// A path to the same file that fits, and what must stay open while it is used.
fn shorten(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok((path.to_owned(), None));
    };
    if path.as_os_str().len() <= LONGEST {
        return Ok((path.to_owned(), None));
    }
    let folder = File::open(folder)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    Ok((short, Some(folder)))
}

pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    let (short, _folder) = shorten(path)?;
    UnixListener::bind(short)
}

/// Connects to a socket.
pub(crate) async fn connect(path: &Path) -> io::Result<UnixStream> {
    let (short, _folder) = shorten(path)?;
    UnixStream::connect(short).await
}
