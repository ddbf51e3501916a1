//! Cases for `port::artifacts::Artifacts`.

use std::path::Path;

use futures::future::join_all;
use miyabi_core::digest::Digest;
use miyabi_core::port::artifacts::{Artifacts, Error};

use super::fixture::unique;

fn content(size: usize) -> Vec<u8> {
    let seed = unique();
    let bytes = (0..size as u64).map(|at| (at.wrapping_mul(31) ^ (at >> 8) ^ seed).to_le_bytes()[0]);
    let mut bytes: Vec<u8> = bytes.collect();
    bytes.extend(seed.to_be_bytes());
    bytes
}

/// A content comes back whole, and has the digest that its bytes have everywhere.
pub async fn content_comes_back_whole(artifacts: &dyn Artifacts) {
    for size in [0, 1, 4_096, 300_000] {
        let bytes = content(size);
        let digest = artifacts.put(&bytes).await.unwrap();
        assert_eq!(digest, Digest::of(&bytes));
        assert_eq!(artifacts.get(digest).await.unwrap(), bytes);
        assert_eq!(artifacts.size(digest).await.unwrap(), Some(bytes.len() as u64));
        assert_eq!(artifacts.put(&bytes).await.unwrap(), digest);
    }
    let empty = artifacts.put(b"").await.unwrap();
    assert_eq!(artifacts.get(empty).await.unwrap(), b"");
}

/// The same content stored by many at once is stored once.
pub async fn same_content_at_the_same_time_is_stored_once(artifacts: &dyn Artifacts) {
    let bytes = content(10_000);
    let digests = join_all((0..16).map(|_| artifacts.put(&bytes))).await;
    for digest in digests {
        assert_eq!(digest.unwrap(), Digest::of(&bytes));
    }
    assert_eq!(artifacts.get(Digest::of(&bytes)).await.unwrap(), bytes);
}

/// A window has what is there of it.
pub async fn windows_end_where_the_content_ends(artifacts: &dyn Artifacts) {
    let bytes = content(992);
    let digest = artifacts.put(&bytes).await.unwrap();
    for (offset, length) in [(0, 1_000), (0, 10), (990, 100), (1_000, 5), (5_000, 5), (3, 0)] {
        let window = artifacts.read(digest, offset, length).await.unwrap();
        let from = usize::try_from(offset).unwrap().min(bytes.len());
        let to = (from + length).min(bytes.len());
        assert_eq!(window, bytes[from..to], "{length} from {offset}");
    }
    let all = artifacts.read(digest, 0, usize::MAX).await.unwrap();
    assert_eq!(all, bytes);
}

/// A file's content is stored as if its bytes had been given, and the file stays.
pub async fn file_is_stored_like_its_bytes(artifacts: &dyn Artifacts, path: &Path) {
    let bytes = content(700_000);
    std::fs::write(path, &bytes).unwrap();
    let digest = artifacts.put_file(path).await.unwrap();
    assert_eq!(digest, Digest::of(&bytes));
    assert_eq!(artifacts.get(digest).await.unwrap(), bytes);
    assert_eq!(std::fs::read(path).unwrap(), bytes);
    assert_eq!(artifacts.put_file(path).await.unwrap(), digest);
}

/// What was never stored is missing.
pub async fn unknown_digest_is_missing(artifacts: &dyn Artifacts) {
    let digest = Digest::of(&content(5));
    let got = artifacts.get(digest).await.unwrap_err();
    assert!(matches!(got, Error::Missing(missing) if missing == digest), "{got}");
    let read = artifacts.read(digest, 0, 5).await.unwrap_err();
    assert!(matches!(read, Error::Missing(missing) if missing == digest), "{read}");
    assert_eq!(artifacts.size(digest).await.unwrap(), None);
}
