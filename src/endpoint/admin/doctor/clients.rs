//! Looks for clients that nobody can use.

use std::collections::BTreeMap;

use super::check::Check;
use crate::client::rules::RedemptionPlace;
use crate::client::{Authentication, Client, DEVICE_CODE_GRANT};
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
        for client in batch.into_iter().filter(|client| client.enabled) {
            found.enabled += 1;
            let why = match fault(context, &client) {
                Some(why) => Some(why),
                None => unfetched(context, &client, &mut fetched).await,
            };
            found.useless.extend(why.map(|why| (client.client_id, why)));
        }
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

/// Returns why the client cannot authenticate, if its keys cannot be fetched.
async fn unfetched<P: Platform>(
    context: Context<'_, P>,
    client: &Client,
    fetched: &mut usize,
) -> Option<&'static str> {
    let uses_keys = match client.authentication {
        Authentication::PrivateKeyJwt | Authentication::SelfSignedTlsClientAuth => true,
        Authentication::None | Authentication::Secret { .. } | Authentication::TlsClientAuth { .. } => false,
    };
    let uri = client.keys.jwks_uri.as_deref().filter(|_| uses_keys)?;
    if *fetched >= MOST_FETCHED {
        return None;
    }
    *fetched += 1;
    context.server.platform.fetch_text(uri).await.is_err().then_some("has a jwks_uri that cannot be fetched")
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
