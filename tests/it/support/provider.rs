//! An OpenID Provider that says what a test tells it to.
//!
//! By default it is sound: it checks the client, the redirect URI and the code verifier, and signs ID tokens with the key
//! that it publishes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use device_grant::endpoint::form::Form;
use device_grant::endpoint::platform::{Incoming, Outgoing, Unavailable};
use device_grant::secret::{Digest, encode};
use device_grant::time::Timestamp;
use jwt_compact::alg::Es256;
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use serde_json::{Map, Value, json};

use super::keys::{es256, made};
use device_grant::token::signing_key::Algorithm;

/// The client secret of this server at every scripted provider.
pub(crate) const SECRET: &str = "rp secret, with: odd/characters+%";

/// The provider, and the knobs that tests turn.
pub(crate) struct ScriptedProvider {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    /// What cannot be reached: `discovery`, `jwks`, `par`, `token` or `userinfo`.
    pub(crate) down: RefCell<Vec<&'static str>>,
    /// Members of the discovery document to change; `null` removes one.
    pub(crate) discovery: RefCell<Value>,
    /// Claims of the ID token to change; `null` removes one.
    pub(crate) claims: RefCell<Value>,
    /// Members of the header of the ID token to change; `null` removes one.
    pub(crate) header: RefCell<Value>,
    /// The claims at the userinfo endpoint, besides `sub`.
    pub(crate) userinfo: RefCell<Value>,
    /// If set, the response of the token endpoint.
    pub(crate) tokens: RefCell<Option<(u16, String)>>,
    /// Changes the text of the ID token at last.
    pub(crate) mangle: Cell<fn(String) -> String>,
    /// The numbers of the published keys, and of the one that signs.
    pub(crate) published: RefCell<Vec<u8>>,
    pub(crate) signing: Cell<u8>,
    /// Whether published keys have names.
    pub(crate) named_keys: Cell<bool>,
    /// Pushed requests by `request_uri`, and codes with the request that each belongs to.
    pushed: RefCell<BTreeMap<String, Form>>,
    codes: RefCell<BTreeMap<String, Form>>,
    /// The number of the good refresh token.
    pub(crate) refreshes: Cell<u32>,
    /// Whether a sign-in yields a refresh token.
    pub(crate) issues_refresh_tokens: Cell<bool>,
    /// Whether the person has left.
    pub(crate) has_left: Cell<bool>,
    /// The paths that were requested, oldest first.
    pub(crate) log: RefCell<Vec<String>>,
    /// The `Authorization` header and form of the last token request.
    pub(crate) last: RefCell<(Option<String>, String)>,
}

