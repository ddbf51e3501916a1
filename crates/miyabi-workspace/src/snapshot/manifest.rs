//! The list of a snapshot's files, as it is stored: JSON, one thing per line, sorted by path.
//!
//! ```text
//! {"snapshot":1,"base":null,"packs":["sha256:…"]}
//! {"path":"src","folder":{"mode":493}}
//! {"path":"src/lib.rs","file":{"mode":420,"size":12,"digest":"sha256:…","pack":0,"offset":0}}
//! {"path":"link","link":"src/lib.rs"}
//! {"path":"old.txt","gone":true}
//! ```
//!
//! With a base only the differences from it are listed. Text that is not UTF-8 is `{"hex":"…"}`.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io::Write as _;

use miyabi_core::digest::Digest;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::{Store, walk};

/// The version that is written. Older ones stay readable.
const VERSION: u32 = 1;

/// Where a content is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Location {
    /// The artifact with contents of many files.
    pub(super) pack: Digest,
    /// Where it begins there, in bytes.
    pub(super) offset: u64,
}

/// One thing of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    File {
        mode: u32,
        size: u64,
        digest: Digest,
        /// `None` for empty files.
        at: Option<Location>,
    },
    Link {
        target: Vec<u8>,
    },
    Folder {
        mode: u32,
    },
}

/// All things of a snapshot, by path.
pub(super) type Entries = BTreeMap<Vec<u8>, Entry>;

/// A snapshot as it is stored.
#[derive(Debug, PartialEq, Eq)]
struct Manifest {
    base: Option<Digest>,
    /// `None`: not there, unlike in the base.
    lines: BTreeMap<Vec<u8>, Option<Entry>>,
}

/// The bytes of a whole manifest.
pub(super) fn whole(entries: &Entries) -> Vec<u8> {
    write(None, entries.iter().map(|(path, entry)| (path, Some(entry))))
}

/// The bytes of a manifest that says what differs from a base, and how many lines it has.
pub(super) fn difference(digest: Digest, base: &Entries, entries: &Entries) -> (Vec<u8>, usize) {
    let mut lines: Vec<(&Vec<u8>, Option<&Entry>)> = Vec::new();
    for (path, entry) in entries {
        if base.get(path) != Some(entry) {
            lines.push((path, Some(entry)));
        }
    }
    lines.extend(base.keys().filter(|path| !entries.contains_key(*path)).map(|path| (path, None)));
    lines.sort_unstable_by(|one, other| one.0.cmp(other.0));
    let count = lines.len();
    (write(Some(digest), lines.into_iter()), count)
}

/// Reads a snapshot, with its base if it has one.
pub(super) async fn load(store: &Store, digest: Digest) -> Result<Entries, Error> {
    let bytes = store.get(digest).await?;
    let manifest = crate::blocking(move || parse(&bytes)).await;
    let manifest = manifest.map_err(|reason| Error::Unreadable { digest, reason })?;
    let mut entries = Entries::new();
    if let Some(base) = manifest.base {
        let bytes = store.get(base).await?;
        let whole = crate::blocking(move || parse(&bytes)).await;
        let whole = whole.map_err(|reason| Error::Unreadable { digest: base, reason })?;
        if whole.base.is_some() {
            let reason = "its base has a base itself".into();
            return Err(Error::Unreadable { digest, reason });
        }
        entries.extend(whole.lines.into_iter().filter_map(|(path, entry)| Some((path, entry?))));
    }
    for (path, entry) in manifest.lines {
        match entry {
            Some(entry) => entries.insert(path, entry),
            None => entries.remove(&path),
        };
    }
    Ok(entries)
}

/// The artifacts without which a stored snapshot can't be brought back.
///
/// # Errors
/// What is wrong with the bytes, if they are no snapshot.
pub fn references(bytes: &[u8]) -> Result<Vec<Digest>, String> {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let header = header(first)?;
    Ok(header.base.into_iter().chain(header.packs).collect())
}

