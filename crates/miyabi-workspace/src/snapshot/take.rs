//! Making a snapshot.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use miyabi_core::digest::Digest;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::error::Error;
use super::manifest::{self, Entries, Entry, Location};
use super::memory::{Base, Memory};
use super::walk::{Seen, Stamp, Tracked, Visit, walk};
use super::{Limits, Store};
use crate::files::Folder;

/// Files up to this size are read in one go, larger ones in pieces of it.
const PIECE_BYTES: usize = 1024 * 1024;
/// A manifest that would differ from its base in more lines than this, and in more than a quarter of them, becomes a
/// base itself.
const LONGEST_DIFFERENCE: usize = 512;

/// What a snapshot is taken of.
#[derive(Debug)]
pub(crate) struct Source {
    /// The files.
    pub(crate) root: Folder,
    /// A folder of ours for files in the making.
    pub(crate) staging: PathBuf,
    /// The file of ours that names the base.
    pub(crate) pointer: PathBuf,
    pub(crate) tracked: Arc<Tracked>,
    pub(crate) limits: Limits,
}

/// Stores all files that git would not ignore; the digest of their manifest.
pub(crate) async fn take(store: &Store, source: Source, memory: &mut Memory) -> Result<Digest, Error> {
    memory.warm(store, &source.pointer).await;
    let mut work = std::mem::take(memory);
    let pointer = source.pointer.clone();
    let (collected, work_back) = crate::blocking(move || {
        let collected = collect(&source, &mut work);
        (collected, work)
    })
    .await;
    *memory = work_back;
    let Collected { mut entries, pack, stamps, began } = collected?;
    if let Some(pack) = pack {
        store_pack(store, pack, &mut entries, memory).await?;
    }
    memory.note_stamps(stamps, began);
    store_manifest(store, entries, memory, &pointer).await
}

/// What a walk found. Files whose content is in the new pack have no place yet.
struct Collected {
    entries: Entries,
    pack: Option<Pack>,
    stamps: Vec<(Vec<u8>, Stamp, Digest)>,
    began: SystemTime,
}

async fn store_pack(
    store: &Store,
    pack: Pack,
    entries: &mut Entries,
    memory: &mut Memory,
) -> Result<(), Error> {
    let digest = store.put_file(pack.file.path()).await?;
    for (content, offset) in &pack.contents {
        memory.note_location(*content, Location { pack: digest, offset: *offset });
    }
    for entry in entries.values_mut() {
        if let Entry::File { size, digest, at, .. } = entry
            && *size > 0
            && at.is_none()
        {
            *at = memory.location(*digest);
        }
    }
    Ok(())
}

async fn store_manifest(
    store: &Store,
    entries: Entries,
    memory: &mut Memory,
    pointer: &Path,
) -> Result<Digest, Error> {
    if let Some(base) = &memory.base {
        let (bytes, count) = manifest::difference(base.digest, &base.entries, &entries);
        if count == 0 {
            return Ok(base.digest);
        }
        if count <= LONGEST_DIFFERENCE.max(base.entries.len() / 4) {
            return Ok(store.put(&bytes).await?);
        }
    }
    let digest = store.put(&manifest::whole(&entries)).await?;
    let path = pointer.to_path_buf();
    let noted = crate::blocking(move || note(&path, digest)).await;
    noted.map_err(Error::at("note the snapshot in", b"the checkout's folder"))?;
    memory.base = Some(Base { digest, entries });
    Ok(digest)
}

/// Writes the name of the base in one go. It is a hint: losing it to a power cut costs a second reading.
fn note(path: &Path, digest: Digest) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    file.write_all(digest.to_string().as_bytes())?;
    file.persist(path)?;
    Ok(())
}

fn collect(source: &Source, memory: &mut Memory) -> Result<Collected, Error> {
    let mut collected =
        Collected { entries: Entries::new(), pack: None, stamps: Vec::new(), began: SystemTime::now() };
    let mut reader = Reader { source, memory, pack: None };
    walk(&source.root, &source.tracked, &source.limits, &mut |visit| {
        let entry = match visit.seen {
            Seen::Other => return Ok(()),
            Seen::Folder { mode } => Entry::Folder { mode },
            Seen::Link => Entry::Link {
                target: visit.folder.read_link(visit.name).map_err(Error::at("read the link", visit.path))?,
            },
            Seen::File { stamp, mode } => {
                let read = reader.file(visit, stamp)?;
                if let Some(stamp) = read.stamp {
                    collected.stamps.push((visit.path.to_vec(), stamp, read.digest));
                }
                Entry::File { mode, size: read.size, digest: read.digest, at: read.at }
            }
        };
        collected.entries.insert(visit.path.to_vec(), entry);
        Ok(())
    })?;
    collected.pack = reader.pack;
    Ok(collected)
}

