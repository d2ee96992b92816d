//! Looks for clients that nobody can use.

use std::collections::BTreeMap;

use super::check::Check;
use crate::client::rules::RedemptionPlace;
use crate::client::{Authentication, Client, DEVICE_CODE_GRANT};
use crate::endpoint::at_once::all;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::registry::command::ListClients;

const NAME: &str = "clients";
/// Clients per command.
const BATCH: u32 = 200;
/// The most key sets that are fetched: the platform's free plan allows 50 calls for a request.
const MOST_FETCHED: usize = 10;
/// The most clients that the answer names.
const MOST_NAMED: usize = 5;

pub(super) async fn look<P: Platform>(context: Context<'_, P>) -> Check {
    match examine(context).await {
        Ok(found) => report(&found),
        Err(Unavailable) => Check::skipped(NAME, "the registry does not answer"),
    }
}

#[derive(Default)]
struct Found {
    enabled: usize,
    /// Why each of these clients is of no use.
    useless: BTreeMap<String, &'static str>,
}

async fn examine<P: Platform>(context: Context<'_, P>) -> Result<Found, Unavailable> {
    // In development, this stores the demo clients if no request has done so yet.
    context.server.outline(context.now).await?;
    let mut found = Found::default();
    let (mut after, mut fetched) = (None, 0);
    loop {
        let list = ListClients { after, limit: BATCH };
        let batch = context.server.platform.registry(list).await?;
        after = batch.last().map(|client| client.client_id.clone());
        let is_last = batch.len() < BATCH as usize;
        let enabled: Vec<Client> = batch.into_iter().filter(|client| client.enabled).collect();
        found.enabled += enabled.len();
        let keys = enabled.iter().filter(|client| fault(context, client).is_none()).filter_map(with_keys);
        let keys: Vec<(&str, &str)> = keys.take(MOST_FETCHED - fetched).collect();
        fetched += keys.len();
        let unfetched = all(keys.iter().map(|(_, uri)| unfetched(context, uri))).await;
        let unfetched = keys.iter().zip(unfetched);
        let unfetched = unfetched.filter_map(|((client_id, _), why)| Some(((*client_id).to_owned(), why?)));
        found.useless.extend(unfetched);
        let faulty =
            enabled.iter().filter_map(|client| Some((client.client_id.clone(), fault(context, client)?)));
        found.useless.extend(faulty);
        if is_last {
            return Ok(found);
        }
    }
}

fn fault<P>(context: Context<'_, P>, client: &Client) -> Option<&'static str> {
    let is_placed = context.request.place.country.is_some();
    if !client.may_use(DEVICE_CODE_GRANT) {
        Some("has no device grant in grant_types")
    } else if client.codes.redemption_place != RedemptionPlace::Any && !is_placed {
        Some("has a redemption_place, but the platform does not say where requests come from")
    } else {
        None
    }
}

/// Returns a client with the address of its keys, if it authenticates by keys that are fetched.
fn with_keys(client: &Client) -> Option<(&str, &str)> {
    let uses_keys = match client.authentication {
        Authentication::PrivateKeyJwt | Authentication::SelfSignedTlsClientAuth => true,
        Authentication::None | Authentication::Secret { .. } | Authentication::TlsClientAuth { .. } => false,
    };
    let uri = client.keys.jwks_uri.as_deref().filter(|_| uses_keys)?;
    Some((client.client_id.as_str(), uri))
}

async fn unfetched<P: Platform>(context: Context<'_, P>, uri: &str) -> Option<&'static str> {
    let fetched = context.server.platform.fetch_text(uri).await;
    fetched.is_err().then_some("has a jwks_uri that cannot be fetched")
}

fn report(found: &Found) -> Check {
    if found.enabled == 0 {
        return Check::notice(
            NAME,
            "there are none",
            "Describe them in a file, and run `make apply FILE=clients.toml`.",
        );
    }
    if found.useless.is_empty() {
        return Check::ok(NAME, format!("{} enabled, all of use", found.enabled));
    }
    let named: Vec<String> =
        found.useless.iter().take(MOST_NAMED).map(|(client, why)| format!("{client} {why}")).collect();
    let more = found.useless.len().saturating_sub(MOST_NAMED);
    let more = if more == 0 { String::new() } else { format!("; and {more} others") };
    Check::problem(
        NAME,
        format!("nobody can use {} of {}: {}{more}", found.useless.len(), found.enabled, named.join("; ")),
        "Change them, or set enabled = false.",
    )
}
