//! What providers tell this server: that somebody signed out there (OpenID Connect Back-Channel Logout), or that sessions
//! were revoked or an account disabled (Shared Signals, pushed as in RFC 8935).

use serde::Serialize;
use serde_json::json;

use super::documents::{Signature, Signed, check};
use super::leavers;
use super::leavers::Leave;
use super::sign_in::reach;
use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::once;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::route::{EVENTS_PREFIX, LOGOUT_PREFIX};
use crate::endpoint::server::Context;
use crate::limiter::budgets::used_event;
use crate::limiter::command::UseOnce;
use crate::registry::command::FindProvider;
use crate::secret;
use crate::secret::Digest;
use crate::upstream::event::logout_token;
use crate::upstream::event::security_event;
use crate::upstream::event::security_event::Signal;
use crate::upstream::event::{EventFlaw, EventToken, Once};
use crate::upstream::failure::Failure;
use crate::upstream::provider::{Provider, ProviderId};

/// The media type of a pushed event (RFC 8935 §2).
const SECURITY_EVENT: &str = "application/secevent+jwt";

/// Why a provider is not heard.
enum Refusal {
    /// No provider has this identifier.
    NoProvider,
    /// The request has no token.
    Request(&'static str),
    /// The token is not good.
    Token(EventFlaw),
    /// The provider's keys cannot be read, so nothing is known about the token.
    Keys(Failure),
    /// A part of this server cannot be reached.
    Unavailable,
}

impl From<EventFlaw> for Refusal {
    fn from(flaw: EventFlaw) -> Self {
        Self::Token(flaw)
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Keys(failure)
    }
}

impl From<Unavailable> for Refusal {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// Answers `POST /backchannel-logout/{id}`.
pub(crate) async fn logout<P: Platform>(context: Context<'_, P>) -> Response {
    const WHAT: &str = "backchannel_logout";
    match heed_logout(context).await {
        // OpenID Connect Back-Channel Logout §2.8: also if nobody was signed in.
        Ok(provider) => {
            let done = Response { status: 200, ..Response::empty() };
            done.noting(WHAT, None, "done", "done").at(&provider)
        }
        Err(refusal) => {
            let body = |_, detail| Body::Logout { error: "invalid_request", error_description: detail };
            refused(WHAT, &refusal, body)
        }
    }
}

async fn heed_logout<P: Platform>(context: Context<'_, P>) -> Result<ProviderId, Refusal> {
    let form = Form::of(context.request).map_err(|error| Refusal::Request(unreadable(&error)))?;
    let text = form.get("logout_token").ok_or(Refusal::Request("logout_token is missing"))?;
    let provider = provider(context, LOGOUT_PREFIX).await?;
    let token = logout_token::parse(text, provider.id_token_signed_response_alg)?;
    verify(context, &provider, &token).await?;
    let (concerned, once) =
        logout_token::check(&token, provider.issuer.as_str(), &provider.client_id, context.now)?;
    heed(context, &provider, Leave::LoggedOut(concerned), &once).await?;
    Ok(provider.id)
}

/// Answers `POST /security-events/{id}`.
pub(crate) async fn security_event<P: Platform>(context: Context<'_, P>) -> Response {
    const WHAT: &str = "security_event";
    match heed_event(context).await {
        // RFC 8935 §2.2: the event is received, whatever it means here.
        Ok((provider, outcome)) => {
            let done = Response { status: 202, ..Response::empty() };
            done.noting(WHAT, None, "received", outcome).at(&provider)
        }
        Err(refusal) => {
            refused(WHAT, &refusal, |code, detail| Body::Event { err: code, description: detail })
        }
    }
}

async fn heed_event<P: Platform>(context: Context<'_, P>) -> Result<(ProviderId, &'static str), Refusal> {
    let provider = provider(context, EVENTS_PREFIX).await?;
    let token = security_event::parse(body(context)?, provider.id_token_signed_response_alg)?;
    verify(context, &provider, &token).await?;
    let own = context.issuer.as_str();
    let uri = format!("{own}{EVENTS_PREFIX}{}", provider.id);
    // The transmitter chooses; Okta's examples have an address of the receiver with and without a slash.
    let audiences = [provider.client_id.as_str(), own, &format!("{own}/"), &uri];
    let (signal, once) = security_event::check(&token, provider.issuer.as_str(), &audiences, context.now)?;
    let (leave, outcome) = match signal {
        Signal::SessionRevoked(concerned) => (Leave::LoggedOut(concerned), "session_revoked"),
        Signal::AccountDisabled(subject) => (Leave::Disabled(subject), "account_disabled"),
        Signal::AccountEnabled(subject) => (Leave::Enabled(subject), "account_enabled"),
        Signal::Other => return Ok((provider.id, "other_event")),
    };
    heed(context, &provider, leave, &once).await?;
    Ok((provider.id, outcome))
}

/// Refuses a pushed event that cannot be read (RFC 8935 §2.3).
pub(crate) fn refuse_event(status: u16, description: &str) -> Response {
    Response::json(status, &json!({ "err": "invalid_request", "description": description }))
}

/// Returns the body of a pushed event.
fn body<P>(context: Context<'_, P>) -> Result<&str, Refusal> {
    let request = context.request;
    let essence = request.content_type.as_deref().and_then(|value| value.split(';').next());
    if !essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(SECURITY_EVENT)) {
        return Err(Refusal::Request("the Content-Type must be application/secevent+jwt"));
    }
    let body = request.body.as_deref().ok_or(Refusal::Request("the body is larger than 16384 bytes"))?;
    core::str::from_utf8(body).map_err(|_| Refusal::Token(EventFlaw::Malformed))
}

const fn unreadable(error: &Error) -> &'static str {
    if matches!(error, Error::NotAForm(_)) {
        "the Content-Type must be application/x-www-form-urlencoded"
    } else {
        "the form is larger than 16384 bytes, not UTF-8, or repeats a parameter"
    }
}

