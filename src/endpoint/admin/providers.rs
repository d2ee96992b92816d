//! OpenID Providers: list, add, read, replace, change and delete them. Their secrets are written, and never shown.

use rand_core::CryptoRng;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::clients::merge;
use super::done::Done;
use super::problem::Problem;
use super::registry::{expected, send};
use super::{body, registry};
use crate::ask::Ask;
use crate::audit::change::Actor;
use crate::client::history::Expected;
use crate::derived_keys::{Keyring, same};
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::route::ADMIN_PREFIX;
use crate::endpoint::server::Context;
use crate::endpoint::upstream::sign_in::redirect_uri;
use crate::fault::Fault;
use crate::registry::command::{
    Command, CreateProvider, DeleteProvider, FindProvider, ListProviders, MOST_PROVIDERS, ProviderRefusal,
    ReplaceProvider,
};
use crate::scope::OFFLINE_ACCESS;
use crate::upstream::provider::view::view;
use crate::upstream::provider::written::{READ_ONLY, Reading, parse};
use crate::upstream::provider::{Provider, ProviderId, SealedSecret};

/// The warning about a leaver check that most providers answer with nothing.
const NO_REFRESH_TOKEN: &str = "recheck_seconds needs a refresh token, and scope lacks offline_access, without which most \
                                providers issue none: nobody would be checked";

/// Answers `GET /providers`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let providers = registry::read(context, ListProviders {}).await?;
    let providers: Vec<_> = providers.iter().map(|provider| members(context, provider)).collect();
    Ok(Done::read(Response::json(200, &json!({ "providers": providers }))))
}

/// Answers `POST /providers`.
pub(super) async fn create<P: Platform>(
    context: Context<'_, P>,
    caller: &Caller,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let provider = Box::new(parsed(context, body::object(context.request)?, None, rng)?);
    may_write(context, caller, &provider)?;
    let provider = change(context, CreateProvider { provider, dry_run, by: caller.by.clone() }).await?;
    if dry_run {
        return Ok(done(shown(context, 200, &provider, None), "provider_tried"));
    }
    let location = format!("{}{ADMIN_PREFIX}/providers/{}", context.issuer.as_str(), provider.id);
    Ok(done(shown(context, 201, &provider, None).with("location", location), "provider_created"))
}

/// Answers `GET /providers/{id}`.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, id: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let provider = find(context, id).await?;
    Ok(Done::read(shown(context, 200, &provider, None)))
}

/// Answers `PUT /providers/{id}`. Members that are not sent get their defaults, except the secret, which stays.
pub(super) async fn replace<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    caller: &Caller,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let (expected, members) = (expected(context)?, body::object(context.request)?);
    let before = current(context, id, &expected).await?;
    store(context, &before, members, caller, rng).await
}

/// Answers `PATCH /providers/{id}`. The body is a merge patch (RFC 7396).
pub(super) async fn patch<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    caller: &Caller,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let (expected, patch) = (expected(context)?, body::object(context.request)?);
    let before = current(context, id, &expected).await?;
    let mut members = view(&before);
    for name in READ_ONLY {
        members.remove(name);
    }
    merge(&mut members, patch);
    store(context, &before, members, caller, rng).await
}

/// Answers `DELETE /providers/{id}`.
pub(super) async fn delete<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let (id, expected) = (ProviderId::parse(id).ok_or(Problem::NotFound)?, expected(context)?);
    change(context, DeleteProvider { id, expected, by }).await?;
    Ok(done(Response::empty(), "provider_deleted"))
}

async fn find<P: Platform>(context: Context<'_, P>, id: &str) -> Result<Provider, Problem> {
    let id = ProviderId::parse(id).ok_or(Problem::NotFound)?;
    registry::read(context, FindProvider { id }).await?.ok_or(Problem::NotFound)
}

/// Returns the provider if it has the expected version.
async fn current<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    expected: &Expected,
) -> Result<Provider, Problem> {
    let provider = find(context, id).await?;
    if expected.holds(&provider.history) { Ok(provider) } else { Err(Problem::PreconditionFailed) }
}

