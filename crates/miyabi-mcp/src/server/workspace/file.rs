//! A text file as tools see it: content, hash, line ends.

use miyabi_core::digest::Digest;
use miyabi_core::port::checkouts::FileContent;
use serde_json::json;

use super::{Call, refused};
use crate::registry::Problem;
use crate::text;

/// Larger files are left to `shell`, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// Digits of a hash that a model is shown: enough to tell two versions of one file apart.
const HASH_DIGITS: usize = 12;
const MIN_HASH_DIGITS: usize = 8;

/// The line ends of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnds {
    Lf,
    CrLf,
    Mixed,
}

/// A text file.
pub(super) struct TextFile {
    pub(super) text: String,
    pub(super) hash: String,
}

impl TextFile {
    pub(super) fn line_ends(&self) -> LineEnds {
        line_ends(&self.text)
    }
}

/// A file's content; `None` if there is none.
pub(super) async fn find(call: &Call, path: &str) -> Result<Option<FileContent>, Problem> {
    let found = call.checkouts.read(&call.scope.checkout, path, MAX_FILE_BYTES).await;
    found.map_err(refused)
}

/// A file's text, or what is wrong with it.
pub(super) async fn get_text(call: &Call, path: &str) -> Result<TextFile, Problem> {
    let Some(content) = find(call, path).await? else {
        return Err(missing(call, path).await?);
    };
    let hash = hash_of(&content);
    if content.bytes.contains(&0) {
        return Err(no_text(path, content.bytes.len(), "binary"));
    }
    match String::from_utf8(content.bytes) {
        Ok(text) => Ok(TextFile { text, hash }),
        Err(error) => Err(no_text(path, error.as_bytes().len(), "not UTF-8, so treated as binary")),
    }
}

/// The hash of a file that a model is shown.
pub(super) fn hash_of(content: &FileContent) -> String {
    content.digest.hex()[..HASH_DIGITS].to_owned()
}

/// The hash of a file that was just written.
pub(super) fn hash_of_bytes(bytes: &[u8]) -> String {
    Digest::of(bytes).hex()[..HASH_DIGITS].to_owned()
}

/// Refuses a call that was made for another version of the file.
pub(super) fn check_hash(path: &str, given: Option<&str>, current: &str) -> Result<(), Problem> {
    let Some(given) = given else { return Ok(()) };
    if is_hash(given, current)? {
        return Ok(());
    }
    Err(Problem::Told {
        text: format!("stale: `{path}` has changed; its hash is {current} now. Read it again."),
        data: Some(json!({"error": "stale", "hash": current})),
    })
}

/// Whether a hash as given names the current version.
pub(super) fn is_hash(given: &str, current: &str) -> Result<bool, Problem> {
    let given = given.trim();
    let digits = given.strip_prefix("sha256:").unwrap_or(given).to_ascii_lowercase();
    if digits.len() < MIN_HASH_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Problem::told(format!(
            "`base_hash` is not a hash; it is the {HASH_DIGITS} digits that `read` shows"
        )));
    }
    Ok(current.starts_with(&digits) || digits.starts_with(current))
}

pub(super) fn line_ends(text: &str) -> LineEnds {
    let crlf = text.matches("\r\n").count();
    match (crlf, text.matches('\n').count()) {
        (0, _) => LineEnds::Lf,
        (crlf, all) if crlf == all => LineEnds::CrLf,
        _ => LineEnds::Mixed,
    }
}

fn no_text(path: &str, bytes: usize, why: &str) -> Problem {
    Problem::Told {
        text: format!("`{path}` is {why} ({bytes} bytes); use `shell` for it"),
        data: Some(json!({"error": "not_text"})),
    }
}

/// Says that there is no such file, and which one may be meant.
async fn missing(call: &Call, path: &str) -> Result<Problem, Problem> {
    const LOOKED_AT: u32 = 20_000;
    let files = call.checkouts.list(&call.scope.checkout, LOOKED_AT).await.map_err(refused)?;
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let name = base(path);
    let namesake = files.iter().find(|file| base(file) == name).map(String::as_str);
    let hint = match namesake.or_else(|| text::nearest(path, files.iter().map(String::as_str))) {
        Some(other) => format!("; did you mean `{other}`?"),
        None => String::new(),
    };
    Ok(Problem::Told {
        text: format!("there is no file `{path}`{hint}"),
        data: Some(json!({"error": "missing"})),
    })
}
