//! Bringing a snapshot back. It may be killed at any time and done again: each look decides anew what is missing.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::sync::Arc;

use miyabi_core::digest::Digest;
use rustix::fs::{FileType, Stat};
use sha2::{Digest as _, Sha256};

use super::error::Error;
use super::fetch::{Contents, WINDOW_BYTES};
use super::manifest::{self, Entries, Entry, Location};
use super::memory::Memory;
use super::take::digest_of;
use super::walk::{Seen, Stamp, Tracked, walk};
use super::{Limits, Store};
use crate::files::{Folder, Owner, PERMISSIONS, Staged, Trash, split};

/// Where files are brought back to.
#[derive(Debug)]
pub(crate) struct Place {
    /// The files.
    pub(crate) root: Folder,
    /// A folder of ours for files in the making, on the same file system.
    pub(crate) staging: Folder,
    /// Where what is in the way goes.
    pub(crate) trash: Trash,
    /// Whom the files belong to.
    pub(crate) owner: Owner,
}

/// Makes the files be those of a snapshot. Ignored files are left alone, unless they are in the way.
pub(crate) async fn restore(
    store: &Store,
    place: &Arc<Place>,
    memory: &mut Memory,
    tracked: Arc<Tracked>,
    limits: Limits,
    digest: Digest,
) -> Result<(), Error> {
    let entries = Arc::new(manifest::load(store, digest).await?);
    memory.learn(&entries);
    fill(store, place, memory, &entries).await?;
    let place = Arc::clone(place);
    crate::blocking(move || {
        // Only now the snapshot's own rules say what is ignored, and only when no newer rules are left that hide
        // something. Each round but the last removes such a file, so there is a last.
        while remove_new(&place, &entries, &tracked, &limits)? {}
        set_modes(&place, &entries)
    })
    .await
}

/// Makes everything of a snapshot be there.
pub(super) async fn fill(
    store: &Store,
    place: &Arc<Place>,
    memory: &mut Memory,
    entries: &Arc<Entries>,
) -> Result<(), Error> {
    let work = std::mem::take(memory);
    let (prepared, target) = (Arc::clone(place), Arc::clone(entries));
    let (missing, work) = crate::blocking(move || {
        let missing = prepare(&prepared, &target, &work);
        (missing, work)
    })
    .await;
    *memory = work;
    let mut contents = Contents::new(store);
    let mut batch = Batch::default();
    for file in missing? {
        if file.size > WINDOW_BYTES as u64 {
            large(&mut contents, place, &file).await?;
            continue;
        }
        let bytes = match file.at {
            Some(at) => contents.read(at, usize::try_from(file.size).unwrap_or(0)).await?,
            None => Vec::new(),
        };
        batch.bytes += bytes.len();
        batch.files.push((file, bytes));
        if batch.bytes > WINDOW_BYTES || batch.files.len() > 1_000 {
            std::mem::take(&mut batch).place(place).await?;
        }
    }
    batch.place(place).await
}

/// A file that is missing or has another content.
#[derive(Debug)]
struct Missing {
    path: Vec<u8>,
    mode: u32,
    size: u64,
    digest: Digest,
    at: Option<Location>,
}

#[derive(Default)]
struct Batch {
    files: Vec<(Missing, Vec<u8>)>,
    bytes: usize,
}

impl Batch {
    async fn place(self, place: &Arc<Place>) -> Result<(), Error> {
        let place = Arc::clone(place);
        crate::blocking(move || {
            let mut way = Way::new(&place)?;
            for (file, bytes) in &self.files {
                if Digest::of(bytes) != file.digest {
                    return Err(Error::Damaged { path: crate::files::shown(&file.path) });
                }
                let failed = Error::at("write", &file.path);
                let mut staged = Staged::new(&place.staging).map_err(&failed)?;
                staged.file().write_all(bytes).map_err(&failed)?;
                let (folder, name) = way.to(&file.path)?;
                staged.place(folder, name, file.mode, place.owner).map_err(failed)?;
            }
            Ok(())
        })
        .await
    }
}

/// A file that is too large for memory.
async fn large(contents: &mut Contents<'_>, place: &Arc<Place>, file: &Missing) -> Result<(), Error> {
    let failed = Error::at("write", &file.path);
    let damaged = || Error::Damaged { path: crate::files::shown(&file.path) };
    let mut staged = Staged::new(&place.staging).map_err(&failed)?;
    let (mut hasher, mut done) = (Sha256::new(), 0_u64);
    while done < file.size {
        let at = file.at.ok_or_else(damaged)?;
        let length = usize::try_from(file.size - done).unwrap_or(WINDOW_BYTES).min(WINDOW_BYTES);
        let piece = contents.read(Location { offset: at.offset + done, ..at }, length).await?;
        if piece.is_empty() {
            return Err(damaged());
        }
        done += piece.len() as u64;
        hasher.update(&piece);
        let mut target = staged.file().try_clone().map_err(&failed)?;
        crate::blocking(move || target.write_all(&piece)).await.map_err(&failed)?;
    }
    if Digest::from_bytes(hasher.finalize().into()) != file.digest {
        return Err(damaged());
    }
    let mut way = Way::new(place)?;
    let (folder, name) = way.to(&file.path)?;
    staged.place(folder, name, file.mode, place.owner).map_err(failed)
}