/// Contents of many files, one after another.
struct Pack {
    file: NamedTempFile,
    length: u64,
    /// The contents and where they begin.
    contents: HashMap<Digest, u64>,
}

/// What was found out about a file.
struct Content {
    digest: Digest,
    size: u64,
    at: Option<Location>,
    /// How it looked, if it did not change while it was read.
    stamp: Option<Stamp>,
}

struct Reader<'a> {
    source: &'a Source,
    memory: &'a Memory,
    pack: Option<Pack>,
}

impl Reader<'_> {
    fn file(&mut self, visit: &Visit<'_>, stamp: Stamp) -> Result<Content, Error> {
        if let Some(digest) = self.memory.digest(visit.path, stamp) {
            let at = self.memory.location(digest);
            if at.is_some() || stamp.size() == 0 {
                return Ok(Content { digest, size: stamp.size(), at, stamp: Some(stamp) });
            }
        }
        let failed = Error::at("read", visit.path);
        let (mut file, stat) = visit.folder.open_file(visit.name).map_err(&failed)?;
        let opened = Stamp::of(&stat);
        let (digest, size) = self.content(&mut file, opened.size()).map_err(&failed)?;
        if self.pack.as_ref().is_some_and(|pack| pack.length > self.source.limits.new_bytes) {
            let what = format!("more than {} bytes of new content", self.source.limits.new_bytes);
            return Err(Error::TooLarge { what });
        }
        let after = rustix::fs::fstat(&file).map_err(|errno| failed(errno.into()))?;
        let is_still = Stamp::of(&after) == opened && opened == stamp;
        Ok(Content { digest, size, at: self.memory.location(digest), stamp: is_still.then_some(stamp) })
    }

    /// Digest and size of a file; what is not stored yet goes to the pack.
    fn content(&mut self, file: &mut File, size: u64) -> io::Result<(Digest, u64)> {
        if size <= PIECE_BYTES as u64 {
            let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
            file.take(PIECE_BYTES as u64).read_to_end(&mut bytes)?;
            let digest = Digest::of(&bytes);
            if !bytes.is_empty() && !self.is_stored(digest) {
                let pack = self.open_pack()?;
                let offset = pack.length;
                pack.file.write_all(&bytes)?;
                pack.length += bytes.len() as u64;
                pack.contents.insert(digest, offset);
            }
            return Ok((digest, bytes.len() as u64));
        }
        let (digest, length) = copy(file, None)?;
        if self.is_stored(digest) {
            return Ok((digest, length));
        }
        file.rewind()?;
        let limit = self.source.limits.new_bytes;
        let pack = self.open_pack()?;
        if pack.length.saturating_add(length) > limit {
            // Counted, not stored: the caller refuses it.
            pack.length = pack.length.saturating_add(length);
            return Ok((digest, length));
        }
        let offset = pack.length;
        // It may have changed since the first reading: what is stored counts.
        let (digest, length) = copy(file, Some(pack.file.as_file_mut()))?;
        pack.length += length;
        pack.contents.insert(digest, offset);
        Ok((digest, length))
    }

    fn is_stored(&self, digest: Digest) -> bool {
        let is_packed = |pack: &Pack| pack.contents.contains_key(&digest);
        self.memory.location(digest).is_some() || self.pack.as_ref().is_some_and(is_packed)
    }

    fn open_pack(&mut self) -> io::Result<&mut Pack> {
        let pack = match self.pack.take() {
            Some(pack) => pack,
            None => Pack {
                file: NamedTempFile::new_in(&self.source.staging)?,
                length: 0,
                contents: HashMap::new(),
            },
        };
        Ok(self.pack.insert(pack))
    }
}

/// Reads to the end; digest and length of what was read.
fn copy(from: &mut impl Read, mut to: Option<&mut File>) -> io::Result<(Digest, u64)> {
    let (mut hasher, mut length) = (Sha256::new(), 0_u64);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let count = from.read(&mut piece)?;
        if count == 0 {
            return Ok((Digest::from_bytes(hasher.finalize().into()), length));
        }
        hasher.update(&piece[..count]);
        length += count as u64;
        if let Some(to) = to.as_mut() {
            to.write_all(&piece[..count])?;
        }
    }
}

/// The digest of a file's content.
pub(super) fn digest_of(file: &mut File) -> io::Result<Digest> {
    copy(file, None).map(|(digest, _)| digest)
}
