//! The options that a page hands to the browser, as `parseCreationOptionsFromJSON()` and `parseRequestOptionsFromJSON()`
//! read them (WebAuthn §5.1.8, §5.1.9).

use serde_json::{Value, json};

use super::{Challenge, RelyingParty, cose};
use crate::identity::credential_id::CredentialId;
use crate::secret;

/// How long the browser lets a person take, in milliseconds: as long as a challenge is good.
const TIMEOUT: u64 = 300_000;

/// The person that a new passkey is for.
#[derive(Clone, Copy, Debug)]
pub struct User<'a> {
    /// The user handle: says nothing about the person (WebAuthn §14.6.1).
    pub handle: &'a str,
    /// What tells accounts apart when the person chooses one.
    pub username: &'a str,
    /// The full name.
    pub name: &'a str,
}

/// Returns the options for making a passkey that can be found without a username and verifies its owner.
#[must_use]
pub fn creation(
    party: RelyingParty<'_>,
    service: &str,
    user: User<'_>,
    challenge: &Challenge,
    existing: &[CredentialId],
) -> Value {
    let parameters = cose::OFFERED.map(|(alg, _)| json!({ "type": "public-key", "alg": alg }));
    json!({
        "rp": { "id": party.id(), "name": service },
        "user": {
            "id": secret::encode(user.handle.as_bytes()), "name": user.username, "displayName": user.name,
        },
        "challenge": challenge,
        "pubKeyCredParams": parameters,
        "timeout": TIMEOUT,
        "excludeCredentials": descriptors(existing),
        "authenticatorSelection": {
            "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
        },
        "attestation": "none",
    })
}

/// Returns the options for signing in with any passkey of this server, or with one of `allowed` if there are some.
#[must_use]
pub fn request(party: RelyingParty<'_>, challenge: &Challenge, allowed: &[CredentialId]) -> Value {
    json!({
        "rpId": party.id(),
        "challenge": challenge,
        "timeout": TIMEOUT,
        "allowCredentials": descriptors(allowed),
        "userVerification": "required",
    })
}

fn descriptors(ids: &[CredentialId]) -> Vec<Value> {
    ids.iter().map(|id| json!({ "type": "public-key", "id": id })).collect()
}