/// Makes folders and links, takes away what is in the way, and tells which contents are needed.
fn prepare(place: &Place, entries: &Entries, memory: &Memory) -> Result<Vec<Missing>, Error> {
    let mut way = Way::new(place)?;
    let mut missing = Vec::new();
    for (path, entry) in entries {
        match entry {
            Entry::Folder { .. } => {
                way.folder(path)?.let_us_write().map_err(Error::at("open", path))?;
            }
            Entry::Link { target } => {
                let (folder, name) = way.to(path)?;
                link(place, folder, name, target).map_err(Error::at("write the link", path))?;
            }
            Entry::File { mode, size, digest, at } => {
                let (folder, name) = way.to(path)?;
                let wanted =
                    Missing { path: path.clone(), mode: *mode, size: *size, digest: *digest, at: *at };
                let is_there = is_there(place, folder, name, &wanted, memory);
                if !is_there.map_err(Error::at("look at", path))? {
                    missing.push(wanted);
                }
            }
        }
    }
    // Neighbours in a pack are read together.
    missing.sort_by_key(|file| file.at.map(|at| (at.pack, at.offset)));
    Ok(missing)
}

fn link(place: &Place, folder: &Folder, name: &[u8], target: &[u8]) -> io::Result<()> {
    if let Some(stat) = folder.look(name)? {
        if kind(&stat) == FileType::Symlink && folder.read_link(name)? == target {
            return Ok(());
        }
        place.trash.remove(folder, name)?;
    }
    folder.make_link(name, target, place.owner)
}

/// Whether a file has its content already; then it gets its mode. What is no file is taken out of the way.
fn is_there(
    place: &Place,
    folder: &Folder,
    name: &[u8],
    wanted: &Missing,
    memory: &Memory,
) -> io::Result<bool> {
    let Some(stat) = folder.look(name)? else {
        return Ok(false);
    };
    if kind(&stat) != FileType::RegularFile {
        place.trash.remove(folder, name)?;
        return Ok(false);
    }
    let stamp = Stamp::of(&stat);
    // A second name of the file would change together with it, and may lie anywhere.
    if stamp.size() != wanted.size || stat.st_nlink > 1 {
        return Ok(false);
    }
    let (mut file, _) = match folder.open_file(name) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(false),
        opened => opened?,
    };
    let digest = match memory.digest(&wanted.path, stamp) {
        Some(digest) => digest,
        None => digest_of(&mut file)?,
    };
    if digest != wanted.digest {
        return Ok(false);
    }
    if stat.st_mode & 0o7777 != wanted.mode {
        rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(wanted.mode & PERMISSIONS))?;
    }
    Ok(true)
}

/// Removes what the snapshot does not have; whether there were rules among it that may have hidden more.
fn remove_new(place: &Place, entries: &Entries, tracked: &Tracked, limits: &Limits) -> Result<bool, Error> {
    let mut had_rules = false;
    let mut parents: BTreeSet<&[u8]> = BTreeSet::new();
    for path in entries.keys() {
        let mut folder = split(path).0;
        while !folder.is_empty() && parents.insert(folder) {
            folder = split(folder).0;
        }
    }
    let mut folders = Vec::new();
    walk(&place.root, tracked, limits, &mut |visit| {
        if entries.contains_key(visit.path) || parents.contains(visit.path) {
            return Ok(());
        }
        let removed = match visit.seen {
            Seen::Folder { mode } => {
                folders.push(visit.path.to_vec());
                if mode & 0o700 == 0o700 { Ok(()) } else { visit.folder.make_enterable(visit.name) }
            }
            _ => visit.folder.unlink(visit.name).map(|was_there| {
                had_rules |= was_there && visit.name == b".gitignore";
            }),
        };
        removed.map_err(Error::at("remove", visit.path))
    })?;
    // Deepest first. One that holds ignored files stays with them.
    for path in folders.iter().rev() {
        let (parent, name) = split(path);
        let remove = || -> io::Result<()> {
            let parent = place.root.open_folder(parent)?;
            place.trash.remove(&parent.open_folder(name)?, b".git")?;
            parent.remove_empty(name).map(drop)
        };
        remove().map_err(Error::at("remove", path))?;
    }
    Ok(had_rules)
}

/// Gives folders their permissions. Last of all, because they may forbid to write.
pub(super) fn set_modes(place: &Place, entries: &Entries) -> Result<(), Error> {
    for (path, entry) in entries.iter().rev() {
        if let Entry::Folder { mode } = entry {
            let folder = place.root.open_folder(path);
            folder.and_then(|folder| folder.set_mode(*mode)).map_err(Error::at("set the mode of", path))?;
        }
    }
    Ok(())
}

/// The way to files one after another, most of them in the folder of the one before. Folders are made on the way.
struct Way<'a> {
    place: &'a Place,
    path: Vec<u8>,
    folder: Folder,
}

impl<'a> Way<'a> {
    fn new(place: &'a Place) -> Result<Self, Error> {
        let folder = place.root.open_folder(b"").map_err(Error::at("open", b""))?;
        Ok(Self { place, path: Vec::new(), folder })
    }

    /// The folder of a file, and the file's name in it.
    fn to<'p>(&mut self, path: &'p [u8]) -> Result<(&Folder, &'p [u8]), Error> {
        let (folder, name) = split(path);
        Ok((self.folder(folder)?, name))
    }

    fn folder(&mut self, path: &[u8]) -> Result<&Folder, Error> {
        if self.path != path {
            self.folder = self.open(path).map_err(Error::at("make the folder", path))?;
            self.path = path.to_vec();
        }
        Ok(&self.folder)
    }

    fn open(&self, path: &[u8]) -> io::Result<Folder> {
        let mut folder = self.place.root.open_folder(b"")?;
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            let is_folder = folder.look(name)?.map(|stat| kind(&stat) == FileType::Directory);
            if is_folder == Some(false) {
                self.place.trash.remove(&folder, name)?;
            }
            folder = match folder.open_folder(name) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    folder.make_enterable(name)?;
                    folder.open_folder(name)?
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    folder.make_folders(name, self.place.owner)?
                }
                opened => opened?,
            };
        }
        Ok(folder)
    }
}

fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}
