//! A client that signs its own assertions (RFC 7523 §2.2), with a key on P-256.

use std::cell::Cell;

use device_grant::secret::encode;
use jwt_compact::alg::Es256;
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use serde_json::{Value, json};

use super::World;

/// The type of an assertion (RFC 7523 §2.2).
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client with the key that is made from `seed`.
pub(crate) struct Signer<'a> {
    world: &'a World,
    client_id: &'a str,
    seed: u8,
    kid: Option<&'a str>,
    signed: Cell<u32>,
}

impl<'a> Signer<'a> {
    pub(crate) fn new(world: &'a World, client_id: &'a str, seed: u8) -> Self {
        Self { world, client_id, seed, kid: None, signed: Cell::new(0) }
    }

    /// Gives the key this `kid`.
    pub(crate) fn named(self, kid: &'a str) -> Self {
        Self { kid: Some(kid), ..self }
    }

    /// Returns the public key, for registration.
    pub(crate) fn jwk(&self) -> Value {
        let point = self.key().verifying_key().to_encoded_point(false);
        let (x, y) = (encode(point.x().unwrap()), encode(point.y().unwrap()));
        let mut jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
        if let Some(kid) = self.kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    /// Returns a key set with this key only.
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }

    /// Signs an assertion for `audience` with a new `jti`, good for a minute.
    pub(crate) fn assertion(&self, audience: &Value) -> String {
        self.assertion_with(&json!({ "aud": audience }))
    }

    /// Signs an assertion with a new `jti` and with these claims changed. `null` stands for an absent claim.
    pub(crate) fn assertion_with(&self, changes: &Value) -> String {
        self.signed.set(self.signed.get() + 1);
        let now = self.world.now().seconds();
        let mut claims = json!({
            "iss": self.client_id, "sub": self.client_id, "aud": super::ISSUER,
            "iat": now, "exp": now + 60, "jti": format!("{}-{}", self.seed, self.signed.get()),
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let mut header = json!({ "alg": "ES256", "typ": "JWT" });
        if let Some(kid) = self.kid {
            header["kid"] = json!(kid);
        }
        self.sign(&header, &claims)
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| encode(value.to_string().as_bytes());
        let input = format!("{}.{}", part(header), part(claims));
        let signature = Es256.sign(&self.key(), input.as_bytes());
        format!("{input}.{}", encode(&signature.as_bytes()))
    }

    fn key(&self) -> <Es256 as jwt_compact::Algorithm>::SigningKey {
        <Es256 as jwt_compact::Algorithm>::SigningKey::from_slice(&[self.seed; 32]).unwrap()
    }
}

/// Returns the parameters that carry an assertion.
pub(crate) fn by(assertion: &str) -> [(&str, &str); 2] {
    [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)]
}
