//! The device's HTTP client: `ureq`, with a DPoP proof in every request if the device has a key.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::time::Duration;

use oauth2::http::StatusCode;
use oauth2::{HttpRequest, HttpResponse, SyncHttpClient, TokenResponse as _};
use serde::Deserialize;
use ureq::Agent;

use crate::Tokens;
use crate::dpop::Key;

pub(crate) struct Http {
    agent: Agent,
    key: Option<Key>,
    /// The nonce that the server wants in the next proof (RFC 9449 §8).
    nonce: RefCell<Option<String>>,
    answered: Cell<bool>,
}

impl Http {
    pub(crate) fn new(key: Option<Key>) -> Self {
        Self { agent: agent(), key, nonce: RefCell::default(), answered: Cell::new(true) }
    }

    /// Returns whether the last request got an answer.
    pub(crate) fn answered(&self) -> bool {
        self.answered.get()
    }

    /// Gets a document. Sends the access token, if any, with the scheme that its token type names.
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

    /// Sends a request, and sends it again if the server answers that the proof needs a nonce (RFC 9449 §8).
    fn send(&self, request: &HttpRequest, token: Option<&str>) -> Result<HttpResponse, ureq::Error> {
        let answer = self.send_once(request, token)?;
        let nonce = answer.headers().get("dpop-nonce").and_then(|nonce| nonce.to_str().ok());
        if let Some(nonce) = nonce {
            self.nonce.replace(Some(nonce.to_owned()));
        }
        if wants_nonce(&answer) { self.send_once(request, token) } else { Ok(answer) }
    }

    /// Adds a proof to a request, if the device has a key. `token` is the access token that the request carries.
    pub(crate) fn prove(&self, request: &mut HttpRequest, token: Option<&str>) -> Result<(), ureq::Error> {
        let Some(key) = &self.key else { return Ok(()) };
        let signed = key.sign(request, token, self.nonce.borrow().clone());
        signed.map_err(|error| ureq::Error::Other(error.to_string().into()))
    }

    fn send_once(&self, request: &HttpRequest, token: Option<&str>) -> Result<HttpResponse, ureq::Error> {
        let mut request = request.clone();
        self.prove(&mut request, token)?;
        let answer = self.agent.run(request);
        self.answered.set(answer.is_ok());
        let (parts, mut body) = answer?.into_parts();
        Ok(HttpResponse::from_parts(parts, body.read_to_vec()?))
    }
}

impl SyncHttpClient for Http {
    type Error = ureq::Error;

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, Self::Error> {
        self.send(&request, None)
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .user_agent(concat!("device-grant-example/", env!("CARGO_PKG_VERSION")))
        .timeout_global(Some(Duration::from_secs(30)))
        // `authorization_pending` comes with status 400, and is an answer like any other.
        .http_status_as_error(false)
        // A redirect could make the device send its secret and its codes to another server.
        .max_redirects(0)
        // The server may close an idle connection just as the next poll goes out on it.
        .max_idle_connections(0);
    config.build().into()
}

fn wants_nonce(answer: &HttpResponse) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let refusal = serde_json::from_slice::<Refusal>(answer.body());
    answer.status() == StatusCode::BAD_REQUEST
        && refusal.is_ok_and(|refusal| refusal.error == "use_dpop_nonce")
}
