//! Looks at the identity providers, and so at outbound requests: reads the discovery document and the keys of each.

use serde_json::Value;

use super::check::Check;
use crate::endpoint::at_once::all;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::json;
use crate::registry::command::ListProviders;
use crate::upstream::provider::Provider;

const NAME: &str = "providers";
/// The most providers that are looked at: each takes two of the 50 calls that the platform's free plan allows.
const MOST: usize = 5;

pub(super) async fn look<P: Platform>(context: Context<'_, P>) -> Check {
    let Ok(providers) = context.server.platform.registry(ListProviders {}).await else {
        return Check::skipped(NAME, "the registry does not answer");
    };
    let enabled: Vec<Provider> =
        providers.into_iter().filter(|provider| provider.enabled).take(MOST).collect();
    if enabled.is_empty() {
        return Check::ok(NAME, "people sign in here, at no provider");
    }
    let faults = all(enabled.iter().map(|provider| fault(context, provider))).await;
    let faults = enabled.iter().zip(faults);
    let faults: Vec<String> =
        faults.filter_map(|(provider, fault)| Some(format!("{} {}", provider.id, fault?))).collect();
    if faults.is_empty() {
        return Check::ok(NAME, format!("{} reached, with keys", enabled.len()));
    }
    Check::problem(
        NAME,
        faults.join("; "),
        "Compare the issuer with what the provider's documentation says, letter for letter, and see whether the Worker can \
         reach it.",
    )
}

/// Returns what is wrong with a provider (OpenID Connect Discovery §4).
async fn fault<P: Platform>(context: Context<'_, P>, provider: &Provider) -> Option<String> {
    let issuer = provider.issuer.as_str();
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let Some(document) = json(context, &address).await else {
        return Some(format!("cannot be reached at {address}"));
    };
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    match (text("issuer"), text("jwks_uri")) {
        (Some(named), _) if named != issuer => {
            Some(format!("calls itself {named}, but its issuer here is {issuer}"))
        }
        (Some(_), Some(uri)) => {
            let keys = json(context, uri).await;
            let has_keys =
                keys.and_then(|set| set.get("keys").and_then(Value::as_array).map(|keys| !keys.is_empty()));
            (has_keys != Some(true)).then(|| "has no keys at its jwks_uri".to_owned())
        }
        (None, _) | (_, None) => Some("has a discovery document without issuer or jwks_uri".to_owned()),
    }
}

async fn json<P: Platform>(context: Context<'_, P>, address: &str) -> Option<Value> {
    json::read(&context.server.platform.fetch_text(address).await.ok()?).ok()
}
