//! Public keys as authenticators write them: COSE (RFC 9052 §7, RFC 9053), with the algorithms that we offer.

use serde_json::json;

use super::Flaw;
use super::cbor::Value;
use crate::secret;
use crate::token::jwk::Jwk;
use crate::token::signing_key::{Algorithm, PublicKey};

/// The offered algorithms by their numbers in COSE (RFC 9053 §2.1, §2.2; RFC 8812 §2), the preferred one first.
pub(super) const OFFERED: [(i64, Algorithm); 3] =
    [(-7, Algorithm::Es256), (-8, Algorithm::EdDsa), (-257, Algorithm::Rs256)];

/// Reads a key. It has the members that its type needs and no others (WebAuthn §6.5.1).
pub(super) fn public_key(key: &Value<'_>) -> Result<PublicKey, Flaw> {
    let Value::Map(members) = key else { return Err(Flaw::Malformed) };
    let jwk = match members.as_slice() {
        [kty, alg, crv, x, y] if is(kty, 1, 2) && is(alg, 3, -7) && is(crv, -1, 1) => {
            json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "x": bytes(x, -2)?, "y": bytes(y, -3)? })
        }
        [kty, alg, crv, x] if is(kty, 1, 1) && is(alg, 3, -8) && is(crv, -1, 6) => {
            json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": bytes(x, -2)? })
        }
        [kty, alg, n, e] if is(kty, 1, 3) && is(alg, 3, -257) => {
            json!({ "kty": "RSA", "alg": "RS256", "n": bytes(n, -1)?, "e": bytes(e, -2)? })
        }
        _ => return Err(Flaw::Key),
    };
    let jwk = Jwk::parse(&jwk).map_err(|_| Flaw::Key)?;
    jwk.alg.and_then(|alg| jwk.for_algorithm(alg)).ok_or(Flaw::Key)
}

fn is((label, value): &(Value<'_>, Value<'_>), expected_label: i64, expected: i64) -> bool {
    label.integer() == Some(expected_label) && value.integer() == Some(expected)
}

/// Returns a byte string in base64url.
fn bytes((label, value): &(Value<'_>, Value<'_>), expected: i64) -> Result<String, Flaw> {
    if let Value::Bytes(bytes) = value
        && label.integer() == Some(expected)
    {
        Ok(secret::encode(bytes))
    } else {
        Err(Flaw::Key)
    }
}
