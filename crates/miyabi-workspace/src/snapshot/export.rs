//! Writing a snapshot's files somewhere else.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use miyabi_core::digest::Digest;

use super::error::Error;
use super::memory::Memory;
use super::restore::{Place, fill, set_modes};
use super::{Store, manifest};
use crate::files::{Folder, Trash};

/// Files in the making, inside the folder itself because nothing else is known to be on its file system. That it is
/// there says that an export was not finished.
const UNFINISHED: &str = ".miyabi-export";

/// Writes a snapshot's files to an empty or missing folder, as our own. One that an earlier try did not finish is
/// finished.
pub(crate) async fn export(store: &Store, digest: Digest, folder: &Path) -> Result<(), Error> {
    let entries = Arc::new(manifest::load(store, digest).await?);
    let path = folder.to_path_buf();
    let place = Arc::new(crate::blocking(move || begin(&path)).await?);
    fill(store, &place, &mut Memory::default(), &entries).await?;
    let folder = folder.to_path_buf();
    crate::blocking(move || {
        fs::remove_dir_all(folder.join(UNFINISHED)).map_err(Error::at("finish", b"the export"))?;
        set_modes(&place, &entries)
    })
    .await
}

fn begin(folder: &Path) -> Result<Place, Error> {
    let unfinished = folder.join(UNFINISHED);
    let open = || -> io::Result<Option<Place>> {
        fs::create_dir_all(folder)?;
        if !unfinished.is_dir() && fs::read_dir(folder)?.next().is_some() {
            return Ok(None);
        }
        for name in ["staging", "trash"] {
            fs::create_dir_all(unfinished.join(name))?;
        }
        Ok(Some(Place {
            root: Folder::open(folder)?,
            staging: Folder::open(&unfinished.join("staging"))?,
            trash: Trash::open(&unfinished.join("trash"))?,
            owner: None,
        }))
    };
    open().map_err(Error::at("write", b"the folder to export to"))?.ok_or(Error::NotEmpty)
}
