//! Secrets: set, forget, and see their names. No use case gives a value.

use super::{Act, Caller, Error, Runs, may};
use crate::port::records::Secrets;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The longest value, in bytes: a private key fits.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Sets or replaces a secret.
///
/// # Errors
/// [`Error::Invalid`], and those of the store.
pub async fn set_secret(
    runs: &Runs,
    secrets: &dyn Secrets,
    caller: &Caller,
    name: &str,
    value: &Secret,
) -> Result<(), Error> {
    may(caller, Act::WriteSecrets)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !(1..=64).contains(&name.len()) || !name.bytes().all(fits) {
        return Err(Error::invalid("name", "must be 1 to 64 letters, digits, `.`, `_` and `-`"));
    }
    if !(1..=MAX_SECRET_BYTES).contains(&value.expose().len()) {
        return Err(Error::invalid("value", format!("must have 1 to {MAX_SECRET_BYTES} bytes")));
    }
    Ok(secrets.set(caller.tenant, name, value, runs.clock.now()).await?)
}

/// The names of secrets, and when each was set.
///
/// # Errors
/// Those of the store.
pub async fn list_secrets(secrets: &dyn Secrets, caller: &Caller) -> Result<Vec<(String, Timestamp)>, Error> {
    may(caller, Act::ListSecrets)?;
    Ok(secrets.list(caller.tenant).await?)
}

/// Forgets a secret.
///
/// # Errors
/// [`Error::NotFound`], and those of the store.
pub async fn remove_secret(secrets: &dyn Secrets, caller: &Caller, name: &str) -> Result<(), Error> {
    may(caller, Act::WriteSecrets)?;
    if secrets.remove(caller.tenant, name).await? { Ok(()) } else { Err(Error::not_found("secret", name)) }
}
