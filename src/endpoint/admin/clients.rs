//! Clients: list, register, read, replace, change and delete them, and rotate their secrets.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand_core::CryptoRng;
use serde_json::{Map, Value, json};

use super::done::Done;
use super::problem::Problem;
use super::registry::{ask, expected, expected_if_any};
use super::{body, registry};
use crate::audit::change::Actor;
use crate::client::Client;
use crate::client::history::Expected;
use crate::client::registration::json_members::Members;
use crate::client::registration::view::view;
use crate::client::registration::{Fresh, READ_ONLY, parse};
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::logo::NoLogo;
use crate::endpoint::platform::Platform;
use crate::endpoint::route::ADMIN_PREFIX;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::logo::Logo;
use crate::registry::command::{
    ClientNow, CreateClient, DeleteClient, ListClients, ReplaceClient, RotateSecret, Trial,
};
use crate::scope::Scope;
use crate::secret;
use crate::secret::Digest;
use crate::web_origin::WebOrigin;

/// Seconds for which the previous secret stays valid by default: a day.
const OVERLAP: u64 = 86_400;
/// In seconds: 30 days.
const LONGEST_OVERLAP: u64 = 2_592_000;
/// The warning about `null` in `allowed_origins`.
const HIDDEN_PAGES: &str = "allowed_origins has null, which pages of any site can send: they can start this client's \
                            grants from the browser and network of whoever visits them";
/// The warning about a `logo_uri` whose image is not kept.
const UNFETCHED_LOGO: &str = "logo_uri could not be fetched when this client was last written, so no page shows a logo \
                              of this client; send the client again to fetch it again";
/// Default number of clients per page.
const PAGE: u32 = 50;
/// Largest number of clients per page.
const LARGEST_PAGE: u32 = 200;

/// Answers `GET /clients`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &["limit", "cursor"])?;
    let (limit, after) = (limit(&query)?, cursor(&query)?);
    // One client more than the page holds shows whether there is a next page.
    let mut clients = registry::read(context, ListClients { after, limit: limit + 1 }).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_last = clients.len() <= limit;
    clients.truncate(limit);
    let next = clients.last().filter(|_| !is_last).map(|client| secret::encode(client.client_id.as_bytes()));
    let mut page = json!({ "clients": clients.iter().map(view).collect::<Vec<_>>() });
    if let (Some(next), Some(page)) = (next, page.as_object_mut()) {
        page.insert("next_cursor".to_owned(), Value::from(next));
    }
    Ok(Done::read(Response::json(200, &page)))
}

pub(super) fn limit(query: &Form) -> Result<u32, Problem> {
    let Some(text) = query.get("limit") else { return Ok(PAGE) };
    let limit = text.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
    let detail = || format!("limit is {text:?}: it must be a whole number from 1 to {LARGEST_PAGE}");
    limit.ok_or_else(|| Problem::Invalid(vec![Fault::at("limit", detail())]))
}

pub(super) fn cursor(query: &Form) -> Result<Option<String>, Problem> {
    let Some(text) = query.get("cursor") else { return Ok(None) };
    // The document can say that a cursor is base64url, but not of what. Since every client_id is ASCII, it does not
    // matter where a cursor made of other bytes points.
    let after = secret::decode(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let detail = "cursor must be the next_cursor of a previous page";
    after.map(Some).ok_or_else(|| Problem::Invalid(vec![Fault::at("cursor", detail)]))
}

/// Answers `POST /clients`.
pub(super) async fn create<P: Platform>(
    context: Context<'_, P>,
    by: Actor,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let dry_run = trial(context)?;
    let new = New::draw(rng);
    let client = new.client(body::object(context.request)?, secret::random_id(rng))?;
    let is_trial = dry_run.is_some();
    let (logo, missing) = logo(context, &client, is_trial).await;
    let now = ask(context, CreateClient { client: Box::new(client), logo, dry_run, by }).await?;
    let (client, secret) = new.take(now);
    let warning = missing.map(|why| missing_logo(&client, why));
    let response = shown(if is_trial { 200 } else { 201 }, &client, secret.filter(|_| !is_trial), warning);
    let done = changed(response, client, if is_trial { "client_tried" } else { "client_created" });
    if is_trial {
        return Ok(done);
    }
    let name = utf8_percent_encode(done.client.as_deref().unwrap_or_default(), NON_ALPHANUMERIC);
    let location = format!("{}{ADMIN_PREFIX}/clients/{name}", context.issuer.as_str());
    Ok(Done { response: done.response.with("location", location), ..done })
}

/// Answers `GET /clients/{client_id}`.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, client_id: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let client = find(context, client_id).await?;
    let response = shown(200, &client, None, unfetched_logo(&client));
    Ok(Done { client: Some(client.client_id), ..Done::read(response) })
}

