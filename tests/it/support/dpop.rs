//! A DPoP key (RFC 9449), and the proofs that it signs.

use std::cell::Cell;

use device_grant::endpoint::http::{Request, Response};
use device_grant::secret::{Digest, encode};
use jwt_compact::alg::Es256;
use jwt_compact::{Algorithm, AlgorithmSignature as _};
use serde_json::{Value, json};

use super::{DEVICE_CODE, ISSUER, World, get, post};

type SigningKey = <Es256 as Algorithm>::SigningKey;

/// A client's key pair on P-256.
pub(crate) struct Key {
    key: SigningKey,
    jti: Cell<u32>,
}

impl Key {
    /// Makes one of 255 keys; `seed` must not be 0.
    pub(crate) fn new(seed: u8) -> Self {
        Self { key: SigningKey::from_slice(&[seed; 32]).unwrap(), jti: Cell::default() }
    }

    /// Returns the public half (RFC 7517 §4).
    pub(crate) fn jwk(&self) -> Value {
        let point = self.key.verifying_key().to_encoded_point(false);
        let (x, y) = (point.x().unwrap(), point.y().unwrap());
        json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
    }

    /// Returns the thumbprint (RFC 7638).
    pub(crate) fn jkt(&self) -> String {
        let jwk = self.jwk();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        encode(Digest::of(canonical.as_bytes()).bytes())
    }

    /// Returns header and claims of a proof for a request now, with a new `jti`.
    pub(crate) fn parts(&self, world: &World, method: &str, path: &str) -> (Value, Value) {
        self.jti.set(self.jti.get() + 1);
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() });
        let (jti, iat) = (format!("proof-{}", self.jti.get()), world.now().seconds());
        (header, json!({ "jti": jti, "htm": method, "htu": format!("{ISSUER}{path}"), "iat": iat }))
    }

    /// Signs a proof with this header and these claims.
    pub(crate) fn sign(&self, (header, claims): &(Value, Value)) -> String {
        let part = |json: &Value| encode(json.to_string().as_bytes());
        let input = format!("{}.{}", part(header), part(claims));
        let signature = Es256.sign(&self.key, input.as_bytes());
        format!("{input}.{}", encode(&signature.as_bytes()))
    }

    /// Signs a proof for a POST.
    pub(crate) fn proof(&self, world: &World, path: &str) -> String {
        self.sign(&self.parts(world, "POST", path))
    }

    /// Signs a proof for a POST, with a nonce.
    pub(crate) fn proof_with_nonce(&self, world: &World, path: &str, nonce: &str) -> String {
        let (header, mut claims) = self.parts(world, "POST", path);
        claims["nonce"] = json!(nonce);
        self.sign(&(header, claims))
    }

    /// Sends a form with a proof.
    pub(crate) fn post(&self, world: &World, path: &str, form: &[(&str, &str)]) -> Response {
        send(world, path, form, Some(self.proof(world, path)))
    }

    /// Polls as `demo-tv`, with a proof.
    pub(crate) fn poll(&self, world: &World, device_code: &str) -> Response {
        let form = [("grant_type", DEVICE_CODE), ("client_id", "demo-tv"), ("device_code", device_code)];
        self.post(world, "/token", &form)
    }

    /// Uses a refresh token as `demo-tv`, with a proof.
    pub(crate) fn refresh(&self, world: &World, refresh_token: &str) -> Response {
        let form =
            [("grant_type", "refresh_token"), ("client_id", "demo-tv"), ("refresh_token", refresh_token)];
        self.post(world, "/token", &form)
    }

    /// Signs a proof for a GET of `/userinfo` with an access token.
    pub(crate) fn proof_for(&self, world: &World, access_token: &str) -> String {
        let (header, mut claims) = self.parts(world, "GET", "/userinfo");
        claims["ath"] = json!(encode(Digest::of(access_token.as_bytes()).bytes()));
        self.sign(&(header, claims))
    }
}

/// Sends a form with this `DPoP` header.
pub(crate) fn send(world: &World, path: &str, form: &[(&str, &str)], dpop: Option<String>) -> Response {
    world.send(&Request { dpop, ..post(path, form) })
}

/// Gets `/userinfo` with a token under an authentication scheme, and with a `DPoP` header.
pub(crate) fn userinfo(world: &World, scheme: &str, token: &str, dpop: Option<String>) -> Response {
    let authorization = Some(format!("{scheme} {token}"));
    world.send(&Request { authorization, dpop, path: "/userinfo".to_owned(), ..get() })
}
