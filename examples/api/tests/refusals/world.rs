//! An API with an issuer and a device, and the requests that a caller can send.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use jwt_compact::alg::Es256;
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use protected_api::api::{Api, Platform, Request, Response};
use protected_api::jws::{Signed, sha256};
use protected_api::settings::Settings;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://login.example.com";
pub(crate) const RESOURCE: &str = "https://api.example.com";
/// 2026-11-21T12:00:00Z, in seconds.
pub(crate) const NOW: u64 = 1_795_262_400;

/// An API, its issuer, and a device with a key.
pub(crate) struct World {
    api: Api<Outside>,
    pub(crate) outside: Outside,
    now: Cell<u64>,
    pub(crate) issuer: Key,
    pub(crate) device: Key,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(vars: &[(&str, &str)]) -> Self {
        let vars: Vec<_> = [("ISSUER", ISSUER), ("RESOURCE", RESOURCE)].iter().chain(vars).copied().collect();
        let get = |name: &str| {
            vars.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let outside = Outside::default();
        let api = Api::new(Settings::read(get).unwrap(), outside.clone());
        Self { api, outside, now: Cell::new(NOW), issuer: Key::new(1), device: Key::new(2) }
    }

    pub(crate) fn later(&self, seconds: u64) {
        self.now.set(self.now.get() + seconds);
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.issuer.sign(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k1" }), claims)
    }

    /// Returns a token that is bound to the device's key.
    pub(crate) fn bound_token(&self) -> String {
        let thumbprint = sha256(JsonWebKey::from(self.device.0.verifying_key()).to_string().as_bytes());
        self.token(&claims(|claims| claims["cnf"] = json!({ "jkt": thumbprint })))
    }

    pub(crate) fn get(&self, path: &str, claims: &Value) -> Response {
        self.ask(path, "Bearer", &self.token(claims))
    }

    pub(crate) fn ask(&self, path: &str, scheme: &str, token: &str) -> Response {
        self.send(&Request { authorization: Some(format!("{scheme} {token}")), ..get(path) })
    }

    pub(crate) fn show(&self, path: &str, token: &str, proof: Option<&str>) -> Response {
        let dpop = proof.map(str::to_owned);
        self.send(&Request { authorization: Some(format!("DPoP {token}")), dpop, ..get(path) })
    }

    pub(crate) fn send(&self, request: &Request) -> Response {
        match pin!(self.api.answer(request, self.now.get())).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(response) => response,
            Poll::Pending => panic!("native code has nothing to wait for"),
        }
    }
}

/// Serves the issuer's documents, and verifies signatures natively.
#[derive(Clone, Default)]
pub(crate) struct Outside {
    pub(crate) asked: Rc<Cell<u32>>,
    pub(crate) away: Rc<Cell<bool>>,
}

impl Platform for Outside {
    async fn get(&self, url: &str) -> Option<Vec<u8>> {
        self.asked.set(self.asked.get() + 1);
        let document = match url.strip_prefix(ISSUER)? {
            "/.well-known/oauth-authorization-server" => {
                json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}/keys") })
            }
            "/keys" => {
                let mut jwk = Key::new(1).jwk();
                jwk["kid"] = json!("k1");
                json!({ "keys": [jwk] })
            }
            _ => return None,
        };
        (!self.away.get()).then(|| document.to_string().into_bytes())
    }

    async fn verify(&self, signed: Signed<'_>) -> bool {
        let jwk: JsonWebKey<'_> = serde_json::from_value(json!(signed.key.members())).unwrap();
        let key = <Es256 as jwt_compact::Algorithm>::VerifyingKey::try_from(&jwk).unwrap();
        let signature = <Es256 as jwt_compact::Algorithm>::Signature::try_from_slice(signed.signature);
        signature.is_ok_and(|signature| Es256.verify_signature(&signature, &key, signed.input))
    }
}

pub(crate) struct Key(<Es256 as jwt_compact::Algorithm>::SigningKey);

impl Key {
    pub(crate) fn new(seed: u8) -> Self {
        Self(<Es256 as jwt_compact::Algorithm>::SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    pub(crate) fn jwk(&self) -> Value {
        serde_json::to_value(JsonWebKey::from(self.0.verifying_key())).unwrap()
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = Es256.sign(&self.0, input.as_bytes());
        format!("{input}.{}", BASE64URL.encode(signature.as_bytes()))
    }

    /// Returns a proof for `GET /hello` with `token`, its header and claims altered by `change`.
    pub(crate) fn proof(&self, token: &str, change: impl Fn(&mut Value, &mut Value)) -> String {
        let mut header = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": self.jwk() });
        let mut claims = json!({
            "jti": "j1",
            "htm": "GET",
            "htu": format!("{RESOURCE}/hello"),
            "iat": NOW,
            "ath": sha256(token.as_bytes()),
        });
        change(&mut header, &mut claims);
        self.sign(&header, &claims)
    }
}

/// Reads and checks a response.
pub(crate) trait Read {
    fn header(&self, name: &str) -> Option<String>;
    fn json(&self) -> Value;
    fn error(&self) -> String;
    fn challenge(&self) -> String;
    fn must_refuse(&self, status: u16, error: &str, reason: &str, what: &str);
}

impl Read for Response {
    fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    fn challenge(&self) -> String {
        self.header("www-authenticate").expect("the response has a challenge")
    }

    fn must_refuse(&self, status: u16, error: &str, reason: &str, what: &str) {
        let description = self.json()["error_description"].as_str().unwrap().to_owned();
        assert_eq!((self.status, self.error().as_str()), (status, error), "{what}: {description}");
        assert!(description.contains(reason), "{what}: {description}");
        assert!(self.challenge().contains(&format!("error=\"{error}\"")), "{what}");
        assert!(self.challenge().contains("resource_metadata=\""), "{what}");
        assert_eq!(self.outcome, Some(description.as_str()), "{what}");
    }
}

pub(crate) fn get(path: &str) -> Request {
    Request { method: "GET".to_owned(), path: path.to_owned(), ..Request::default() }
}

pub(crate) fn claims(change: impl Fn(&mut Value)) -> Value {
    let good = json!({
        "iss": ISSUER,
        "aud": RESOURCE,
        "sub": "acct-1",
        "client_id": "demo-tv",
        "scope": "openid profile",
        "iat": NOW,
        "exp": NOW + 900,
        "jti": "t1",
        "auth_time": NOW,
    });
    changed(&good, change)
}

pub(crate) fn changed(value: &Value, change: impl Fn(&mut Value)) -> Value {
    let mut value = value.clone();
    change(&mut value);
    value
}

pub(crate) fn drop_member(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name);
}

pub(crate) fn encode(value: &Value) -> String {
    BASE64URL.encode(value.to_string())
}

pub(crate) fn parts(token: &str) -> [String; 3] {
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}