/// Answers `PUT /clients/{client_id}`. Members that are not sent get their defaults.
pub(super) async fn replace<P: Platform>(
    context: Context<'_, P>,
    client_id: &str,
    by: Actor,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let (expected, members) = (expected(context)?, body::object(context.request)?);
    store(context, client_id, members, expected, by, rng).await
}

/// Answers `PATCH /clients/{client_id}`. The body is a merge patch (RFC 7396).
pub(super) async fn change<P: Platform>(
    context: Context<'_, P>,
    client_id: &str,
    by: Actor,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let (expected, patch) = (expected(context)?, body::object(context.request)?);
    let client = find(context, client_id).await?;
    if !expected.holds(&client.history) {
        return Err(Problem::PreconditionFailed);
    }
    let mut members = view(&client);
    for name in READ_ONLY {
        members.remove(name);
    }
    merge(&mut members, patch);
    // The patched client is stored only if it is still the version that was read above.
    store(context, client_id, members, Expected::OneOf(vec![client.history.etag()]), by, rng).await
}

/// Applies a merge patch (RFC 7396 §2).
pub(super) fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match (target.get_mut(&name), value) {
            (_, Value::Null) => drop(target.remove(&name)),
            (Some(Value::Object(inner)), Value::Object(patch)) => merge(inner, patch),
            (_, value) => drop(target.insert(name, value)),
        }
    }
}

async fn store<P: Platform>(
    context: Context<'_, P>,
    client_id: &str,
    members: Map<String, Value>,
    expected: Expected,
    by: Actor,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let dry_run = trial(context)?;
    let new = New::draw(rng);
    let client = new.client(members, client_id.to_owned())?;
    if client.client_id != client_id {
        let detail = format!("client_id is {:?}: it cannot be changed from {client_id:?}", client.client_id);
        return Err(Problem::Invalid(vec![Fault::at("client_id", detail)]));
    }
    let is_trial = dry_run.is_some();
    let (logo, missing) = if has_operator(context, &client).await? {
        logo(context, &client, is_trial).await
    } else {
        (None, None)
    };
    let now = ask(context, ReplaceClient { client: Box::new(client), logo, expected, dry_run, by }).await?;
    let (client, secret) = new.take(now);
    let warning = missing.map(|why| missing_logo(&client, why));
    let response = shown(200, &client, secret.filter(|_| !is_trial), warning);
    Ok(changed(response, client, if is_trial { "client_tried" } else { "client_changed" }))
}

/// Answers `DELETE /clients/{client_id}`.
pub(super) async fn delete<P: Platform>(
    context: Context<'_, P>,
    client_id: &str,
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let (client_id, expected) = (client_id.to_owned(), expected(context)?);
    ask(context, DeleteClient { client_id: client_id.clone(), expected, by }).await?;
    let client = Some(client_id);
    Ok(Done { client, outcome: "client_deleted", ..Done::read(Response::empty()) })
}

/// Answers `POST /clients/{client_id}/secret`.
pub(super) async fn rotate<P: Platform>(
    context: Context<'_, P>,
    client_id: &str,
    by: Actor,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let mut members = Members::of(body::object_if_any(context.request)?);
    let overlap = members.number("overlap", 0..=LONGEST_OVERLAP).unwrap_or(OVERLAP);
    body::sound(members)?;
    let new = New::draw(rng);
    let expected = expected_if_any(context)?.unwrap_or(Expected::Any);
    let secret = new.digest();
    let rotation = RotateSecret { client_id: client_id.to_owned(), expected, secret, overlap, by };
    let (client, secret) = new.take(ask(context, rotation).await?);
    let response = shown(200, &client, secret, unfetched_logo(&client));
    Ok(changed(response, client, "client_secret_rotated"))
}

/// Fetches the logo of a client, unless this is a dry run. The second half says why there is none.
async fn logo<P: Platform>(
    context: Context<'_, P>,
    client: &Client,
    is_trial: bool,
) -> (Option<Logo>, Option<NoLogo>) {
    let Some(uri) = client.about.logo_uri.as_deref().filter(|_| !is_trial) else { return (None, None) };
    match context.server.fetch_client_logo(uri, context.now).await {
        Ok(logo) => (Some(logo), None),
        Err(why) => (None, Some(why)),
    }
}