/// How one endpoint answers: status and body.
type Answer = fn(&ScriptedProvider, Outgoing<'_>, Timestamp) -> (u16, String);

impl ScriptedProvider {
    pub(crate) fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            client_id: "rp".to_owned(),
            down: RefCell::default(),
            discovery: RefCell::new(json!({})),
            claims: RefCell::new(json!({})),
            header: RefCell::new(json!({})),
            userinfo: RefCell::new(json!({})),
            tokens: RefCell::default(),
            mangle: Cell::new(|text| text),
            published: RefCell::new(vec![101]),
            signing: Cell::new(101),
            named_keys: Cell::new(true),
            pushed: RefCell::default(),
            codes: RefCell::default(),
            refreshes: Cell::default(),
            issues_refresh_tokens: Cell::new(true),
            has_left: Cell::default(),
            log: RefCell::default(),
            last: RefCell::default(),
        }
    }

    /// Signs the person in who was sent to `address`. Returns the path of the callback, with its query.
    pub(crate) fn authorize(&self, address: &str) -> String {
        let request = self.request(address);
        let code = format!("code-{}", self.codes.borrow().len());
        let state = request.get("state").expect("a state").to_owned();
        let back = callback(&request);
        self.codes.borrow_mut().insert(code.clone(), request);
        format!("{back}?code={code}&state={state}&iss={}", super::messages::encode(&self.issuer))
    }

    /// Sends the person back with an error.
    pub(crate) fn refuse(&self, address: &str, error: &str) -> String {
        let request = self.request(address);
        let (back, state) = (callback(&request), request.get("state").expect("a state"));
        format!("{back}?error={error}&state={state}&iss={}", super::messages::encode(&self.issuer))
    }

    /// Returns the authorization request with this address.
    pub(crate) fn request(&self, address: &str) -> Form {
        let (endpoint, query) = address.split_once('?').expect("a query");
        assert_eq!(endpoint, format!("{}/authorize", self.issuer));
        let form = Form::parse(query.as_bytes()).expect("a sound request");
        match form.get("request_uri") {
            Some(uri) => self.pushed.borrow().get(uri).expect("it was pushed").clone(),
            None => form,
        }
    }

    pub(super) fn document(&self, url: &str) -> Option<Result<String, Unavailable>> {
        let path = url.strip_prefix(&self.issuer)?;
        let (name, document) = match path {
            "/.well-known/openid-configuration" => ("discovery", self.announced()),
            "/jwks" => ("jwks", self.keys()),
            _ => return None,
        };
        Some(self.reach(name, path).map(|()| document.to_string()))
    }

    fn reach(&self, name: &str, path: &str) -> Result<(), Unavailable> {
        self.log.borrow_mut().push(path.to_owned());
        if self.down.borrow().contains(&name) { Err(Unavailable) } else { Ok(()) }
    }

    fn announced(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let document = json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "userinfo_endpoint": at("/me"),
            "jwks_uri": at("/jwks"),
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        changed(document, &self.discovery.borrow())
    }

    fn keys(&self) -> Value {
        let key = |number: &u8| {
            let mut key = serde_json::to_value(made(Algorithm::Es256, *number).public).unwrap();
            if !self.named_keys.get() {
                key.as_object_mut().unwrap().remove("kid");
            }
            key
        };
        json!({ "keys": self.published.borrow().iter().map(key).collect::<Vec<_>>() })
    }

    pub(super) fn answer(
        &self,
        request: Outgoing<'_>,
        now: Timestamp,
    ) -> Option<Result<Incoming, Unavailable>> {
        let path = request.url.strip_prefix(&self.issuer)?;
        let (name, answer): (_, Answer) = match path {
            "/par" => ("par", Self::push),
            "/token" => ("token", Self::issue),
            "/me" => ("userinfo", Self::describe),
            _ => return None,
        };
        Some(self.reach(name, path).map(|()| {
            let (status, body) = answer(self, request, now);
            Incoming { status, body }
        }))
    }

    /// Returns the parameters of a request from the client that this server is here.
    fn authenticated(&self, request: Outgoing<'_>) -> Option<Form> {
        let text = request.form.expect("a form");
        self.last.replace((request.authorization.map(str::to_owned), text.to_owned()));
        let form = Form::parse(text.as_bytes()).expect("a sound form");
        let basic = [&self.client_id, SECRET].map(super::messages::encode).join(":");
        let basic = format!("Basic {}", STANDARD.encode(basic));
        let is_basic = request.authorization == Some(basic.as_str());
        let is_post =
            form.get("client_secret") == Some(SECRET) && form.get("client_id") == Some(&self.client_id);
        let is_signed = form.get("client_assertion").is_some_and(|assertion| self.is_signed(assertion));
        (is_basic || is_post || is_signed).then_some(form)
    }

    fn is_signed(&self, assertion: &str) -> bool {
        let claims = super::verified(assertion);
        claims["iss"] == self.client_id && claims["sub"] == self.client_id && claims["aud"] == self.issuer
    }

    fn push(&self, request: Outgoing<'_>, _: Timestamp) -> (u16, String) {
        let Some(form) = self.authenticated(request) else { return invalid_client() };
        let uri = format!("urn:request:{}", self.pushed.borrow().len());
        self.pushed.borrow_mut().insert(uri.clone(), form);
        (201, json!({ "request_uri": uri, "expires_in": 60 }).to_string())
    }

    fn issue(&self, request: Outgoing<'_>, now: Timestamp) -> (u16, String) {
        if let Some(instead) = self.tokens.borrow().clone() {
            return instead;
        }
        let Some(form) = self.authenticated(request) else { return invalid_client() };
        if form.get("grant_type") == Some("refresh_token") {
            return self.refresh(form.get("refresh_token").unwrap_or_default());
        }
        let asked = form.get("code").and_then(|code| self.codes.borrow_mut().remove(code));
        let Some(asked) = asked.filter(|asked| is_proven(asked, &form)) else {
            return (400, json!({ "error": "invalid_grant" }).to_string());
        };
        let mut tokens = json!({
            "access_token": "upstream-access-token", "token_type": "Bearer", "expires_in": 600,
            "id_token": self.id_token(&asked, now),
        });
        if self.issues_refresh_tokens.get() {
            tokens["refresh_token"] = self.next_refresh_token().into();
        }
        (200, tokens.to_string())
    }

    /// Returns the only refresh token that is good from now on.
    fn next_refresh_token(&self) -> String {
        self.refreshes.set(self.refreshes.get() + 1);
        format!("upstream-refresh-token-{}", self.refreshes.get())
    }

    fn refresh(&self, token: &str) -> (u16, String) {
        if token != format!("upstream-refresh-token-{}", self.refreshes.get()) || self.has_left.get() {
            return (400, json!({ "error": "invalid_grant" }).to_string());
        }
        let tokens = json!({
            "access_token": "upstream-access-token", "token_type": "Bearer", "refresh_token": self.next_refresh_token(),
        });
        (200, tokens.to_string())
    }

    fn id_token(&self, asked: &Form, now: Timestamp) -> String {
        let claims = json!({
            "iss": self.issuer, "sub": "alice-upstream", "aud": self.client_id,
            "iat": now.seconds(), "exp": now.seconds() + 600, "auth_time": now.seconds(),
            "nonce": asked.get("nonce").expect("a nonce"),
            "name": "Alice Upstream", "email": "alice@corp.example", "email_verified": true,
            "preferred_username": "alice.upstream", "groups": ["developers", "staff"], "sid": "upstream-session",
        });
        self.mangle.get()(self.signed(&self.header.borrow(), &changed(claims, &self.claims.borrow())))
    }

    /// Signs claims with the provider's key. `header` has the members of the header to change; `null` removes one.
    pub(crate) fn signed(&self, header: &Value, claims: &Value) -> String {
        let key = made(Algorithm::Es256, self.signing.get()).public;
        let header = changed(json!({ "alg": "ES256", "typ": "JWT", "kid": key.kid }), header);
        let part = |value: &Value| encode(value.to_string().as_bytes());
        let input = format!("{}.{}", part(&header), part(claims));
        let signature = Es256.sign(&es256(self.signing.get()), input.as_bytes());
        format!("{input}.{}", encode(&signature.as_bytes()))
    }

    fn describe(&self, request: Outgoing<'_>, _: Timestamp) -> (u16, String) {
        if request.authorization != Some("Bearer upstream-access-token") {
            return (401, String::new());
        }
        (200, changed(json!({ "sub": "alice-upstream" }), &self.userinfo.borrow()).to_string())
    }
}

/// Returns the path of the redirect URI of a request.
fn callback(request: &Form) -> String {
    let uri = request.get("redirect_uri").expect("a redirect URI");
    uri.strip_prefix(super::ISSUER).expect("an address of this server").to_owned()
}

/// Returns whether a token request proves that it comes from where the authorization request did.
fn is_proven(asked: &Form, form: &Form) -> bool {
    let challenge = form.get("code_verifier").map(|verifier| encode(Digest::of(verifier.as_bytes()).bytes()));
    form.get("grant_type") == Some("authorization_code")
        && asked.get("code_challenge_method") == Some("S256")
        && asked.get("code_challenge") == challenge.as_deref()
        && asked.get("redirect_uri") == form.get("redirect_uri")
}

fn invalid_client() -> (u16, String) {
    (401, json!({ "error": "invalid_client" }).to_string())
}

fn changed(mut object: Value, changes: &Value) -> Value {
    let members: &mut Map<String, Value> = object.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    object
}
