//! Sealing one value: XChaCha20-Poly1305 twice, bound to the tenant and the name it is stored under.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use miyabi_core::id::TenantId;
use miyabi_core::secret::Secret;
use zeroize::{Zeroize, Zeroizing};

use super::key::KeyRing;

/// Bytes of a nonce: so many that drawing them at random never repeats one.
const NONCE: usize = 24;

/// A sealed value as it is stored. Both parts begin with their nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) key_id: String,
    pub(crate) wrapped_key: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
}

/// Why a value can't be opened. Says nothing about the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is under a key that is not in the ring.
    OtherKey,
    /// It was changed, or belongs to another name or tenant.
    Damaged,
}

impl Unreadable {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::OtherKey => "it was encrypted with another master key",
            Self::Damaged => "what is stored does not match its seal",
        }
    }
}

/// Seals a value with a key drawn for it.
///
/// # Errors
/// When the operating system has no randomness to give.
pub(crate) fn seal(ring: &KeyRing, tenant: TenantId, name: &str, value: &Secret) -> std::io::Result<Sealed> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut())?;
    Ok(Sealed {
        key_id: ring.current_id(),
        wrapped_key: encrypt(ring.current.bytes(), &bound("key", tenant, name), key.as_slice())?,
        sealed: encrypt(&key, &bound("value", tenant, name), value.expose().as_bytes())?,
    })
}

/// Opens a value.
pub(crate) fn open(
    ring: &KeyRing,
    tenant: TenantId,
    name: &str,
    sealed: &Sealed,
) -> Result<Secret, Unreadable> {
    let key = unwrap(ring, tenant, name, sealed)?;
    let value = decrypt(&key, &bound("value", tenant, name), &sealed.sealed)?;
    String::from_utf8(value).map(Secret::new).map_err(|error| {
        error.into_bytes().zeroize();
        Unreadable::Damaged
    })
}

/// Wraps a value's key with the current master key; the value itself stays as it is.
pub(crate) fn rewrap(
    ring: &KeyRing,
    tenant: TenantId,
    name: &str,
    sealed: &Sealed,
) -> Result<Vec<u8>, Unreadable> {
    let key = unwrap(ring, tenant, name, sealed)?;
    let wrapped = encrypt(ring.current.bytes(), &bound("key", tenant, name), key.as_slice());
    wrapped.map_err(|_| Unreadable::Damaged)
}

fn unwrap(
    ring: &KeyRing,
    tenant: TenantId,
    name: &str,
    sealed: &Sealed,
) -> Result<Zeroizing<[u8; 32]>, Unreadable> {
    let master = ring.find(&sealed.key_id).ok_or(Unreadable::OtherKey)?;
    let key = decrypt(master.bytes(), &bound("key", tenant, name), &sealed.wrapped_key)?;
    let key = Zeroizing::new(key);
    let key: [u8; 32] = key.as_slice().try_into().map_err(|_| Unreadable::Damaged)?;
    Ok(Zeroizing::new(key))
}

/// What the ciphertext is bound to: the same bytes under another name or tenant don't open. A tenant's id holds no
/// zero byte and the name comes last, so no two bindings are alike.
fn bound(part: &str, tenant: TenantId, name: &str) -> Vec<u8> {
    format!("miyabi/secret/1\0{part}\0{tenant}\0{name}").into_bytes()
}

fn encrypt(key: &[u8; 32], bound: &[u8], plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce)?;
    let payload = Payload { msg: plain, aad: bound };
    let cipher = XChaCha20Poly1305::new(key.into());
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload);
    // Only a value of 256 GiB can't be sealed.
    let sealed = sealed.map_err(|_| std::io::Error::other("the value is too long"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn decrypt(key: &[u8; 32], bound: &[u8], stored: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let (nonce, sealed) = stored.split_first_chunk::<NONCE>().ok_or(Unreadable::Damaged)?;
    let payload = Payload { msg: sealed, aad: bound };
    let cipher = XChaCha20Poly1305::new(key.into());
    cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| Unreadable::Damaged)
}

#[cfg(test)]
mod tests {
    use miyabi_core::time::Timestamp;

    use super::super::key::MasterKey;
    use super::*;

    fn ring() -> KeyRing {
        KeyRing { current: MasterKey::draw().unwrap(), retired: Vec::new() }
    }

    fn tenant(random: u128) -> TenantId {
        TenantId::mint(Timestamp::from_millis(1), random)
    }

    #[test]
    fn value_opens_only_where_it_was_sealed() {
        let (ring, value) = (ring(), Secret::new("s3cret".into()));
        let sealed = seal(&ring, tenant(1), "token", &value).unwrap();
        assert_eq!(open(&ring, tenant(1), "token", &sealed).unwrap().expose(), "s3cret");
        let moved = |tenant, name| open(&ring, tenant, name, &sealed).map(|_| ());
        assert_eq!(moved(tenant(2), "token"), Err(Unreadable::Damaged));
        assert_eq!(moved(tenant(1), "token2"), Err(Unreadable::Damaged));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let ring = ring();
        let sealed = seal(&ring, tenant(1), "token", &Secret::new("s3cret".into())).unwrap();
        for at in 0..sealed.sealed.len() {
            let mut changed = sealed.clone();
            changed.sealed[at] ^= 1;
            assert!(open(&ring, tenant(1), "token", &changed).is_err(), "value byte {at}");
        }
        for at in 0..sealed.wrapped_key.len() {
            let mut changed = sealed.clone();
            changed.wrapped_key[at] ^= 1;
            assert!(open(&ring, tenant(1), "token", &changed).is_err(), "key byte {at}");
        }
    }

    #[test]
    fn rewrapped_value_opens_with_the_new_key_alone() {
        let old = ring();
        let mut sealed = seal(&old, tenant(1), "token", &Secret::new("s3cret".into())).unwrap();
        let both = KeyRing { current: MasterKey::draw().unwrap(), retired: vec![old.current.clone()] };
        sealed.wrapped_key = rewrap(&both, tenant(1), "token", &sealed).unwrap();
        sealed.key_id = both.current_id();
        let new = KeyRing { retired: Vec::new(), ..both };
        assert_eq!(open(&new, tenant(1), "token", &sealed).unwrap().expose(), "s3cret");
        let refused = open(&old, tenant(1), "token", &sealed).map(|_| ());
        assert_eq!(refused, Err(Unreadable::OtherKey));
    }
}