/// Returns whether an operator registered the client that is replaced. The logo of any other is not fetched, so that
/// nobody chooses an address that this server calls.
async fn has_operator<P: Platform>(context: Context<'_, P>, client: &Client) -> Result<bool, Problem> {
    if client.about.logo_uri.is_none() {
        return Ok(false);
    }
    let before = context.server.registered_client(&client.client_id).await?;
    Ok(before.is_some_and(|before| before.registered_by.is_operator()))
}

/// Returns the warning about a logo that could not be fetched.
fn missing_logo(client: &Client, why: NoLogo) -> String {
    let now = match client.logo {
        Some(_) => "The image that was fetched before stays",
        None => "No page shows a logo of this client",
    };
    format!("logo_uri {why}. {now}; send the client again to fetch it again")
}

/// Returns the warning about a logo that was not fetched when the client was last written.
fn unfetched_logo(client: &Client) -> Option<String> {
    let is_missing =
        client.registered_by.is_operator() && client.about.logo_uri.is_some() && client.logo.is_none();
    is_missing.then(|| UNFETCHED_LOGO.to_owned())
}

async fn find<P: Platform>(context: Context<'_, P>, client_id: &str) -> Result<Client, Problem> {
    context.server.outline(context.now).await?;
    context.server.registered_client(client_id).await?.ok_or(Problem::NotFound)
}

/// Reads `dry_run` and `assuming_scope`: whether to change nothing, and which scopes count as if they had a
/// description.
pub(super) fn trial<P>(context: Context<'_, P>) -> Result<Option<Trial>, Problem> {
    let query = body::query(context.request, &["dry_run", "assuming_scope"])?;
    let scopes = Scope::parse(query.get("assuming_scope").unwrap_or_default());
    let faulty = |name: &str, detail: &str| Problem::Invalid(vec![Fault::at(name, detail)]);
    let scopes =
        scopes.ok_or_else(|| faulty("assuming_scope", "assuming_scope must be space-separated scopes"))?;
    body::is_dry_run(&query).map(|dry_run| dry_run.then_some(Trial { scopes }))
}

/// Builds the response that shows a client, with its `ETag`, with what operators should know about it and, if the
/// secret is new, with the secret.
fn shown(status: u16, client: &Client, secret: Option<String>, warning: Option<String>) -> Response {
    let mut members = view(client);
    if let Some(secret) = secret {
        members.insert("client_secret".to_owned(), Value::from(secret));
    }
    let is_open = client.codes.allowed_origins.iter().any(WebOrigin::hides_address);
    let warnings: Vec<String> = is_open.then(|| HIDDEN_PAGES.to_owned()).into_iter().chain(warning).collect();
    if !warnings.is_empty() {
        members.insert("warnings".to_owned(), Value::from(warnings));
    }
    Response::json(status, &members).with("etag", client.history.etag())
}

fn changed(response: Response, client: Client, outcome: &'static str) -> Done {
    Done { client: Some(client.client_id), outcome, ..Done::read(response) }
}

/// A secret that is made before the registry says whether the client needs one. It has 256 random bits, so
/// nobody can guess it from its digest.
pub(crate) struct New(String);

impl New {
    pub(crate) fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(secret::encode(&secret::random::<32>(rng)))
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    fn client(&self, members: Map<String, Value>, client_id: String) -> Result<Client, Problem> {
        let fresh = Fresh { client_id, secret: self.digest() };
        parse(members, fresh, true).map_err(Problem::Invalid)
    }

    /// Returns the client, and the secret if the registry stored it.
    pub(crate) fn take(self, now: ClientNow) -> (Client, Option<String>) {
        (*now.client, now.is_new_secret.then_some(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_works_as_in_rfc_7396() {
        // RFC 7396 §3, without the title.
        let mut target = json!({ "author": { "givenName": "John", "familyName": "Doe" }, "tags": ["a", "b"], "content": "x" });
        let patch = json!({ "phoneNumber": "+01", "author": { "familyName": null }, "tags": ["a"] });
        let (Some(members), Value::Object(patch)) = (target.as_object_mut(), patch) else {
            panic!("both are objects")
        };

        merge(members, patch);

        assert_eq!(
            target,
            json!({ "author": { "givenName": "John" }, "tags": ["a"], "content": "x", "phoneNumber": "+01" })
        );
    }
}
