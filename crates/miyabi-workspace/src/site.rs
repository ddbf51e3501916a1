//! What answers for a deployed release: a small file server for static sites, and the shell around a command.
//!
//! Both run in a process of their own, inside the sandbox, and outlive the `miyabi` that started them; the program
//! becomes them by the hidden word [`SITE_WORD`]. The server answers on the loopback interface only, knows `GET` and
//! `HEAD`, shows no hidden files and no folder listings, and follows no links. There is deliberately no knowledge of
//! releases, states or health here: that is [`deploy`](crate::deploy)'s.

mod answer;
mod command;
mod entry;
mod media_type;
mod path;
mod server;

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

pub(crate) use self::command::ENDED;
pub use self::entry::{SITE_WORD, site_main};
pub(crate) use self::entry::{command_arguments, site_arguments};
pub use self::server::Server;

/// The header by which an answer says which release it comes from.
pub const RELEASE_HEADER: &str = "x-miyabi-release";

/// A static site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The folder whose files are shown.
    pub folder: PathBuf,
    /// The loopback port; 0 takes a free one.
    pub port: u16,
    /// The release's name, told in [`RELEASE_HEADER`].
    pub release: String,
}

/// Why a site can't be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder is missing or can't be read.
    #[error("could not open the site's folder `{}`", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The port is taken.
    #[error("could not listen on 127.0.0.1:{port}")]
    Listen {
        /// The port.
        port: u16,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The release's name can't be told in a header.
    #[error("`{release}` can't be the name of a release")]
    Release {
        /// The name.
        release: String,
    },
}

/// Serves a site until `stop`, then lets answers that are under way come to their end for a moment.
///
/// # Errors
/// When the folder can't be read or the port is taken. Broken connections are no errors.
pub async fn run_site(site: &Site, stop: &CancellationToken) -> Result<(), Error> {
    Server::bind(site).await?.serve(stop).await;
    Ok(())
}