/// Finds the provider that the address names. A disabled one is heard, too: its sessions may still be live.
async fn provider<P: Platform>(context: Context<'_, P>, prefix: &str) -> Result<Provider, Refusal> {
    let path = context.request.path.strip_prefix(context.issuer.path());
    let id = path.and_then(|path| path.strip_prefix(prefix)).and_then(ProviderId::parse);
    let id = id.ok_or(Refusal::NoProvider)?;
    context.server.platform.registry(FindProvider { id }).await?.ok_or(Refusal::NoProvider)
}

async fn verify<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    token: &EventToken,
) -> Result<(), Refusal> {
    let discovery = context.server.discovery(provider, reach(context, provider), context.now).await?;
    let signed = Signed::of(&token.jwt, provider.id_token_signed_response_alg);
    match check(context, &discovery.jwks_uri, signed).await? {
        Signature::Good => Ok(()),
        Signature::Wrong => Err(EventFlaw::WrongSignature.into()),
        Signature::Unknown => Err(EventFlaw::UnknownKey.into()),
    }
}

/// Does what an event says, and uses the event up. In this order, so that a provider that gets no answer can send the
/// event again. A replay to another isolate ends nothing that began after the event, and lifts no block that the provider
/// made after it. It can repeat a block, which the provider can lift.
async fn heed<P: Platform>(
    context: Context<'_, P>,
    provider: &Provider,
    leave: Leave,
    once: &Once,
) -> Result<(), Refusal> {
    let digest = Digest::of(once.name.as_bytes());
    let key = used_event(provider.id.as_str(), &secret::encode(digest.bytes()));
    let name = UseOnce { key, until: once.until };
    if once::was_used(context, &name) {
        return Err(EventFlaw::Replayed.into());
    }
    leavers::heed(context, provider, leave, once).await?;
    if once::take(context, &name).await? { Ok(()) } else { Err(EventFlaw::Replayed.into()) }
}

/// The body of a refusal.
#[derive(Serialize)]
#[serde(untagged)]
enum Body {
    /// OpenID Connect Back-Channel Logout §2.8.
    Logout { error: &'static str, error_description: &'static str },
    /// RFC 8935 §2.3.
    Event { err: &'static str, description: &'static str },
}

fn refused(
    what: &'static str,
    refusal: &Refusal,
    body: impl Fn(&'static str, &'static str) -> Body,
) -> Response {
    let bad = |code, detail| Response::json(400, &body(code, detail));
    let later = || {
        Response::text(503, "The provider's keys or a part of this server cannot be reached: try again.")
            .with("retry-after", "5".to_owned())
    };
    let (response, reason) = match refusal {
        Refusal::NoProvider => (Response::text(404, "There is no such provider."), "provider_unknown"),
        Refusal::Request(detail) => (bad("invalid_request", *detail), "request_malformed"),
        Refusal::Token(flaw) => (bad(flaw.code(), flaw.detail()), flaw.reason()),
        Refusal::Keys(failure) => (later(), failure.reason()),
        Refusal::Unavailable => (later(), "unavailable"),
    };
    response.noting(what, None, "refused", reason)
}
