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

#[cfg(test)]
mod tests {
    use super::*;

    type Member = (i64, Value<'static>);

    fn number(number: i64) -> Value<'static> {
        let negative = |_| Value::Negative(number.unsigned_abs() - 1);
        u64::try_from(number).map_or_else(negative, Value::Unsigned)
    }

    /// Returns a key of each offered algorithm, in their order.
    fn keys() -> [(Algorithm, Vec<Member>); 3] {
        let [es256, eddsa, rs256] = OFFERED.map(|(alg, _)| number(alg));
        let point = [(-1, number(1)), (-2, Value::Bytes(&[1; 32])), (-3, Value::Bytes(&[2; 32]))];
        let modulus = [(-1, Value::Bytes(&[1; 256])), (-2, Value::Bytes(&[1, 0, 1]))];
        [
            (Algorithm::Es256, [vec![(1, number(2)), (3, es256)], point.to_vec()].concat()),
            (
                Algorithm::EdDsa,
                vec![(1, number(1)), (3, eddsa), (-1, number(6)), (-2, Value::Bytes(&[1; 32]))],
            ),
            (Algorithm::Rs256, [vec![(1, number(3)), (3, rs256)], modulus.to_vec()].concat()),
        ]
    }

    fn read(members: &[Member]) -> Result<Algorithm, Flaw> {
        let members = members.iter().map(|(label, value)| (number(*label), value.clone()));
        public_key(&Value::Map(members.collect())).map(|key| key.alg)
    }

    #[test]
    fn a_key_of_each_offered_algorithm_is_read() {
        for (alg, members) in keys() {
            assert_eq!(read(&members), Ok(alg));
        }
        assert_eq!(OFFERED.map(|(alg, _)| alg), [-7, -8, -257], "as IANA registered them");
        assert_eq!(public_key(&Value::Null).map(|key| key.alg), Err(Flaw::Malformed));
    }

    #[test]
    fn a_key_with_a_member_missing_wrong_or_too_many_is_refused() {
        for (alg, good) in keys() {
            for at in 0..good.len() {
                let mut members = good.clone();
                members[at].0 = 9;
                assert_eq!(read(&members), Err(Flaw::Key), "{alg:?}: another label for member {at}");
                let mut members = good.clone();
                members[at].1 = number(9);
                assert_eq!(read(&members), Err(Flaw::Key), "{alg:?}: another value of member {at}");
                let mut members = good.clone();
                members.remove(at);
                assert_eq!(read(&members), Err(Flaw::Key), "{alg:?}: without member {at}");
            }
            let more = [good, vec![(-4, number(1))]].concat();
            assert_eq!(read(&more), Err(Flaw::Key), "{alg:?}: one member too many");
        }
    }
}
