//! `POST /device_authorization` (RFC 8628 §3.1, §3.2).

mod parameters;
mod refused;

use core::time::Duration;

use futures_util::future::join;
use rand_core::CryptoRng;
use serde::Serialize;

use super::boxed::boxed;
use super::client_auth::Caller;
use super::client_auth::envelope::{Answered, AssertionUse, Envelope};
use super::dpop;
use super::error::{Error, shown};
use super::form::Form;
use super::http::{Afterwards, Response};
use super::instant;
use super::platform::{Platform, Unavailable};
use super::policy::facts::Marks;
use super::policy::start::{ask_for_code, check_binding};
use super::server::{Context, rate_key};
use super::token::{pkce, resource, verification};
use super::web_page;
use crate::audit::policy_record::PolicyRecord;
use crate::client::Client;
use crate::client::authentication::Requirement;
use crate::client::rules::{CodeRules, UserCodeType};
use crate::device_kind::DeviceKind;
use crate::endpoint::error::Limit;
use crate::format::Format;
use crate::grant;
use crate::grant::command::{Caps, Open, Opened};
use crate::grant::device_code::DeviceCode;
use crate::grant::routing::{Address, candidates, draw_in};
use crate::grant::user_code::{Shape, UserCode};
use crate::grant::{Grant, State, link};
use crate::place::{Origin, Place};
use crate::scope::{OFFLINE_ACCESS, Scope};
use crate::secret::Digest;
use crate::sharding::{Region, Shard};
use crate::time::Timestamp;
use crate::web_origin::WebOrigin;

const WHAT: &str = "device_authorization";
/// Number of draws before giving up. With 10,000 of 20^8 codes taken, three collisions in a row have a
/// probability of about 10^-19.
const MAX_COLLISIONS: usize = 3;
/// The most shards that one start tries, because a refusal must not cost a call to each of 64. Starts fill the shards of a network
/// evenly, so if this many are full, the others almost certainly are, too. If they are out of reach, the next start begins with
/// another one.
const MOST_TRIED: usize = 8;

/// The response of RFC 8628 §3.2. `interval` is optional there, but always sent here.
#[derive(Serialize)]
struct Answer {
    device_code: String,
    user_code: String,
    verification_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: u64,
    /// The same for people, as Microsoft's libraries and mutt's script expect it.
    message: String,
    /// Our extension: see `docs/instant.md`.
    #[serde(skip_serializing_if = "Option::is_none")]
    devicegrant_instant_uri: Option<String>,
}

pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    let required = Requirement::AsRegistered(context.server.settings.device_client_authentication);
    let envelope = Envelope { what: WHAT, required, assertion: AssertionUse::First };
    let page = match web_page::starting(context).await {
        Ok(page) => page,
        Err(error) => return envelope.refuse(None, &error),
    };
    let start = async |caller: &Caller, form: &Form| {
        let body = start(context, &caller.client, form, page, rng).await?;
        Ok(Answered { body, outcome: context.server.settings.log_starts.then_some("started") })
    };
    let mut response = refused::counted(context, envelope.answer(context, start).await);
    if response.status == 200 && context.server.is_due_to_report(context.now) {
        response.afterwards.push(Afterwards::Expose);
    }
    response
}

