//! `POST /device_authorization` (RFC 8628 §3.1, §3.2).

use core::time::Duration;

use rand_core::CryptoRng;
use serde::Serialize;

use super::client_auth::Caller;
use super::error::Error;
use super::form::Form;
use super::http::Response;
use super::live_codes::{admit, release};
use super::{Context, Platform, Unavailable, dpop, pkce};
use crate::client::Client;
use crate::client::scope::{OFFLINE_ACCESS, Scope};
use crate::format::Format;
use crate::grant::command::{Command, Opened, Reply};
use crate::grant::device_code::DeviceCode;
use crate::grant::routing::{Address, Region, draw_near};
use crate::grant::user_code::UserCode;
use crate::grant::{self, Grant, State};
use crate::limiter;
use crate::place::{Origin, device_kind};
use crate::policy::{self, Decision, Facts, Point, Refusal};
use crate::secret::Digest;
use crate::time::Timestamp;

const WHAT: &str = "device_authorization";
/// Draws in a row that hit a live code: with 10,000 of 20^8 taken, three never happen.
const MAX_COLLISIONS: usize = 3;
/// The longest `nonce` that is carried along.
const MAX_NONCE: usize = 512;

/// RFC 8628 §3.2. `interval` is always sent.
#[derive(Serialize)]
struct Answer {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    let challenge = context.request.authorization.is_some();
    let mut known = None;
    match start(context, &mut known, rng).await {
        Ok(answer) => Response::json(200, &answer).noting(WHAT, known.as_deref(), "started", "started"),
        Err(error) => error.response(challenge).noting(WHAT, known.as_deref(), error.code(), error.reason()),
    }
}

async fn start<P: Platform>(
    context: Context<'_, P>,
    known: &mut Option<String>,
    rng: &mut impl CryptoRng,
) -> Result<Answer, Error> {
    let Context { server, request, now, .. } = context;
    let form = Form::of(request)?;
    let required = server.settings.device_client_authentication;
    let client = Caller::authenticate(context, &form, required, known).await?.client;
    let network = context.network();
    if !server.platform.within_limit(&format!("{}/{network}", client.client_id)).await {
        return Err(Error::TooMany(60));
    }
    let request = grant::Request {
        scope: allowed_scope(&client, &form)?,
        nonce: nonce(&form)?,
        origin: Origin {
            place: request.place.clone(),
            device: device_kind(request.user_agent.as_deref()),
            at: now,
        },
        gauge: limiter::budgets::gauge(&client.client_id, &network),
        client_id: client.client_id,
        resource: Vec::new(),
        cnf: dpop::code_binding(context, &form).await?,
        code_challenge: pkce::challenge(&form)?,
        acr_values: Vec::new(),
        max_age: None,
        login_hint: None,
        ui_locales: Vec::new(),
    };
    open(context, request, rng).await
}

/// What was asked for, cut to what the client may have; without `scope`, all of that but a refresh token.
///
/// `scopes` is what authentik's documentation shows.
fn allowed_scope(client: &Client, form: &Form) -> Result<Scope, Error> {
    let asked = match form.get("scope").or_else(|| form.get("scopes")) {
        Some(text) => Scope::parse(text).ok_or(Error::MalformedScope)?,
        None => client.scope.without(OFFLINE_ACCESS),
    };
    let facts = Facts { client: Some(client), account: None, scope: &asked };
    match policy::decide(Point::DeviceAuthorization, facts) {
        Decision::Allow(scope) => Ok(scope),
        Decision::Refuse(Refusal::NoScopeLeft) => Err(Error::ScopeNotAllowed),
        Decision::Refuse(Refusal::ClientDisabled | Refusal::GrantNotAllowed | Refusal::AccountBlocked) => {
            Err(Error::GrantNotAllowed)
        }
    }
}

fn nonce(form: &Form) -> Result<Option<String>, Error> {
    match form.get("nonce") {
        Some(nonce) if nonce.len() > MAX_NONCE => Err(Error::Malformed("nonce")),
        nonce => Ok(nonce.map(str::to_owned)),
    }
}

async fn open<P: Platform>(
    context: Context<'_, P>,
    request: grant::Request,
    rng: &mut impl CryptoRng,
) -> Result<Answer, Error> {
    let Context { server, now, .. } = context;
    let longer = server.is_strained(now).await;
    let region = Region::nearest(context.request.place.colo.as_deref());
    let expires_at = now + Duration::from_secs(server.settings.code_lifetime);
    for _ in 0..MAX_COLLISIONS {
        let keys = &server.settings.keyring.current;
        let (user_code, address) = draw_near(region, &server.settings.user_code, longer, keys, rng);
        let (device_code, secret) = DeviceCode::issue(address, &request.client_id, expires_at, keys, rng);
        admit(context, &request.gauge, address, expires_at).await?;
        let grant = new_grant(context, &request, secret, expires_at);
        let opened = store(context, address, grant).await;
        if let Ok(Opened::Live(live)) = opened {
            server.notice(address.shard, live);
            return Ok(describe(context, device_code, &user_code, expires_at));
        }
        release(context, &request.gauge, address).await;
        if let Opened::Full(wait) = opened? {
            return Err(Error::TooMany(wait));
        }
    }
    Err(Error::Unavailable)
}

fn new_grant<P>(
    context: Context<'_, P>,
    request: &grant::Request,
    secret: Digest,
    expires_at: Timestamp,
) -> Grant {
    let settings = &context.server.settings;
    Grant {
        format: Format,
        secret,
        request: request.clone(),
        expires_at,
        grace: settings.grace,
        interval: settings.interval,
        state: State::Pending { claim: None },
        without_key: false,
    }
}

async fn store<P: Platform>(
    context: Context<'_, P>,
    address: Address,
    grant: Grant,
) -> Result<Opened, Unavailable> {
    let cap = context.server.settings.live_codes_per_shard;
    let command = Command::Open { key: address.key, grant: Box::new(grant), cap };
    match context.server.platform.grants(address.shard, &command).await? {
        Reply::Opened(opened) => Ok(opened),
        Reply::Polled(_)
        | Reply::Redeemed(_)
        | Reply::Claimed(_)
        | Reply::Decided(_)
        | Reply::Refreshed(_)
        | Reply::Rotated(_)
        | Reply::Family(_)
        | Reply::Revoked => Err(Unavailable),
    }
}

fn describe<P>(
    context: Context<'_, P>,
    device_code: String,
    user_code: &UserCode,
    expires_at: Timestamp,
) -> Answer {
    let verification_uri = format!("{}/device", context.issuer.as_str());
    Answer {
        device_code,
        user_code: user_code.to_string(),
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        verification_uri,
        expires_in: expires_at.since(context.now).as_secs(),
        interval: context.server.settings.interval,
    }
}
