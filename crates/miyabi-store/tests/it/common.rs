//! Stores to test with, and this program as a child that can be killed.

use std::path::Path;
use std::process::Command;

use miyabi_store::conformance::fixture::START;
use miyabi_store::{DataFolder, Keys, Layout, Store};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

/// A file without which a test that is meant as a child does nothing.
pub(crate) const MARKER: &str = "is-a-child";

/// Opens a store in a folder that nobody else has open.
pub(crate) async fn open(folder: &Path) -> Store {
    open_with(folder, Keys::File).await
}

/// The same with a master key of the operator.
pub(crate) async fn open_with(folder: &Path, keys: Keys) -> Store {
    let folder = DataFolder::open(folder).unwrap();
    Store::open(folder, keys, START).await.unwrap()
}

/// A connection of its own to a folder's database, to look at or damage what is stored.
pub(crate) async fn sql(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(Layout::of(folder).database());
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// This test program, to run one of its ignored tests as a process of its own in a folder.
pub(crate) fn child(test: &str, folder: &Path) -> Command {
    std::fs::write(folder.join(MARKER), "").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command.current_dir(folder);
    command
}