/// Stores new members of a provider, if it still is what was read `before`.
async fn store<P: Platform>(
    context: Context<'_, P>,
    before: &Provider,
    mut members: Map<String, Value>,
    caller: &Caller,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    if members.get("id").is_none_or(Value::is_null) {
        members.insert("id".to_owned(), before.id.as_str().into());
    }
    let provider = parsed(context, members, Some(before), rng)?;
    if provider.id != before.id {
        let detail =
            format!("id is {:?}: it cannot be changed from {:?}", provider.id.as_str(), before.id.as_str());
        return Err(Problem::Invalid(vec![Fault::at("id", detail)]));
    }
    may_write(context, caller, &provider)?;
    let (expected, by) = (Expected::OneOf(vec![before.history.etag()]), caller.by.clone());
    let replace = ReplaceProvider { provider: Box::new(provider), expected, dry_run, by };
    let provider = change(context, replace).await?;
    let outcome = if dry_run { "provider_tried" } else { "provider_changed" };
    Ok(done(shown(context, 200, &provider, Some(before)), outcome))
}

/// Checks that the caller may decide who is in the groups of this provider: one of them may be of administrators.
fn may_write<P>(context: Context<'_, P>, caller: &Caller, provider: &Provider) -> Result<(), Problem> {
    if context.server.settings.admin_groups.has_source(provider.id.as_str()) {
        return caller.require_to_grant_administration();
    }
    Ok(())
}

/// Reads a provider, and seals its secret. A secret that is the same as before stays as it was sealed.
fn parsed<P: Platform>(
    context: Context<'_, P>,
    members: Map<String, Value>,
    before: Option<&Provider>,
    rng: &mut impl CryptoRng,
) -> Result<Provider, Problem> {
    let keyring = &context.server.settings.keyring;
    let kept = before.and_then(|before| before.authentication.secret());
    let seal = |secret: &str| match kept.filter(|kept| is(kept, secret, keyring)) {
        Some(kept) => kept.clone(),
        None => SealedSecret::seal(secret, keyring, rng),
    };
    parse(members, Reading { own: context.issuer.as_str(), before, seal }).map_err(Problem::Invalid)
}

fn is(sealed: &SealedSecret, secret: &str, keyring: &Keyring) -> bool {
    sealed.open(keyring).is_some_and(|opened| same(opened.as_bytes(), secret.as_bytes()))
}

async fn change<P, A, T>(context: Context<'_, P>, ask: A) -> Result<T, Problem>
where
    P: Platform,
    A: Ask<Command = Command, Reply = Result<T, ProviderRefusal>>,
{
    send(context, ask).await?.map_err(refused)
}

fn refused(refusal: ProviderRefusal) -> Problem {
    match refusal {
        ProviderRefusal::Missing => Problem::NotFound,
        ProviderRefusal::Stale => Problem::PreconditionFailed,
        ProviderRefusal::Exists => Problem::Conflict("A provider with this id already exists.".to_owned()),
        ProviderRefusal::Full => {
            Problem::Conflict(format!("There are {MOST_PROVIDERS} providers, which is the most."))
        }
        ProviderRefusal::SameToken(other) => Problem::Conflict(format!(
            "The provider {other} has the same scim_token_sha256: each provider needs a SCIM token of its own."
        )),
        ProviderRefusal::Taken(source) => Problem::Conflict(format!(
            "This id stands for ever for the issuer {} and its claim {}, because accounts carry it: use another id.",
            source.issuer,
            source.subject.as_str()
        )),
    }
}

/// Returns the members to show, with the addresses of this server that the provider has to know.
fn members<P>(context: Context<'_, P>, provider: &Provider) -> Map<String, Value> {
    let (issuer, id) = (context.issuer.as_str(), &provider.id);
    let mut members = view(provider);
    members.insert("redirect_uri".to_owned(), redirect_uri(context, id).into());
    members.insert("backchannel_logout_uri".to_owned(), format!("{issuer}/backchannel-logout/{id}").into());
    members.insert("security_events_uri".to_owned(), format!("{issuer}/security-events/{id}").into());
    if provider.recheck_seconds.is_some() && !provider.scope.has(OFFLINE_ACCESS) {
        members.insert("warnings".to_owned(), Value::from([NO_REFRESH_TOKEN]));
    }
    members
}

/// Builds the response that shows a provider, with its `ETag`, and says whether a change has replaced its secret.
fn shown<P>(context: Context<'_, P>, status: u16, now: &Provider, before: Option<&Provider>) -> Response {
    let mut members = members(context, now);
    let had = before.map(|before| before.authentication.secret());
    if had.is_some_and(|had| now.authentication.secret().is_some_and(|secret| had != Some(secret))) {
        members.insert("client_secret_changed".to_owned(), true.into());
    }
    Response::json(status, &members).with("etag", now.history.etag())
}

fn done(response: Response, outcome: &'static str) -> Done {
    Done { outcome, ..Done::read(response) }
}
