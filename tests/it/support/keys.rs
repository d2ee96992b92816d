//! The server's signing keys, made from numbers, and the tokens that they sign.

use device_grant::registry::rows::NewKey;
use device_grant::secret::{Digest, decode, encode};
use device_grant::token::signing_key::{Algorithm, Material, PublicKey};
use jwt_compact::alg::Es256;
use jwt_compact::{AlgorithmExt as _, UntrustedToken};
use serde_json::Value;

/// Returns the claims of a token, without verifying it.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a JWT has three parts");
    serde_json::from_slice(&decode(payload).unwrap()).unwrap()
}

/// Returns the header of a token.
pub(crate) fn header(token: &str) -> Value {
    let header = token.split('.').next().unwrap();
    serde_json::from_slice(&decode(header).unwrap()).unwrap()
}

/// Verifies a token with the first key of the world, which is for ES256, and returns its claims.
pub(crate) fn verified(token: &str) -> Value {
    let token = UntrustedToken::new(token).unwrap();
    let key = es256(1).verifying_key().to_owned();
    let token = Es256.validator::<Value>(&key).validate(&token).expect("the signature holds");
    serde_json::to_value(token.claims()).unwrap()
}

/// Returns the private key whose bytes all are `number`.
pub(super) fn es256(number: u8) -> <Es256 as jwt_compact::Algorithm>::SigningKey {
    <Es256 as jwt_compact::Algorithm>::SigningKey::from_slice(&[number; 32]).unwrap()
}

/// Returns the key if it is for ES256. Only WebCrypto has the other algorithms.
pub(super) fn p256(key: &PublicKey) -> Option<<Es256 as jwt_compact::Algorithm>::VerifyingKey> {
    use jwt_compact::alg::VerifyingKey as _;

    let Material::Ec { x, y, .. } = &key.material else { return None };
    let point = [vec![4], decode(x)?, decode(y)?].concat();
    <Es256 as jwt_compact::Algorithm>::VerifyingKey::from_slice(&point).ok()
}

/// Returns the private key that [`made`] makes from `number`, as an operator would import it.
pub(crate) fn own_key(number: u8) -> Value {
    let public = serde_json::to_value(made(Algorithm::Es256, number).public).unwrap();
    let mut key = public.as_object().unwrap().clone();
    key.insert("d".to_owned(), encode(&[number; 32]).into());
    key.into()
}

/// Returns what stands for the signature of a key for RSA, which only WebCrypto has: a digest of the key and `input`.
pub(crate) fn rsa_signature(key: &PublicKey, input: &[u8]) -> Option<Vec<u8>> {
    let Material::Rsa { n, .. } = &key.material else { return None };
    Some(Digest::of(&[n.as_bytes(), input].concat()).bytes().repeat(8))
}

/// Makes a key from `number`. Keys for algorithms other than ES256 are stand-ins: those for RSA sign as
/// [`rsa_signature`] does, and nothing verifies what the others sign.
pub(crate) fn made(alg: Algorithm, number: u8) -> NewKey {
    let material = match alg {
        Algorithm::Es256 => {
            let point = es256(number).verifying_key().to_encoded_point(false);
            let (x, y) = (point.x().unwrap(), point.y().unwrap());
            Material::Ec { crv: "P-256".to_owned(), x: encode(x), y: encode(y) }
        }
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => {
            Material::Rsa { e: "AQAB".to_owned(), n: encode(&[number; 256]) }
        }
        Algorithm::EdDsa => Material::Okp { crv: "Ed25519".to_owned(), x: encode(&[number; 32]) },
    };
    NewKey { public: PublicKey::new(alg, material), wrapped: number.to_string() }
}
