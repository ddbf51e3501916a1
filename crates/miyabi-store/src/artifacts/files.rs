//! The files themselves: names, writing, reading. All of it blocks.

use std::fs::{self, DirBuilder, File, FileTimes, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use miyabi_core::digest::Digest;
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use crate::disk::{self, Draft};

/// The folder of files that are being written, beside the 256 folders of two hex digits.
const DRAFTS: &str = "tmp";

/// Bytes that are in memory while a file is copied or checked.
const WINDOW: usize = 128 * 1024;

/// The folder of artifacts.
#[derive(Debug)]
pub(super) struct Shelf {
    root: PathBuf,
    /// Shared while something is stored, exclusive while something is removed: otherwise a content that is found
    /// to be there could be gone before that is answered.
    gate: RwLock<()>,
    drafts: AtomicU64,
}

impl Shelf {
    /// Makes the folder of drafts and empties it. Only the data folder's owner writes here, so all are left over.
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        let drafts = root.join(DRAFTS);
        DirBuilder::new().recursive(true).mode(0o700).create(&drafts)?;
        for entry in fs::read_dir(&drafts)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(Self { root, gate: RwLock::default(), drafts: AtomicU64::default() })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<Digest> {
        let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
        let _storing = self.storing();
        if !is_stored(&self.path_of(digest), size)? {
            let mut draft = self.begin_draft()?;
            draft.write_all(bytes)?;
            self.name(draft, digest)?;
        }
        Ok(digest)
    }

    /// Copies while hashing, so that what is named is what was stored even if the file changes meanwhile.
    pub(super) fn put_file(&self, path: &Path) -> io::Result<Digest> {
        let mut source = open_regular(path)?;
        let mut draft = self.begin_draft()?;
        let (digest, size) = copy_hashed(&mut source, &mut draft)?;
        let _storing = self.storing();
        if !is_stored(&self.path_of(digest), size)? {
            self.name(draft, digest)?;
        }
        Ok(digest)
    }

    pub(super) fn get(&self, digest: Digest) -> io::Result<Option<Vec<u8>>> {
        or_missing(fs::read(self.path_of(digest)))
    }

    pub(super) fn read(&self, digest: Digest, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(mut file) = or_missing(File::open(self.path_of(digest)))? else {
            return Ok(None);
        };
        file.seek(SeekFrom::Start(offset))?;
        let mut window = Vec::new();
        file.take(length as u64).read_to_end(&mut window)?;
        Ok(Some(window))
    }

    pub(super) fn size(&self, digest: Digest) -> io::Result<Option<u64>> {
        or_missing(fs::metadata(self.path_of(digest)).map(|metadata| metadata.len()))
    }

    /// Keeps everybody from storing while it is held.
    pub(super) fn removing(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn storing(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn path_of(&self, digest: Digest) -> PathBuf {
        path_of(&self.root, digest)
    }

    fn begin_draft(&self) -> io::Result<Draft> {
        let name = self.drafts.fetch_add(1, Ordering::Relaxed).to_string();
        Draft::begin(self.root.join(DRAFTS).join(name))
    }

    /// Gives a finished draft its name.
    fn name(&self, draft: Draft, digest: Digest) -> io::Result<()> {
        let target = self.path_of(digest);
        let shard = target.parent().unwrap_or(&self.root);
        match DirBuilder::new().mode(0o700).create(shard) {
            Ok(()) => disk::sync_folder(&self.root)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        draft.keep(&target)
    }
}

/// Where a content lies: `ab/cdef…`.
pub(crate) fn path_of(root: &Path, digest: Digest) -> PathBuf {
    let hex = digest.hex();
    let (shard, name) = hex.split_at(2);
    root.join(shard).join(name)
}

/// The digest that a file's place names; `None` for what does not belong here.
pub(super) fn digest_of(shard: &str, name: &str) -> Option<Digest> {
    (shard.len() == 2).then(|| format!("sha256:{shard}{name}").parse().ok())?
}

/// Whether a content is there. One of another size is damaged and will be replaced.
fn is_stored(target: &Path, size: u64) -> io::Result<bool> {
    let Some(file) = or_missing(File::open(target))? else {
        return Ok(false);
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() != size {
        return Ok(false);
    }
    // Its age counts from now on, for the sweep.
    file.set_times(FileTimes::new().set_modified(SystemTime::now()))?;
    // Whoever stored it may not have come to making its name durable; our answer promises that it is.
    disk::sync_parent(target)?;
    Ok(true)
}

/// Opens a file of a run's folder. A link planted there must not make us read what it points to, nor a pipe make us
/// wait.
fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

fn copy_hashed(source: &mut impl Read, target: &mut impl Write) -> io::Result<(Digest, u64)> {
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut window = vec![0; WINDOW];
    loop {
        let count = match source.read(&mut window) {
            Ok(0) => return Ok((Digest::from_bytes(hasher.finalize().into()), size)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = window.get(..count).unwrap_or_default();
        hasher.update(bytes);
        target.write_all(bytes)?;
        size += bytes.len() as u64;
    }
}

/// Whether a file's bytes are those that its name promises. Holds one window in memory.
pub(crate) fn is_whole(path: &Path, digest: Digest) -> io::Result<bool> {
    let (found, _) = copy_hashed(&mut File::open(path)?, &mut io::sink())?;
    Ok(found == digest)
}

fn or_missing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
