//! Dynamic client registration (RFC 7591): off unless an initial access token is configured, or registration is
//! opened to everybody.
//!
//! Programs send one request to every server, so what this server does not know is left out rather than refused.
//! The response says what was kept (RFC 7591 §3.2.1).

mod refusal;

use rand_core::CryptoRng;
use serde_json::{Map, Value};

use self::refusal::{Error, Limit, WHAT};
use super::admin::body::object;
use super::admin::clients::New;
use super::admin::problem::Problem;
use super::admin::registry::{ask, settled};
use super::attempt::Attempt;
use super::http::Response;
use super::platform::Platform;
use super::server::Context;
use super::static_token;
use super::static_token::Shown;
use crate::audit::change::Actor;
use crate::client::Client;
use crate::client::likeness;
use crate::client::registered_by::RegisteredBy;
use crate::client::registration::lenient::{keep_known, without_device_grant};
use crate::client::registration::view::view;
use crate::client::registration::{Fresh, parse};
use crate::fault::Fault;
use crate::limiter::budgets::{Budget, open_registrations, registration_tokens_by_network, registrations};
use crate::limiter::command::Full;
use crate::registry::command::CreateClient;
use crate::scope::Scope;
use crate::secret;
use crate::settings::{Registration, TokenDigests};

/// Metadata that a client may register for itself with an initial access token. The rest is for operators, and
/// ignored here (RFC 7591 §2).
const MEMBERS: [&str; 17] = [
    "client_name",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "contacts",
    "grant_types",
    "redirect_uris",
    "scope",
    "token_endpoint_auth_method",
    "tls_client_auth_subject_dn",
    "jwks",
    "jwks_uri",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
];
/// Metadata that anybody may register. Links and contacts are not among them: a stranger could put them on this
/// server's pages. Neither are credentials, because the client is public.
const OPEN_MEMBERS: [&str; 7] = [
    "client_name",
    "grant_types",
    "redirect_uris",
    "scope",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "dpop_bound_access_tokens",
];
/// Members that the server adds to the response (RFC 7591 §3.2.1).
const ISSUED: [&str; 4] = ["client_id", "client_id_issued_at", "client_secret_expires_at", "audience"];
/// The `owner` of a client that registered itself; shows operators where the client came from.
const OWNER: &str = "dynamic registration";
/// The `owner` of a client from open registration.
const OPEN_OWNER: &str = "open registration";

/// Answers `POST /register`.
pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    match register(context, rng).await {
        Ok((client, secret)) => {
            let response = Response::json(201, &answer_body(&client, secret));
            response.noting(WHAT, Some(&client.client_id), "registered", "registered")
        }
        Err(error) => error.response(),
    }
}

/// Refuses a request whose body cannot be read.
pub(super) fn refuse(problem: Problem) -> Response {
    Error::Problem(problem).response()
}

async fn register<P: Platform>(
    context: Context<'_, P>,
    rng: &mut impl CryptoRng,
) -> Result<(Client, Option<String>), Error> {
    let settings = context.server.settings.registration.as_ref().ok_or(Error::Token)?;
    let terms = Terms::of(context, settings).await?;
    let new = New::draw(rng);
    let fresh = Fresh { client_id: secret::random_id(rng), secret: new.digest() };
    let client = terms.read(object(context.request)?, fresh).map_err(Error::Metadata)?;
    // These attempts are taken last and never given back: they limit how many clients can register before an
    // operator notices.
    if let Attempt::Wait(Full { seconds, prefix }) = Attempt::take(context, terms.budgets(context)).await? {
        return Err(Error::TooMany(prefix.map_or(Limit::InAll(terms.by), Limit::OfNetwork), seconds));
    }
    let (client, logo) = (Box::new(client), None);
    let create = CreateClient { client, logo, dry_run: None, by: Actor::Registration };
    let registered = new.take(ask(context, create).await?);
    // The client may be the first that uses an algorithm, whose key everybody must have before a token is signed with it.
    settled(context).await?;
    Ok(registered)
}

/// What a caller may register.
struct Terms<'a> {
    by: RegisteredBy,
    members: &'static [&'static str],
    scope: &'a Scope,
    audience: &'a [String],
    has_mtls: bool,
    /// Names of the service itself.
    service: [&'a str; 2],
}

