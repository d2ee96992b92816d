//! Signing keys that operators import, as private JWKs (RFC 7517 §9.3, RFC 7518 §6).

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::jwk::{Jwk, PRIVATE};
use super::signing_key::{Algorithm, Material, PublicKey};
use crate::order;
use crate::secret;

/// A well-formed private key. Only WebCrypto can check whether its halves belong together.
#[derive(Clone, Deserialize, Serialize)]
pub struct PrivateJwk {
    /// The public half.
    pub public: PublicKey,
    /// The members that make up the key, public and private, and no others.
    pub members: Map<String, Value>,
}

/// Shows only the `kid`, and nothing of the private half.
impl fmt::Debug for PrivateJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateJwk").field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

impl PrivateJwk {
    /// Reads a private key for `alg`, or for the algorithm that the key itself names.
    ///
    /// # Errors
    ///
    /// What is wrong with the key, without quoting it.
    pub fn parse(value: &Value, alg: Option<Algorithm>) -> Result<Self, &'static str> {
        let members = value.as_object().ok_or("a key must be a JSON object")?;
        let is_private = |name: &str| PRIVATE.contains(&name);
        let public = members.iter().filter(|(name, _)| !is_private(name));
        let public = order::object(public.map(|(name, value)| (name.clone(), value.clone())));
        let jwk = Jwk::parse(&Value::Object(public))?;
        let alg = alg.or(jwk.alg).ok_or("`alg` is missing: say which algorithm the key is for")?;
        let public = jwk.for_algorithm(alg).ok_or("the key does not fit its algorithm")?;
        let needed = needed(&public.material);
        if !needed.iter().all(|name| is_number(members.get(*name))) {
            return Err("the private half is missing, incomplete or not base64url");
        }
        is_large_enough(&public.material)?;
        let kept = |name: &str| KEPT.contains(&name) || needed.contains(&name);
        let members = members.iter().filter(|(name, _)| kept(name));
        let members = members.map(|(name, value)| (name.clone(), value.clone()));
        Ok(Self { public, members: order::object(members) })
    }
}

/// The members of the public half.
const KEPT: [&str; 6] = ["kty", "crv", "x", "y", "n", "e"];

/// Returns the required private members. For an RSA key, RFC 7518 §6.3.2 requires only `d`, but WebCrypto
/// requires all six.
const fn needed(material: &Material) -> &'static [&'static str] {
    match material {
        Material::Ec { .. } | Material::Okp { .. } => &["d"],
        Material::Rsa { .. } => &["d", "p", "q", "dp", "dq", "qi"],
    }
}

fn is_number(value: Option<&Value>) -> bool {
    let bytes = value.and_then(Value::as_str).and_then(secret::decode);
    bytes.is_some_and(|bytes| !bytes.is_empty())
}

/// Checks that an RSA modulus has 2048 bits or more, not counting leading zeros (RFC 7518 §3.3, §3.5).
fn is_large_enough(material: &Material) -> Result<(), &'static str> {
    match material {
        Material::Rsa { n, .. } => match secret::decode(n).as_deref() {
            Some([0x80..=0xff, ..]) => Ok(()),
            Some([0x01..=0x7f, rest @ ..]) if rest.len() >= 256 => Ok(()),
            Some(_) | None => Err("an RSA key must have 2048 bits or more"),
        },
        Material::Ec { .. } | Material::Okp { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn number(bytes: usize, first: u8) -> String {
        let mut number = vec![1; bytes];
        number[0] = first;
        secret::encode(&number)
    }

    fn ec() -> Value {
        json!({ "kty": "EC", "crv": "P-256", "x": number(32, 1), "y": number(32, 1), "d": number(32, 9) })
    }

    fn rsa(bytes: usize, first: u8) -> Value {
        let part = number(128, 9);
        let (n, d) = (number(bytes, first), number(256, 9));
        json!({ "kty": "RSA", "n": n, "e": "AQAB", "d": d, "p": part, "q": part, "dp": part, "dq": part, "qi": part })
    }

    #[test]
    fn a_key_is_for_the_algorithm_that_the_key_or_the_operator_names() {
        let mut named = ec();
        named["alg"] = json!("ES256");
        named["kid"] = json!("mine");
        named["key_ops"] = json!(["sign"]);

        let key = PrivateJwk::parse(&named, None).unwrap();

        assert_eq!(key.public.alg, Algorithm::Es256);
        assert_ne!(key.public.kid, "mine", "the thumbprint names it");
        assert!(!key.members.contains_key("kid") && !key.members.contains_key("key_ops"));
        for (bytes, first) in [(256, 0x80), (257, 0x01)] {
            assert!(PrivateJwk::parse(&rsa(bytes, first), Some(Algorithm::Ps384)).is_ok(), "{bytes}");
        }
    }

    #[test]
    fn members_of_other_key_types_are_ignored() {
        for (mut key, stray) in [(ec(), "k"), (ec(), "p"), (rsa(256, 0x80), "oth")] {
            key[stray] = json!("AA");

            let alg = if key["kty"] == "EC" { Algorithm::Es256 } else { Algorithm::Rs256 };
            let read = PrivateJwk::parse(&key, Some(alg)).unwrap();

            assert!(!read.members.contains_key(stray), "{stray}");
        }
        let symmetric = PrivateJwk::parse(&json!({ "kty": "oct", "k": "AA" }), None).unwrap_err();
        assert!(symmetric.contains("must be EC"), "{symmetric}");
    }

    #[test]
    fn a_weak_public_or_unsuitable_key_is_refused() {
        let without = |name: &str| {
            let mut key = rsa(256, 0x80);
            key.as_object_mut().unwrap().remove(name);
            key
        };
        for (key, alg, why) in [
            (ec(), None, "which algorithm"),
            (ec(), Some(Algorithm::Rs256), "does not fit"),
            (rsa(256, 0x7f), Some(Algorithm::Rs256), "2048"),
            (rsa(257, 0), Some(Algorithm::Rs256), "2048"),
            (rsa(128, 0x80), Some(Algorithm::Rs256), "wrong size"),
            (without("d"), Some(Algorithm::Rs256), "private half"),
            (without("qi"), Some(Algorithm::Rs256), "private half"),
            (json!("key"), None, "JSON object"),
        ] {
            let error = PrivateJwk::parse(&key, alg).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn debug_does_not_show_the_private_half() {
        let key = PrivateJwk::parse(&ec(), Some(Algorithm::Es256)).unwrap();

        assert!(!format!("{key:?}").contains(&number(32, 9)));
    }
}
