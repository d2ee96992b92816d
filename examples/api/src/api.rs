//! The API: its routes, and the checks in front of them.

use core::cell::RefCell;

use serde_json::{Value, json};

use crate::challenge::{Refusal, Scheme};
use crate::dpop::{self, Proof, Used};
use crate::jws::{Algorithm, PublicKey, Signed};
use crate::keys::{Keys, keys_address, metadata_address};
use crate::settings::Settings;
use crate::token::{self, AccessToken, Unverified};

/// What the API needs from outside. One implementation runs on Workers; the tests have one in memory.
#[expect(async_fn_in_trait, reason = "one thread: nothing here needs to be Send")]
pub trait Platform {
    /// Fetches a document of the issuer; `None` if that fails.
    async fn get(&self, url: &str) -> Option<Vec<u8>>;

    /// Returns whether a signature is valid; `false` if it cannot be checked.
    async fn verify(&self, signed: Signed<'_>) -> bool;
}

/// The parts of a request that the API reads.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "`authorization` is the request header")]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// Normalized by the runtime, and without the query.
    pub path: String,
    pub authorization: Option<String>,
    /// The `DPoP` header. Several are joined with commas.
    pub dpop: Option<String>,
}

/// A response.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "`status`, `headers` and `body` need no docstring")]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// For the log: `admitted`, or a sentence that says why not. `None` if the route is not guarded.
    pub outcome: Option<&'static str>,
}

enum Route {
    Introduction,
    Metadata,
    Hello,
    Payments,
}

impl Route {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/" => Self::Introduction,
            "/.well-known/oauth-protected-resource" => Self::Metadata,
            "/hello" => Self::Hello,
            "/payments" => Self::Payments,
            _ => return None,
        })
    }
}

/// What a route requires of its caller.
struct Guard {
    scope: &'static str,
    /// Whether a recent sign-in is needed.
    recent: bool,
}

/// The API, with the keys and the used proofs that this isolate knows.
pub struct Api<P> {
    settings: Settings,
    platform: P,
    keys: RefCell<Keys>,
    used: RefCell<Used>,
}

impl<P: Platform> Api<P> {
    /// Returns an API that knows no keys yet.
    #[must_use]
    pub fn new(settings: Settings, platform: P) -> Self {
        Self { settings, platform, keys: RefCell::default(), used: RefCell::default() }
    }

    /// Answers a request. `now` is in seconds since 1970.
    pub async fn answer(&self, request: &Request, now: u64) -> Response {
        let Some(route) = Route::at(&request.path) else {
            return Response::json(404, &json!({ "error": "not_found" }));
        };
        if request.method != "GET" {
            return Response::json(405, &json!({ "error": "method_not_allowed" })).with("allow", "GET");
        }
        match route {
            Route::Introduction => self.introduce(),
            Route::Metadata => self.describe(),
            Route::Hello => {
                self.guarded(request, &Guard { scope: "profile", recent: false }, now, hello).await
            }
            Route::Payments => {
                self.guarded(request, &Guard { scope: "profile", recent: true }, now, payments).await
            }
        }
    }

    async fn guarded(
        &self,
        request: &Request,
        guard: &Guard,
        now: u64,
        route: impl Fn(&AccessToken) -> Value,
    ) -> Response {
        match self.admit(request, guard, now).await {
            Ok(token) => Response::json(200, &route(&token)).noting("admitted"),
            Err(refusal) => refusal.response(&self.settings),
        }
    }

    /// Makes every check in front of a guarded route.
    async fn admit(&self, request: &Request, guard: &Guard, now: u64) -> Result<AccessToken, Refusal> {
        let (scheme, text) = presented(request.authorization.as_deref())?;
        let token = self.token(scheme, text, now).await?;
        match (scheme, &token.jkt) {
            (Scheme::Bearer, None) => {}
            (Scheme::Bearer, Some(_)) => return Err(Refusal::BoundAsBearer),
            (Scheme::Dpop, None) => return Err(Refusal::NotBound),
            (Scheme::Dpop, Some(jkt)) => self.prove(request, text, jkt, now).await?,
        }
        if !token.allows(guard.scope) {
            return Err(Refusal::Scope(scheme, guard.scope));
        }
        if guard.recent && !self.is_recent(&token, now) {
            return Err(Refusal::SignIn(scheme));
        }
        Ok(token)
    }

    /// Validates an access token (RFC 9068 §4).
    async fn token(&self, scheme: Scheme, text: &str, now: u64) -> Result<AccessToken, Refusal> {
        let refused = |reason| Refusal::Token(scheme, reason);
        let unverified = Unverified::parse(text).map_err(refused)?;
        let key = self.key(unverified.kid().map_err(refused)?, unverified.alg(), now).await?;
        let key = key.ok_or(refused(token::Reason::UnknownKey))?;
        let signed = unverified.signed_by(&key).map_err(refused)?;
        if !self.platform.verify(signed).await {
            return Err(refused(token::Reason::Signature));
        }
        let Settings { issuer, audience, .. } = &self.settings;
        unverified.accept(token::Expected { issuer, audience, now }).map_err(refused)
    }

