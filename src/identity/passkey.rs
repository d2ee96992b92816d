//! Passkeys of accounts, as they are stored (WebAuthn Level 3 §4, "credential record").

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::format::is_false;
use crate::time::Timestamp;

/// The identifier of a WebAuthn credential: at most 1,023 bytes, written in base64url.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct CredentialId(String);

impl CredentialId {
    /// Returns the identifier with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(crate::secret::encode(bytes))
    }

    /// Returns the identifier in base64url.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A passkey of an account.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Passkey {
    pub id: CredentialId,
    /// The public key as a JWK (RFC 7517 §4).
    pub public_key: Map<String, Value>,
    /// The JWS name of its algorithm, such as `ES256`.
    pub alg: String,
    /// The highest signature counter seen; 0 if the authenticator does not count.
    pub counter: u32,
    /// Whether the passkey can be copied to other devices. Never changes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub backup_eligible: bool,
    /// Whether the passkey has been copied, at its last use.
    #[serde(default, skip_serializing_if = "is_false")]
    pub backed_up: bool,
    /// The model of the authenticator, as a UUID in lower case.
    pub aaguid: String,
    /// The name that the person sees.
    pub name: String,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}
