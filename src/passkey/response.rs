//! The JSON of a response (WebAuthn §5.1.8): what both operations have in common.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};

use super::Flaw;
use crate::identity::credential_id::CredentialId;
use crate::json;
use crate::secret;

/// Bytes that JSON has as base64url without padding.
pub(super) struct Base64Url(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Base64Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        secret::decode(&text).map(Self).ok_or_else(|| de::Error::custom("not base64url"))
    }
}

#[derive(Deserialize)]
pub(super) struct PublicKeyCredential<R> {
    id: String,
    #[serde(rename = "rawId")]
    raw_id: String,
    #[serde(rename = "type")]
    kind: String,
    response: R,
}

impl<R: DeserializeOwned> PublicKeyCredential<R> {
    /// Reads the identifier of the credential and the response of its authenticator.
    pub(super) fn parse(json: &str) -> Result<(CredentialId, R), Flaw> {
        let credential: Self = object(json.as_bytes()).ok_or(Flaw::Malformed)?;
        let is_public_key = credential.kind == "public-key" && credential.id == credential.raw_id;
        let id = CredentialId::parse(&credential.id).filter(|_| is_public_key);
        Ok((id.ok_or(Flaw::Malformed)?, credential.response))
    }
}

/// Reads a JSON object that nothing precedes.
pub(super) fn object<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    text.starts_with(b"{").then(|| json::read_bytes(text).ok()).flatten()
}
