//! The master key and the ring of keys that can open what is stored.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Why a text is not a key. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key has 64 hex digits")]
pub struct InvalidKey;

/// The key that wraps the keys of all secrets: 256 bits, wiped when dropped, never printed.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Draws a new key from the operating system.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn draw() -> std::io::Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// Reads a key from 64 hex digits; blanks around them don't count.
    pub fn from_hex(text: &str) -> Result<Self, InvalidKey> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), bytes.as_mut()).map_err(|_| InvalidKey)?;
        Ok(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A name by which rows say under which key they are; tells nothing about the key.
    pub(super) fn id(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(b"miyabi/master-key-id/1\0");
        hasher.update(self.0.as_slice());
        let digest: [u8; 32] = hasher.finalize().into();
        hex::encode(digest.first_chunk::<8>().unwrap_or(&[0; 8]))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The current key and those before it, newest first. Never empty.
#[derive(Debug, Clone)]
pub(crate) struct KeyRing {
    pub(super) current: MasterKey,
    pub(super) retired: Vec<MasterKey>,
}

impl KeyRing {
    /// The id of the key that new secrets are sealed with.
    pub(crate) fn current_id(&self) -> String {
        self.current.id()
    }

    pub(super) fn find(&self, id: &str) -> Option<&MasterKey> {
        std::iter::once(&self.current).chain(&self.retired).find(|key| key.id() == id)
    }

    /// The text of a key file: a key a line, the current one first.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(65 * (1 + self.retired.len())));
        for key in std::iter::once(&self.current).chain(&self.retired) {
            text.push_str(Zeroizing::new(hex::encode(key.bytes())).as_str());
            text.push('\n');
        }
        text
    }

    pub(super) fn from_text(text: &str) -> Result<Self, InvalidKey> {
        let mut keys = text.lines().map(MasterKey::from_hex);
        let current = keys.next().ok_or(InvalidKey)??;
        let retired = keys.collect::<Result<_, _>>()?;
        Ok(Self { current, retired })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_file_round_trips_and_damage_is_refused() {
        let ring = KeyRing { current: MasterKey::draw().unwrap(), retired: vec![MasterKey::draw().unwrap()] };
        let text = ring.to_text();
        let read = KeyRing::from_text(&text).unwrap();
        assert_eq!(read.to_text(), text);
        assert_eq!(read.current_id(), ring.current_id());
        assert!(read.find(&ring.retired[0].id()).is_some());
        for damaged in ["", "\n", "00", &text[1..], "g".repeat(64).as_str()] {
            assert!(KeyRing::from_text(damaged).is_err());
        }
    }

    #[test]
    fn keys_are_not_printed() {
        let key = MasterKey::from_hex(&"ab".repeat(32)).unwrap();
        assert_eq!(format!("{key:?}"), "MasterKey(…)");
        assert!(!key.id().contains("abab"));
    }
}
