//! Binds the device's tokens to a key that never leaves it (RFC 9449).

use std::cell::RefCell;
use std::error::Error;
use std::time::SystemTime;

use device_grant::secret::{Digest, encode};
use jwt_compact::alg::Es256;
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::{Algorithm, AlgorithmExt as _, Claims, Header};
use oauth2::http::{HeaderValue, StatusCode};
use oauth2::reqwest::blocking::Client;
use oauth2::{HttpClientError, HttpRequest, HttpResponse, SyncHttpClient, TokenResponse as _, reqwest};
use serde::{Deserialize, Serialize};

use crate::Tokens;

type Failure = HttpClientError<reqwest::Error>;

/// The key of a device. A real one keeps it where it cannot be read out.
pub(crate) struct Key(<Es256 as Algorithm>::SigningKey);

#[derive(Serialize)]
struct PublicKey<'a> {
    jwk: JsonWebKey<'a>,
}

/// RFC 9449 §4.2.
#[derive(Serialize)]
struct Proof<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

impl Key {
    pub(crate) fn generate() -> Result<Self, Box<dyn Error>> {
        let key = <Es256 as Algorithm>::SigningKey::from_slice(&random::<32>()?);
        Ok(Self(key.map_err(|error| error.to_string())?))
    }

    /// Puts a proof into a request, for the access token that it carries.
    fn sign(
        &self,
        request: &mut HttpRequest,
        token: Option<&str>,
        nonce: Option<String>,
    ) -> Result<(), Box<dyn Error>> {
        let address = request.uri().to_string();
        let header = Header::new(PublicKey { jwk: JsonWebKey::from(self.0.verifying_key()) });
        let claims = Proof {
            jti: encode(&random::<16>()?),
            htm: request.method().as_str(),
            htu: address.split('?').next().unwrap_or_default(),
            iat: seconds()?,
            ath: token.map(|token| encode(Digest::of(token.as_bytes()).bytes())),
            nonce,
        };
        let proof = Es256.token(&header.with_token_type("dpop+jwt"), &Claims::new(claims), &self.0);
        let proof = proof.map_err(|error| error.to_string())?;
        request.headers_mut().insert("dpop", HeaderValue::try_from(proof)?);
        Ok(())
    }
}

/// An HTTP client that adds a proof to every request, if it has a key.
pub(crate) struct Http {
    client: Client,
    key: Option<Key>,
    /// What the server last wanted to see in a proof (RFC 9449 §8).
    nonce: RefCell<Option<String>>,
}

impl Http {
    pub(crate) fn new(client: Client, key: Option<Key>) -> Self {
        Self { client, key, nonce: RefCell::default() }
    }

    /// Gets a document, with an access token if there is one, presented as what the server called it.
    pub(crate) fn get(&self, address: &str, tokens: Option<&Tokens>) -> Result<HttpResponse, Box<dyn Error>> {
        let mut request = HttpRequest::new(Vec::new());
        *request.uri_mut() = address.parse()?;
        let token = tokens.map(|tokens| tokens.access_token().secret().as_str());
        if let (Some(tokens), Some(token)) = (tokens, token) {
            let bound = tokens.token_type().as_ref().eq_ignore_ascii_case("dpop");
            let scheme = if bound { "DPoP" } else { "Bearer" };
            request.headers_mut().insert("authorization", format!("{scheme} {token}").parse()?);
        }
        Ok(self.send(&request, token)?)
    }

    /// Sends a request, and once more where the server wants a nonce of its own in the proof.
    fn send(&self, request: &HttpRequest, token: Option<&str>) -> Result<HttpResponse, Failure> {
        let answer = self.client.call(self.signed(request, token)?)?;
        let nonce = answer.headers().get("dpop-nonce").and_then(|nonce| nonce.to_str().ok());
        if let Some(nonce) = nonce {
            self.nonce.replace(Some(nonce.to_owned()));
        }
        if wants_nonce(&answer) { self.client.call(self.signed(request, token)?) } else { Ok(answer) }
    }

    fn signed(&self, request: &HttpRequest, token: Option<&str>) -> Result<HttpRequest, Failure> {
        let mut request = request.clone();
        if let Some(key) = &self.key {
            let signed = key.sign(&mut request, token, self.nonce.borrow().clone());
            signed.map_err(|error| Failure::Other(error.to_string()))?;
        }
        Ok(request)
    }
}

impl SyncHttpClient for Http {
    type Error = Failure;

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, Self::Error> {
        self.send(&request, None)
    }
}

/// RFC 9449 §8: an authorization server says so in the body.
fn wants_nonce(answer: &HttpResponse) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let refusal = serde_json::from_slice::<Refusal>(answer.body());
    answer.status() == StatusCode::BAD_REQUEST
        && refusal.is_ok_and(|refusal| refusal.error == "use_dpop_nonce")
}

fn random<const N: usize>() -> Result<[u8; N], Box<dyn Error>> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[expect(clippy::disallowed_methods, reason = "the device's own clock")]
fn seconds() -> Result<u64, Box<dyn Error>> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs())
}