impl<'a> Terms<'a> {
    /// Returns the terms for the caller's token, or those of open registration if the caller sends none.
    ///
    /// # Errors
    ///
    /// The token is wrong, or missing although registration is not open.
    async fn of<P: Platform>(context: Context<'a, P>, settings: &'a Registration) -> Result<Self, Error> {
        let Registration { token, scope, open, audience } = settings;
        let has_mtls = context.server.settings.mtls.is_some();
        let service = [context.issuer.hostname(), context.server.settings.service.shown_name()];
        match (token, open) {
            (_, Some(scope)) if token.is_none() || context.request.authorization.is_none() => Ok(Self {
                by: RegisteredBy::Anyone,
                members: &OPEN_MEMBERS,
                scope,
                audience,
                has_mtls,
                service,
            }),
            (Some(token), _) => {
                authenticate(context, token).await?;
                let by = RegisteredBy::InitialAccessToken;
                Ok(Self { by, members: &MEMBERS, scope, audience, has_mtls, service })
            }
            (None, _) => Err(Error::Token),
        }
    }

    fn budgets<P>(&self, context: Context<'_, P>) -> Vec<Budget> {
        if self.by.is_anyone() {
            open_registrations(&context.network()).into()
        } else {
            vec![registrations()]
        }
    }

    /// Reads the client, and narrows it to what this caller may register.
    fn read(&self, mut members: Map<String, Value>, fresh: Fresh) -> Result<Client, Vec<Fault>> {
        keep_known(&mut members, self.members);
        let mut faults: Vec<Fault> = without_device_grant(&mut members).into_iter().collect();
        faults.extend(self.unserved(&members));
        faults.extend(self.misleading(&members));
        if self.by.is_anyone() {
            members.insert("token_endpoint_auth_method".to_owned(), Value::from("none"));
        }
        let asks_nothing = !members.contains_key("scope");
        let client = parse(members, fresh, false).map_err(|found| [faults.clone(), found].concat())?;
        let scope = if asks_nothing { self.scope.clone() } else { client.scope.narrowed_to(self.scope) };
        if scope.is_empty() {
            let why = format!("scope must include at least one of these: {}", self.scope);
            faults.push(Fault::at("scope", why));
        }
        if faults.is_empty() { Ok(self.complete(client, scope)) } else { Err(faults) }
    }

    /// Returns the fault of a client that authenticates by certificate, if this server accepts none.
    fn unserved(&self, members: &Map<String, Value>) -> Option<Fault> {
        let method = members.get("token_endpoint_auth_method").and_then(Value::as_str)?;
        let by_certificate = ["tls_client_auth", "self_signed_tls_client_auth"].contains(&method);
        let why = "token_endpoint_auth_method needs client certificates, which this server does not accept";
        (by_certificate && !self.has_mtls).then(|| Fault::at("token_endpoint_auth_method", why))
    }

    /// Returns the fault of a name with which the client would speak for the service.
    fn misleading(&self, members: &Map<String, Value>) -> Option<Fault> {
        let name = members.get("client_name").and_then(Value::as_str)?;
        let word = likeness::reserved(name, &self.service)?;
        let why = format!(
            "client_name must not contain '{word}': a client that registers itself does not speak for this service"
        );
        Some(Fault::at("client_name", why))
    }

    fn complete(&self, mut client: Client, scope: Scope) -> Client {
        client.scope = scope;
        client.tokens.audience = self.audience.to_vec();
        client.registered_by = self.by;
        client.about.owner = Some(if self.by.is_anyone() { OPEN_OWNER } else { OWNER }.to_owned());
        client
    }
}

async fn authenticate<P: Platform>(context: Context<'_, P>, token: &TokenDigests) -> Result<(), Error> {
    let budget = registration_tokens_by_network(&context.network());
    match static_token::look(context, token, budget).await? {
        Shown::Right(_) => Ok(()),
        Shown::Wrong => Err(Error::Token),
        Shown::Wait(seconds) => Err(Error::TooMany(Limit::Tokens, seconds)),
    }
}

/// Returns all registered metadata, and the secret, which is shown only this once (RFC 7591 §3.2.1).
fn answer_body(client: &Client, secret: Option<String>) -> Map<String, Value> {
    let mut members = view(client);
    members.retain(|name, _| MEMBERS.contains(&name.as_str()) || ISSUED.contains(&name.as_str()));
    // Absent, it would mean `code` (RFC 7591 §2), which this server does not have.
    members.insert("response_types".to_owned(), Value::Array(Vec::new()));
    if let Some(secret) = secret {
        members.insert("client_secret".to_owned(), Value::from(secret));
    }
    members
}
