//! Holds the ring of keys of an open store, and its file. File work blocks; the file is a few lines.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use zeroize::Zeroizing;

use super::Keys;
use super::key::{KeyRing, MasterKey};
use crate::disk;

/// The ring in use. It can change while the store is open.
#[derive(Debug)]
pub(crate) struct KeyKeeper {
    /// The key file; `None` when the operator brings the key.
    file: Option<PathBuf>,
    /// `None` as long as no secret was ever set.
    ring: RwLock<Option<Arc<KeyRing>>>,
}

impl KeyKeeper {
    /// Reads the key file, if that is where the key comes from and there is one.
    pub(crate) fn open(file: PathBuf, keys: Keys) -> io::Result<Self> {
        let (file, ring) = match keys {
            Keys::Operator { current, retired } => (None, Some(KeyRing { current, retired })),
            Keys::File => {
                let ring = read(&file)?;
                (Some(file), ring)
            }
        };
        Ok(Self { file, ring: RwLock::new(ring.map(Arc::new)) })
    }

    /// The ring; `None` if there never was a key.
    pub(crate) fn ring(&self) -> Option<Arc<KeyRing>> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a key and its file if there is none yet.
    pub(crate) fn ensure(&self) -> io::Result<()> {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        if ring.is_some() {
            return Ok(());
        }
        let new = KeyRing { current: MasterKey::draw()?, retired: Vec::new() };
        self.write(&new)?;
        *ring = Some(Arc::new(new));
        Ok(())
    }

    /// Puts a new key before the others. From here on new secrets are sealed with it, and all can be opened.
    pub(crate) fn add(&self) -> io::Result<()> {
        self.change(|old| {
            let retired = old
                .map(|old| std::iter::once(&old.current).chain(&old.retired).cloned().collect())
                .unwrap_or_default();
            Ok(KeyRing { current: MasterKey::draw()?, retired })
        })
    }

    /// Forgets all keys but the current one.
    pub(crate) fn forget_retired(&self) -> io::Result<()> {
        self.change(|old| {
            let old = old.ok_or_else(|| io::Error::other("there is no key"))?;
            Ok(KeyRing { current: old.current.clone(), retired: Vec::new() })
        })
    }

    /// Whether the key lies in the data folder.
    pub(crate) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// The file is written before the ring changes: what is sealed can be opened after a crash.
    fn change(&self, next: impl FnOnce(Option<&KeyRing>) -> io::Result<KeyRing>) -> io::Result<()> {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        let next = next(ring.as_deref())?;
        self.write(&next)?;
        *ring = Some(Arc::new(next));
        Ok(())
    }

    fn write(&self, ring: &KeyRing) -> io::Result<()> {
        match &self.file {
            Some(file) => disk::replace(file, ring.to_text().as_bytes()),
            None => Ok(()),
        }
    }
}

fn read(file: &PathBuf) -> io::Result<Option<KeyRing>> {
    match fs::read_to_string(file).map(Zeroizing::new) {
        Ok(text) => KeyRing::from_text(&text).map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
