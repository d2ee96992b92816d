//! Dynamic client registration (RFC 7591): off unless an initial access token is configured.

use rand_core::CryptoRng;
use serde::Serialize;
use serde_json::{Map, Value};

use super::admin::body::object;
use super::admin::clients::New;
use super::admin::problem::Problem;
use super::admin::registry::ask;
use super::attempt::Attempt;
use super::http::Response;
use super::platform::{Platform, Unavailable};
use super::server::Context;
use super::static_token;
use super::static_token::Shown;
use crate::audit::change::Actor;
use crate::client::registration::view::view;
use crate::client::registration::{Fresh, parse};
use crate::client::{Client, DEVICE_CODE_GRANT};
use crate::fault::Fault;
use crate::limiter::budgets::{registration_tokens_by_network, registrations};
use crate::registry::command::CreateClient;
use crate::secret;
use crate::settings::Registration;

/// Metadata that a client may register for itself. The rest is for operators, and ignored here (RFC 7591 §2).
const MEMBERS: [&str; 16] = [
    "client_name",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "contacts",
    "grant_types",
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
/// Members that the server adds to the response (RFC 7591 §3.2.1).
const ISSUED: [&str; 3] = ["client_id", "client_id_issued_at", "client_secret_expires_at"];
/// The `owner` of a client that registered itself; shows operators where the client came from.
const OWNER: &str = "dynamic registration";
/// The `what` of log lines.
const WHAT: &str = "registration";

/// Why a registration is refused.
enum Error {
    /// The initial access token is missing or wrong (RFC 6750 §3.1).
    Token,
    /// Carries the wait in seconds.
    TooMany(u64),
    /// The metadata is not valid (RFC 7591 §3.2.2).
    Metadata(Vec<Fault>),
    /// The body is unreadable, the registry refused the client, or part of the server cannot be reached.
    Problem(Problem),
}

impl From<Unavailable> for Error {
    fn from(_: Unavailable) -> Self {
        Self::Problem(Problem::Unavailable)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        if let Problem::Invalid(faults) = problem { Self::Metadata(faults) } else { Self::Problem(problem) }
    }
}

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

async fn register<P: Platform>(
    context: Context<'_, P>,
    rng: &mut impl CryptoRng,
) -> Result<(Client, Option<String>), Error> {
    let settings = context.server.settings.registration.as_ref().ok_or(Error::Token)?;
    authenticate(context, settings).await?;
    let new = New::draw(rng);
    let fresh = Fresh { client_id: secret::random_id(rng), secret: new.digest() };
    let client = read(object(context.request)?, fresh, settings, context.server.settings.mtls.is_some())
        .map_err(Error::Metadata)?;
    // This attempt is taken last and never given back: it limits how many clients can register before an
    // operator notices.
    if let Attempt::Wait(seconds) = Attempt::take(context, [registrations()]).await? {
        return Err(Error::TooMany(seconds));
    }
    let create = CreateClient { client: Box::new(client), dry_run: None, by: Actor::Registration };
    Ok(new.take(ask(context, create).await?))
}

async fn authenticate<P: Platform>(context: Context<'_, P>, settings: &Registration) -> Result<(), Error> {
    let budget = registration_tokens_by_network(&context.network());
    match static_token::look(context, &settings.token, budget).await? {
        Shown::Right => Ok(()),
        Shown::Wrong => Err(Error::Token),
        Shown::Wait(seconds) => Err(Error::TooMany(seconds)),
    }
}

/// Reads the client, and narrows its scope to what clients may register for themselves.
fn read(
    mut members: Map<String, Value>,
    fresh: Fresh,
    settings: &Registration,
    has_mtls: bool,
) -> Result<Client, Vec<Fault>> {
    members.retain(|name, _| MEMBERS.contains(&name.as_str()));
    let by_certificate = ["tls_client_auth", "self_signed_tls_client_auth"];
    let method = members.get("token_endpoint_auth_method").and_then(Value::as_str);
    let is_unserved = !has_mtls && method.is_some_and(|method| by_certificate.contains(&method));
    let asks_nothing = !members.contains_key("scope");
    let mut client = parse(members, fresh, false)?;
    let scope = if asks_nothing { settings.scope.clone() } else { client.scope.narrowed_to(&settings.scope) };
    let mut faults = Vec::new();
    if is_unserved {
        let why = "token_endpoint_auth_method needs client certificates, which this server does not accept";
        faults.push(Fault::at("token_endpoint_auth_method", why));
    }
    if scope.is_empty() {
        faults.push(Fault::at(
            "scope",
            format!("scope must include at least one of these: {}", settings.scope),
        ));
    }
    if !client.may_use(DEVICE_CODE_GRANT) {
        let why = format!(
            "grant_types must include {DEVICE_CODE_GRANT}: without it, the client cannot do anything"
        );
        faults.push(Fault::at("grant_types", why));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    client.scope = scope;
    client.about.owner = Some(OWNER.to_owned());
    Ok(client)
}

/// Returns all registered metadata, and the secret, which is shown only this once (RFC 7591 §3.2.1).
fn answer_body(client: &Client, secret: Option<String>) -> Map<String, Value> {
    let mut members = view(client);
    members.retain(|name, _| MEMBERS.contains(&name.as_str()) || ISSUED.contains(&name.as_str()));
    if let Some(secret) = secret {
        members.insert("client_secret".to_owned(), Value::from(secret));
    }
    members
}

#[derive(Serialize)]
struct Body {
    error: &'static str,
    error_description: String,
}

impl Error {
    fn response(&self) -> Response {
        let (status, error, reason, description) = match self {
            Self::Token => {
                (401, "invalid_token", "initial_access_token", "Send the initial access token.".to_owned())
            }
            Self::TooMany(_) => (429, "temporarily_unavailable", "too_many", "Try again later.".to_owned()),
            Self::Metadata(faults) => (400, "invalid_client_metadata", "invalid", described(faults)),
            Self::Problem(Problem::Unavailable) => (
                503,
                "temporarily_unavailable",
                "unavailable",
                "Part of the server cannot be reached; nothing has changed, so try again.".to_owned(),
            ),
            // The `client_id` is random, so the only possible conflict is a full registry.
            Self::Problem(Problem::Conflict(_)) => {
                (503, "temporarily_unavailable", "full", "There is no room for more clients.".to_owned())
            }
            Self::Problem(problem) => (400, "invalid_client_metadata", problem.name(), problem.detail()),
        };
        let response = Response::json(status, &Body { error, error_description: printable(&description) });
        let response = match self {
            Self::Token => response.with("www-authenticate", "Bearer realm=\"device-grant\"".to_owned()),
            Self::TooMany(seconds) => response.with("retry-after", seconds.to_string()),
            Self::Problem(Problem::Unavailable) => response.with("retry-after", "5".to_owned()),
            Self::Problem(Problem::Conflict(_)) => response.with("retry-after", "3600".to_owned()),
            Self::Metadata(_) | Self::Problem(_) => response,
        };
        response.noting(WHAT, None, error, reason)
    }
}

fn described(faults: &[Fault]) -> String {
    faults.iter().map(|fault| fault.detail.as_str()).collect::<Vec<_>>().join("; ")
}

/// Replaces characters that `error_description` must not contain (RFC 6749 §5.2).
fn printable(text: &str) -> String {
    let fit = |character| match character {
        '"' | '\\' => '\'',
        ' '..='~' => character,
        _ => '?',
    };
    text.chars().map(fit).collect()
}
