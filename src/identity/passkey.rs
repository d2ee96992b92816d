//! Passkeys of accounts, as they are stored (WebAuthn Level 3 §4, "credential record").

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::credential_id::CredentialId;
use crate::format::is_false;
use crate::time::Timestamp;

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
