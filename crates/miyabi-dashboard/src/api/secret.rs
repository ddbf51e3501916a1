//! Secrets, by name only. Values go in and never come out.

use std::fmt;

use miyabi_core::secret::Secret;
use serde::{Deserialize, Serialize, Serializer};

use super::Time;

/// A secret's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretName {
    /// The name.
    pub name: String,
    /// When it was set.
    pub set_at: Time,
}

/// Sets or replaces a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetSecret {
    /// The value.
    pub value: SecretValue,
}

/// A value on its way in. It can be sent, and neither printed nor compared.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct SecretValue(pub Secret);

impl From<String> for SecretValue {
    fn from(value: String) -> Self {
        Self(Secret::new(value))
    }
}

impl Serialize for SecretValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
