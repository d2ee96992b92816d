//! Signing in with a passkey (WebAuthn §7.2).

use serde::Deserialize;

use super::authenticator_data::AuthenticatorData;
use super::client_data::{ClientData, Operation};
use super::response::{Base64Url, PublicKeyCredential};
use super::signed::Signed;
use super::{Backup, Ceremony, Flaw};
use crate::identity::credential_id::CredentialId;
use crate::token::signing_key::PublicKey;

/// A response to `navigator.credentials.get()`, of which nothing is checked yet.
pub struct Assertion {
    id: CredentialId,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

/// What a checked response says about the passkey. It counts only once the signature is verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the fields say it all")]
pub struct Used {
    pub counter: u32,
    pub backup: Backup,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url,
    authenticator_data: Base64Url,
    signature: Base64Url,
    user_handle: Option<Base64Url>,
}

impl Assertion {
    /// Reads the browser's `toJSON()`.
    ///
    /// # Errors
    ///
    /// [`Flaw::Malformed`].
    pub fn parse(json: &str) -> Result<Self, Flaw> {
        let (id, response) = PublicKeyCredential::<Response>::parse(json)?;
        Ok(Self {
            id,
            client_data: response.client_data.0,
            authenticator_data: response.authenticator_data.0,
            signature: response.signature.0,
            user_handle: response.user_handle.map(|handle| handle.0),
        })
    }

    /// Returns which passkey claims to have signed.
    #[must_use]
    pub const fn id(&self) -> &CredentialId {
        &self.id
    }

    /// Checks that the response was made in `ceremony`. Needs nothing that is stored, so it comes first.
    ///
    /// # Errors
    ///
    /// Why the person must not be signed in.
    pub fn check(&self, ceremony: Ceremony<'_>) -> Result<Used, Flaw> {
        ClientData::parse(&self.client_data)?.check(Operation::Get, ceremony)?;
        let data = AuthenticatorData::parse(&self.authenticator_data)?;
        let backup = data.check(ceremony.relying_party)?;
        // WebAuthn §6.1: an assertion never has a key with it.
        if data.attested.is_some() {
            Err(Flaw::Malformed)
        } else {
            Ok(Used { counter: data.counter, backup })
        }
    }

    /// Returns what must verify with the `key` of the passkey, whose owner has this user handle. Nobody types a username
    /// before, so the authenticator must say whose passkey it is (WebAuthn §7.2 step 6).
    ///
    /// # Errors
    ///
    /// [`Flaw::UserHandle`] or [`Flaw::Signature`].
    pub fn signed(&self, key: &PublicKey, owner: &[u8]) -> Result<Signed, Flaw> {
        if self.user_handle.as_deref() != Some(owner) {
            return Err(Flaw::UserHandle);
        }
        Signed::new(key, &self.authenticator_data, &self.client_data, &self.signature)
    }
}
