//! A provider as the admin API shows it: every member by the name it is written with, and no secret.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{ClaimPaths, Provider, ProviderId};
use crate::scope::Scope;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::signing_key::Algorithm;

/// The members to show, listed one by one, so that a new field of [`Provider`] is not disclosed by accident.
#[derive(Serialize)]
struct View<'a> {
    id: &'a ProviderId,
    name: &'a str,
    issuer: &'a str,
    client_id: &'a str,
    token_endpoint_auth_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg: Option<Algorithm>,
    id_token_signed_response_alg: Algorithm,
    scope: &'a Scope,
    claims: &'a ClaimPaths,
    allowed_groups: &'a [String],
    allowed_email_domains: &'a [String],
    acr_values: &'a [String],
    strong_amr: &'a [String],
    strong_acr: &'a [String],
    end_families_on_logout: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    recheck_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scim_token_sha256: Option<String>,
    enabled: bool,
    order: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<u64>,
    version: u64,
}

/// Returns the members of a provider, including defaults. Dates are in seconds since 1970.
#[must_use]
pub fn view(provider: &Provider) -> Map<String, Value> {
    let view = View {
        id: &provider.id,
        name: &provider.name,
        issuer: provider.issuer.as_str(),
        client_id: &provider.client_id,
        token_endpoint_auth_method: provider.authentication.method(),
        token_endpoint_auth_signing_alg: provider.authentication.signing_alg(),
        id_token_signed_response_alg: provider.id_token_signed_response_alg,
        scope: &provider.scope,
        claims: &provider.claims,
        allowed_groups: &provider.allowed_groups,
        allowed_email_domains: &provider.allowed_email_domains,
        acr_values: &provider.acr_values,
        strong_amr: &provider.strong_amr,
        strong_acr: &provider.strong_acr,
        end_families_on_logout: provider.end_families_on_logout,
        recheck_seconds: provider.recheck_seconds,
        scim_token_sha256: provider.scim_token.as_ref().map(Digest::hex),
        enabled: provider.enabled,
        order: provider.order,
        created_at: provider.history.created_at.map(Timestamp::seconds),
        changed_at: provider.history.changed_at.map(Timestamp::seconds),
        version: provider.history.version,
    };
    match serde_json::to_value(&view) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => Map::new(),
    }
}
