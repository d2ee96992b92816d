//! Registering a passkey (WebAuthn §7.1).

use serde::Deserialize;

use super::authenticator_data::{Attested, AuthenticatorData};
use super::authenticator_name::Aaguid;
use super::cbor::Value;
use super::client_data::{ClientData, Operation};
use super::response::{Base64Url, PublicKeyCredential};
use super::signed::Signed;
use super::{Backup, Ceremony, Flaw};
use crate::identity::credential_id::CredentialId;
use crate::token::signing_key::PublicKey;

/// A response to `navigator.credentials.create()`, of which nothing is checked yet.
pub struct Registration {
    id: CredentialId,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    attestation: Statement,
}

/// The attestation statement.
///
/// We ask for none. Browsers then pass on only the one that says no more than the key itself does: an authenticator that
/// signs with the new key (WebAuthn §5.1.3, "self attestation").
enum Statement {
    None,
    /// The `alg` and `sig` of `packed` without `x5c`.
    Own {
        alg: i64,
        signature: Vec<u8>,
    },
    Unasked,
}

/// A new passkey.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the fields are named after their types")]
pub struct Registered {
    pub id: CredentialId,
    pub key: PublicKey,
    pub aaguid: Aaguid,
    pub counter: u32,
    pub backup: Backup,
    /// The signature that must verify with `key`, if the authenticator attested itself.
    pub proof: Option<Signed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url,
    attestation_object: Base64Url,
}

impl Registration {
    /// Reads the browser's `toJSON()`.
    ///
    /// # Errors
    ///
    /// [`Flaw::Malformed`].
    pub fn parse(json: &str) -> Result<Self, Flaw> {
        let (id, response) = PublicKeyCredential::<Response>::parse(json)?;
        let object = Value::read(&response.attestation_object.0).ok_or(Flaw::Malformed)?;
        let (authenticator_data, attestation) = attestation(&object).ok_or(Flaw::Malformed)?;
        Ok(Self { id, client_data: response.client_data.0, authenticator_data, attestation })
    }

    /// Checks that the passkey was made in `ceremony`. The caller verifies `proof`, if there is one.
    ///
    /// # Errors
    ///
    /// Why the passkey must not be registered.
    pub fn check(self, ceremony: Ceremony<'_>) -> Result<Registered, Flaw> {
        ClientData::parse(&self.client_data)?.check(Operation::Create, ceremony)?;
        let data = AuthenticatorData::parse(&self.authenticator_data)?;
        let backup = data.check(ceremony.relying_party)?;
        let Attested { aaguid, id, key } = data.attested.ok_or(Flaw::Malformed)?;
        if id != self.id {
            return Err(Flaw::Malformed);
        }
        let key = key?;
        let proof = match self.attestation {
            Statement::None => None,
            Statement::Own { alg, signature } if super::cose::OFFERED.contains(&(alg, key.alg)) => {
                Some(Signed::new(&key, &self.authenticator_data, &self.client_data, &signature)?)
            }
            Statement::Own { .. } | Statement::Unasked => return Err(Flaw::Attestation),
        };
        Ok(Registered { id, key, aaguid, counter: data.counter, backup, proof })
    }
}

/// Returns the authenticator data and the statement of an attestation object (WebAuthn §6.5.4).
fn attestation(object: &Value<'_>) -> Option<(Vec<u8>, Statement)> {
    let Value::Map(members) = object else { return None };
    let [(Value::Text("fmt"), format), (Value::Text("attStmt"), statement), (Value::Text("authData"), data)] =
        members.as_slice()
    else {
        return None;
    };
    let (Value::Text(format), Value::Map(statement), Value::Bytes(data)) = (format, statement, data) else {
        return None;
    };
    let statement = match (*format, statement.as_slice()) {
        ("none", []) => Statement::None,
        ("none", _) => return None,
        ("packed", [(Value::Text("alg"), alg), (Value::Text("sig"), Value::Bytes(signature))]) => {
            Statement::Own { alg: alg.integer()?, signature: signature.to_vec() }
        }
        _ => Statement::Unasked,
    };
    Some((data.to_vec(), statement))
}