    /// Validates a proof (RFC 9449 §4.3, §7.1). Only a proof that passes every other check counts as used.
    async fn prove(&self, request: &Request, token: &str, jkt: &str, now: u64) -> Result<(), Refusal> {
        let proof = Proof::parse(request.dpop.as_deref()).map_err(Refusal::Proof)?;
        if !self.platform.verify(proof.signed()).await {
            return Err(Refusal::Proof(dpop::Reason::Signature));
        }
        let address = format!("{}{}", self.settings.resource, request.path);
        let expected = dpop::Expected { method: &request.method, address: &address, token, now };
        let name = proof.accept(expected).map_err(Refusal::Proof)?;
        if proof.thumbprint() != jkt {
            return Err(Refusal::AnotherKey);
        }
        let first = self.used.borrow_mut().first_use(name, now);
        if first { Ok(()) } else { Err(Refusal::Proof(dpop::Reason::Replayed)) }
    }

    /// Returns the issuer's key named `kid`. Fetches the keys first if necessary.
    async fn key(&self, kid: &str, alg: Algorithm, now: u64) -> Result<Option<PublicKey>, Refusal> {
        let wanting = self.keys.borrow().wanting(kid, now);
        if wanting {
            self.keys.borrow_mut().asking(now);
            let document = self.fetch_keys().await;
            let mut keys = self.keys.borrow_mut();
            if !document.is_some_and(|document| keys.fetched(&document, now)) {
                keys.failed(now);
            }
        }
        let keys = self.keys.borrow();
        if keys.are_known(now) { Ok(keys.find(kid, alg.name())) } else { Err(Refusal::NoKeys) }
    }

    async fn fetch_keys(&self) -> Option<Vec<u8>> {
        let issuer = &self.settings.issuer;
        let metadata = self.platform.get(&metadata_address(issuer)).await?;
        self.platform.get(&keys_address(&metadata, issuer)?).await
    }

    /// Returns whether the person signed in recently enough and in a required way (RFC 9470 §3). A missing
    /// claim counts against the token.
    fn is_recent(&self, token: &AccessToken, now: u64) -> bool {
        let Settings { max_age, acr_values, .. } = &self.settings;
        let recent = token.auth_time.is_some_and(|at| now.saturating_sub(at) <= *max_age);
        let strong = token.acr.as_ref().is_some_and(|acr| acr_values.contains(acr));
        recent && (strong || acr_values.is_empty())
    }

    fn introduce(&self) -> Response {
        Response::json(
            200,
            &json!({
                "name": "A small protected API",
                "issuer": self.settings.issuer,
                "routes": {
                    "/hello": "greets you; needs the scope profile",
                    "/payments": format!("needs the scope profile, and a sign-in in the last {} seconds", self.settings.max_age),
                },
            }),
        )
    }

    /// Returns the API's metadata (RFC 9728 §2).
    fn describe(&self) -> Response {
        Response::json(
            200,
            &json!({
                "resource": self.settings.resource,
                "resource_name": "A small protected API",
                "authorization_servers": [self.settings.issuer],
                "scopes_supported": ["profile"],
                "bearer_methods_supported": ["header"],
                "dpop_signing_alg_values_supported": Algorithm::ALL.map(Algorithm::name),
            }),
        )
    }
}

/// Reads the scheme and the token from the `Authorization` header (RFC 6750 §2.1, RFC 9449 §7.1). Ignores
/// tokens in the query or the body.
fn presented(authorization: Option<&str>) -> Result<(Scheme, &str), Refusal> {
    let header = authorization.ok_or(Refusal::NoToken)?.trim();
    let (scheme, token) = header.split_once(' ').ok_or(Refusal::Unreadable)?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Scheme::Bearer,
        "dpop" => Scheme::Dpop,
        _ => return Err(Refusal::NoToken),
    };
    let token = token.trim_start();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || !token.bytes().all(is_token) {
        return Err(Refusal::Unreadable);
    }
    Ok((scheme, token))
}

fn hello(token: &AccessToken) -> Value {
    json!({ "hello": token.sub, "client": token.client_id })
}

fn payments(token: &AccessToken) -> Value {
    json!({ "of": token.sub, "payments": [{ "to": "The Mad Hatter", "amount": "10/6" }] })
}

impl Response {
    /// Returns a JSON response that caches must not store.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        let headers =
            vec![("content-type", "application/json".to_owned()), ("cache-control", "no-store".to_owned())];
        Self { status, headers, body: format!("{body}\n"), outcome: None }
    }

    /// Returns a line for the log, if something was decided. It contains no token, and no other text that a
    /// caller can choose.
    #[must_use]
    pub fn line(&self, request: &Request) -> Option<String> {
        let line = |outcome| json!({ "route": request.path, "status": self.status, "outcome": outcome });
        self.outcome.map(|outcome| line(outcome).to_string())
    }

    /// Adds the outcome for the log.
    #[must_use]
    pub fn noting(self, outcome: &'static str) -> Self {
        Self { outcome: Some(outcome), ..self }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}