async fn start<P: Platform>(
    context: Context<'_, P>,
    client: &Client,
    form: &Form,
    page: Option<WebOrigin>,
    rng: &mut impl CryptoRng,
) -> Result<Answer, Error> {
    let Context { server, request, now, .. } = context;
    let network = context.network();
    let shards = shards(context, &client.codes);
    let key = rate_key(&rate_of(&client.client_id, shards, rng), &network);
    let asked = join(server.platform.within_limit(&key), server.is_strained_for_new_codes(now)).await;
    let (true, longer) = asked else { return Err(Error::TooMany(Limit::Requests, 60)) };
    let terms = CodeTerms::of(context, &client.codes, shards, longer);
    let device = DeviceKind::of(request.user_agent.as_deref());
    let origin = Origin { place: Place::clone(&request.place), device, at: now, page };
    let asked = asked_scope(client, form)?;
    let (can_verify, identifier) = (verification::is_supported(form)?, parameters::identifier(form)?);
    let says = (can_verify, identifier.is_some());
    let asking = ask_for_code(context, client, &asked, (&origin, &network), says, terms.expires_at);
    let (mut permit, Marks { networks, managed }) = asking.await?;
    let cnf = dpop::code_binding(context, form).await?;
    check_binding(&mut permit, client, &cnf)?;
    let request = grant::Request {
        scope: permit.scope,
        nonce: parameters::nonce(form)?,
        origin,
        network,
        networks,
        managed,
        can_verify,
        identifier,
        resource: resource::granted(context, client, &resource::asked(form)?)?,
        client_id: client.client_id.clone(),
        cnf,
        code_challenge: pkce::challenge(form)?,
        acr_values: parameters::acr_values(form)?,
        max_age: parameters::max_age(form)?,
        login_hint: parameters::login_hint(form),
        ui_locales: parameters::ui_locales(form),
    };
    open(context, &terms, (request, permit.record), rng).await
}

/// Returns the requested scope; without `scope`, the client's scope except `offline_access`.
///
/// Accepts `scopes` as well, because that is the parameter in authentik's documentation.
fn asked_scope(client: &Client, form: &Form) -> Result<Scope, Error> {
    match form.get("scope").or_else(|| form.get("scopes")) {
        Some(text) => Scope::parse(text).ok_or_else(|| Error::MalformedScope(shown(text))),
        None => Ok(client.scope.without(OFFLINE_ACCESS)),
    }
}

/// Returns how many shards may have the codes of one network. Each has a share of the live codes, so there are no more
/// shards than codes.
fn shards<P>(context: Context<'_, P>, rules: &CodeRules) -> u64 {
    let settings = &context.server.settings;
    u64::from(rules.shards_per_network)
        .min(settings.keyring.current.shards_per_region.into())
        .clamp(1, settings.live_codes)
}

/// Returns what the platform's rate limit counts. A client with several shards has as many counts, of which each start takes
/// one at random: so it may start as many times as much.
fn rate_of(client_id: &str, shards: u64, rng: &mut impl CryptoRng) -> String {
    if shards == 1 { client_id.to_owned() } else { format!("{client_id}/{}", rng.next_u64() % shards) }
}

/// The terms of a client's codes: as registered, or else as in the settings.
struct CodeTerms {
    shape: Shape,
    /// Whether codes have [`EXTRA_SYMBOLS`](crate::grant::user_code::EXTRA_SYMBOLS).
    longer: bool,
    /// How many shards may have the codes of one network.
    shards: u64,
    expires_at: Timestamp,
    interval: u64,
    has_complete_uri: bool,
}

impl CodeTerms {
    fn of<P>(context: Context<'_, P>, rules: &CodeRules, shards: u64, longer: bool) -> Self {
        let settings = &context.server.settings;
        let lifetime = rules.code_lifetime.unwrap_or(settings.code_lifetime);
        Self {
            shape: match rules.user_code_type {
                UserCodeType::Configured => settings.user_code.clone(),
                UserCodeType::Digits => settings.user_code.in_digits(),
            },
            longer,
            shards,
            expires_at: context.now + Duration::from_secs(lifetime),
            interval: rules.polling_interval.unwrap_or(settings.interval),
            has_complete_uri: rules.verification_uri_complete,
        }
    }
}

/// A shard that may have the codes of a network.
#[derive(Clone, Copy)]
struct Candidate {
    shard: Shard,
    /// Whether there is another, so that nobody waits long for this one. If it then stores the grant all the same, nobody ever
    /// sees the code: the grant ends by itself, and until then counts as a live code.
    has_next: bool,
}