#[derive(Serialize, Deserialize)]
struct Header {
    snapshot: u32,
    base: Option<Digest>,
    packs: Vec<Digest>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    path: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<FileLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<FolderLine>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    gone: bool,
}

#[derive(Serialize, Deserialize)]
struct FileLine {
    mode: u32,
    size: u64,
    digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pack: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct FolderLine {
    mode: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Raw { hex: String },
}

impl Text {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Plain(text.to_owned()),
            Err(_) => Self::Raw { hex: hex::encode(bytes) },
        }
    }

    fn bytes(self) -> Result<Vec<u8>, String> {
        match self {
            Self::Plain(text) => Ok(text.into_bytes()),
            Self::Raw { hex } => hex::decode(hex).map_err(|error| error.to_string()),
        }
    }
}

fn write<'a>(
    base: Option<Digest>,
    lines: impl Iterator<Item = (&'a Vec<u8>, Option<&'a Entry>)> + Clone,
) -> Vec<u8> {
    let mut numbers: HashMap<Digest, usize> = HashMap::new();
    let mut packs = Vec::new();
    for (_, entry) in lines.clone() {
        if let Some(Entry::File { at: Some(at), .. }) = entry {
            numbers.entry(at.pack).or_insert_with(|| {
                packs.push(at.pack);
                packs.len() - 1
            });
        }
    }
    let mut bytes = Vec::new();
    push(&mut bytes, &Header { snapshot: VERSION, base, packs });
    for (path, entry) in lines {
        let mut line = Line { path: Text::of(path), file: None, link: None, folder: None, gone: false };
        match entry {
            None => line.gone = true,
            Some(Entry::Link { target }) => line.link = Some(Text::of(target)),
            Some(Entry::Folder { mode }) => line.folder = Some(FolderLine { mode: *mode }),
            Some(Entry::File { mode, size, digest, at }) => {
                let pack = at.and_then(|at| numbers.get(&at.pack).copied());
                let offset = at.map(|at| at.offset);
                line.file = Some(FileLine { mode: *mode, size: *size, digest: *digest, pack, offset });
            }
        }
        push(&mut bytes, &line);
    }
    bytes
}

fn push(bytes: &mut Vec<u8>, line: &impl Serialize) {
    // Neither the writing nor the types can fail: no maps, no foreign serialisers, memory only.
    if serde_json::to_writer(&mut *bytes, line).is_ok() {
        let _written = bytes.write_all(b"\n");
    }
}

fn header(line: &[u8]) -> Result<Header, String> {
    let header: Header = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    match header.snapshot {
        VERSION => Ok(header),
        newer => Err(format!("it has version {newer}; this program reads version {VERSION}")),
    }
}

fn parse(bytes: &[u8]) -> Result<Manifest, String> {
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let header = header(lines.next().ok_or("it is empty")?)?;
    let mut entries = BTreeMap::new();
    for line in lines {
        let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let path = line.path.bytes()?;
        if !walk::is_plain(&path) {
            return Err(format!("`{}` is no path in a checkout", crate::files::shown(&path)));
        }
        let entry = match (line.file, line.link, line.folder, line.gone) {
            (Some(file), None, None, false) => Some(read_file(&file, &header.packs)?),
            (None, Some(target), None, false) => Some(Entry::Link { target: target.bytes()? }),
            (None, None, Some(folder), false) => Some(Entry::Folder { mode: folder.mode }),
            (None, None, None, true) => None,
            _ => return Err("a line is not one thing".into()),
        };
        entries.insert(path, entry);
    }
    Ok(Manifest { base: header.base, lines: entries })
}

fn read_file(file: &FileLine, packs: &[Digest]) -> Result<Entry, String> {
    let at = match (file.pack, file.offset) {
        (Some(pack), Some(offset)) => {
            let pack = *packs.get(pack).ok_or("a file's pack is not listed")?;
            Some(Location { pack, offset })
        }
        (None, None) if file.size == 0 => None,
        _ => return Err("a file's content is nowhere".into()),
    };
    Ok(Entry::File { mode: file.mode, size: file.size, digest: file.digest, at })
}

#[cfg(test)]
mod tests;
