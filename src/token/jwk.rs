//! Public keys from outside (RFC 7517 §4): those of clients, and those in DPoP proofs.

use serde_json::Value;

use super::signing_key::{Algorithm, Material, PublicKey};
use crate::secret;

/// Shortest RSA modulus in bytes (RFC 7518 §3.3: 2048 bits or larger).
const SMALLEST_MODULUS: usize = 256;
/// Longest RSA modulus in bytes; verifying with a longer one would cost too much.
const LARGEST_MODULUS: usize = 512;
/// Members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
pub(super) const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A valid public key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jwk {
    /// The name that the owner gave the key; `None` if the key has no name.
    pub kid: Option<String>,
    /// The only algorithm that the key may be used with; `None` if it may be used with every algorithm that
    /// fits.
    pub alg: Option<Algorithm>,
    /// The key itself.
    pub material: Material,
}

impl Jwk {
    /// Reads a key that can verify signatures with a supported algorithm.
    ///
    /// # Errors
    ///
    /// What is wrong with the key, as a message for its owner.
    pub fn parse(value: &Value) -> Result<Self, &'static str> {
        let members = value.as_object().ok_or("a key must be a JSON object")?;
        if is_private(value) {
            return Err("the key is private: send only its public half");
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|usage| usage != "sig") {
            return Err("the key is not for signatures");
        }
        let material = material(text)?;
        let alg = match members.get("alg") {
            None => None,
            Some(alg) => {
                let alg = alg.as_str().and_then(Algorithm::named);
                Some(alg.ok_or("the algorithm of the key is not supported")?)
            }
        };
        if alg.is_some_and(|alg| !alg.fits(&material)) {
            return Err("the key does not fit its algorithm");
        }
        Ok(Self { kid: text("kid").map(str::to_owned), alg, material })
    }

    /// Returns the key for use with `alg`, named by its thumbprint; `None` if it is not for that algorithm.
    #[must_use]
    pub fn for_algorithm(&self, alg: Algorithm) -> Option<PublicKey> {
        let fits = alg.fits(&self.material) && self.alg.is_none_or(|own| own == alg);
        fits.then(|| PublicKey::new(alg, self.material.clone()))
    }
}

/// Returns whether a key has a member that only a private or symmetric key has.
#[must_use]
pub fn is_private(value: &Value) -> bool {
    PRIVATE.iter().any(|name| value.get(name).is_some())
}

fn material<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Result<Material, &'static str> {
    let sized = |name, sizes: core::ops::RangeInclusive<usize>| {
        let value = text(name).filter(|value| {
            let bytes = secret::decode(value);
            bytes.is_some_and(|bytes| sizes.contains(&bytes.len()))
        });
        value.map(str::to_owned).ok_or("the parameters of the key are missing or have the wrong size")
    };
    match (text("kty"), text("crv")) {
        (Some("EC"), Some("P-256")) => {
            Ok(Material::Ec { crv: "P-256".to_owned(), x: sized("x", 32..=32)?, y: sized("y", 32..=32)? })
        }
        (Some("OKP"), Some("Ed25519")) => {
            Ok(Material::Okp { crv: "Ed25519".to_owned(), x: sized("x", 32..=32)? })
        }
        (Some("RSA"), _) => {
            Ok(Material::Rsa { e: sized("e", 1..=4)?, n: sized("n", SMALLEST_MODULUS..=LARGEST_MODULUS)? })
        }
        _ => Err("the key must be EC on P-256, OKP on Ed25519, or RSA"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn number(bytes: usize) -> String {
        secret::encode(&vec![1; bytes])
    }

    #[test]
    fn a_key_of_each_kind_is_read() {
        let ec = json!({ "kty": "EC", "crv": "P-256", "x": number(32), "y": number(32), "kid": "a" });
        let rsa = json!({ "kty": "RSA", "e": "AQAB", "n": number(256), "alg": "PS256" });
        let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": number(32), "use": "sig" });

        assert!(Jwk::parse(&ec).unwrap().for_algorithm(Algorithm::Es256).is_some());
        let rsa = Jwk::parse(&rsa).unwrap();
        assert!(rsa.for_algorithm(Algorithm::Ps256).is_some());
        assert!(rsa.for_algorithm(Algorithm::Rs256).is_none(), "it is for PS256 only");
        assert!(Jwk::parse(&okp).unwrap().for_algorithm(Algorithm::EdDsa).is_some());
        assert!(Jwk::parse(&okp).unwrap().for_algorithm(Algorithm::Es256).is_none());
        let newer = json!({ "kty": "OKP", "crv": "Ed25519", "x": number(32), "alg": "Ed25519" });
        assert!(Jwk::parse(&newer).unwrap().for_algorithm(Algorithm::EdDsa).is_some());
    }

    #[test]
    fn a_private_weak_or_unsuitable_key_is_refused() {
        let ec = json!({ "kty": "EC", "crv": "P-256", "x": number(32), "y": number(32) });
        let with = |name: &str, value: Value| {
            let mut key = ec.clone();
            key[name] = value;
            key
        };
        for (key, why) in [
            (with("d", json!(number(32))), "private"),
            (with("k", json!("AA")), "private"),
            (with("x", json!(number(31))), "wrong size"),
            (with("y", json!(7)), "wrong size"),
            (with("crv", json!("P-384")), "must be EC on P-256"),
            (with("alg", json!("RS256")), "does not fit"),
            (with("alg", json!("none")), "not supported"),
            (with("use", json!("enc")), "not for signatures"),
            (json!({ "kty": "RSA", "e": "AQAB", "n": number(128) }), "wrong size"),
            (json!({ "kty": "oct" }), "must be EC"),
            (json!("key"), "JSON object"),
        ] {
            let error = Jwk::parse(&key).unwrap_err();
            assert!(error.contains(why), "{key}: {error}");
        }
    }
}