/// Stores the grant in one of the shards of its network: in the next one if a shard is full or cannot be reached.
async fn open<P: Platform>(
    context: Context<'_, P>,
    terms: &CodeTerms,
    (request, record): (grant::Request, Option<Box<PolicyRecord>>),
    rng: &mut impl CryptoRng,
) -> Result<Answer, Error> {
    let region = Region::nearest(context.request.place.colo.as_deref());
    let keys = &context.server.settings.keyring.current;
    let mut opened = Err(Error::Unavailable);
    let candidates = candidates(region, request.network.widest(), terms.shards, keys, rng);
    let mut shards = candidates.into_iter().take(MOST_TRIED).peekable();
    while let Some(shard) = shards.next() {
        let candidate = Candidate { shard, has_next: shards.peek().is_some() };
        opened = open_in(context, candidate, terms, (&request, record.as_deref()), rng).await;
        if opened.is_ok() {
            break;
        }
    }
    opened
}

async fn open_in<P: Platform>(
    context: Context<'_, P>,
    candidate: Candidate,
    terms: &CodeTerms,
    (request, record): (&grant::Request, Option<&PolicyRecord>),
    rng: &mut impl CryptoRng,
) -> Result<Answer, Error> {
    let settings = &context.server.settings;
    let keys = &settings.keyring.current;
    for _ in 0..MAX_COLLISIONS {
        let of = (&terms.shape, terms.longer);
        let (user_code, address) = draw_in(candidate.shard, of, &settings.user_code, keys, rng);
        let (device_code, secret) =
            DeviceCode::issue(address, &request.client_id, terms.expires_at, keys, rng);
        let grant = new_grant(context, terms, request, secret);
        match store(context, (address, candidate), terms, (grant, record.cloned().map(Box::new))).await? {
            Opened::Live(live) => {
                context.server.notice(address.shard, live);
                return Ok(describe(context, terms, &request.client_id, device_code, &user_code));
            }
            Opened::ClientFull(width, wait) => return Err(Error::TooMany(Limit::Codes(width), wait)),
            Opened::Full(wait) => return Err(Error::TooMany(Limit::CodesOfShard, wait)),
            Opened::Crowded(width, wait) => return Err(Error::TooMany(Limit::CodesOfNetwork(width), wait)),
            Opened::Taken => {}
        }
    }
    Err(Error::Unavailable)
}

fn new_grant<P>(
    context: Context<'_, P>,
    terms: &CodeTerms,
    request: &grant::Request,
    secret: Digest,
) -> Grant {
    Grant {
        format: Format,
        secret,
        request: request.clone(),
        expires_at: terms.expires_at,
        grace: context.server.settings.grace,
        interval: terms.interval,
        state: State::Pending { hold: None },
        decision: None,
        without_key: false,
        misidentified: 0,
    }
}

async fn store<P: Platform>(
    context: Context<'_, P>,
    (address, candidate): (Address, Candidate),
    terms: &CodeTerms,
    (grant, policy): (Grant, Option<Box<PolicyRecord>>),
) -> Result<Opened, Unavailable> {
    let settings = &context.server.settings;
    let caps = Caps { client: settings.live_codes / terms.shards, shard: settings.live_codes_per_shard };
    let open = Open { key: address.key, grant: Box::new(grant), caps, policy };
    let platform = &context.server.platform;
    if candidate.has_next {
        boxed(platform.grants_soon(address.shard, open)).await
    } else {
        platform.grants(address.shard, open).await
    }
}

/// Returns the link with the code, which tells the page when the code has expired.
fn complete_uri<P>(context: Context<'_, P>, terms: &CodeTerms, code: &UserCode) -> String {
    let proof = link::proof(code, terms.expires_at, &context.server.settings.keyring.current);
    link::complete_uri(context.issuer.as_str(), code, &proof)
}

fn describe<P>(
    context: Context<'_, P>,
    terms: &CodeTerms,
    client_id: &str,
    device_code: String,
    user_code: &UserCode,
) -> Answer {
    let verification_uri = format!("{}/device", context.issuer.as_str());
    Answer {
        device_code,
        message: format!("To sign in, open {verification_uri} and enter the code {user_code}."),
        user_code: user_code.to_string(),
        verification_uri_complete: terms.has_complete_uri.then(|| complete_uri(context, terms, user_code)),
        verification_uri,
        expires_in: terms.expires_at.since(context.now).as_secs(),
        interval: terms.interval,
        devicegrant_instant_uri: instant::address_of(context, client_id),
    }
}
