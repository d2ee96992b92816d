//! A client as responses show it: metadata with the names of RFC 7591, and nothing secret.

use serde::Serialize;
use serde_json::{Map, Value};

use super::defaults;
use crate::client::registered_by::RegisteredBy;
use crate::client::rules::{About, ClientKeys, CodeRules, TokenRules};
use crate::client::{Authentication, Client};
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::token::signing_key::Algorithm;

/// The members to show, listed one by one, so that a new field of [`Client`] is not disclosed by accident.
#[derive(Serialize)]
struct View<'a> {
    client_id: &'a str,
    client_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<&'a str>,
    grant_types: &'a [String],
    scope: &'a Scope,
    token_endpoint_auth_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_client_auth_subject_dn: Option<&'a str>,
    id_token_signed_response_alg: Algorithm,
    access_token_signed_response_alg: Algorithm,
    enabled: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    redirect_uris: &'a [String],
    #[serde(flatten)]
    about: &'a About,
    #[serde(flatten)]
    keys: &'a ClientKeys,
    #[serde(flatten)]
    codes: &'a CodeRules,
    #[serde(flatten)]
    tokens: &'a TokenRules,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id_issued_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_client_secret_expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<u64>,
    version: u64,
    registered_by: RegisteredBy,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<u64>,
}

/// Returns the members of a client, including defaults. Dates are in seconds since 1970.
#[must_use]
pub fn view(client: &Client) -> Map<String, Value> {
    let mut members = match serde_json::to_value(View::of(client)) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => Map::new(),
    };
    for (name, value) in defaults() {
        members.entry(name).or_insert(value);
    }
    members
}

impl<'a> View<'a> {
    fn of(client: &'a Client) -> Self {
        let (subject_dn, expires, previous) = credentials(&client.authentication);
        Self {
            client_id: &client.client_id,
            client_name: &client.client_name,
            client_uri: client.client_uri.as_deref(),
            grant_types: &client.grant_types,
            scope: &client.scope,
            token_endpoint_auth_method: client.authentication.method(),
            tls_client_auth_subject_dn: subject_dn,
            id_token_signed_response_alg: client.id_token_signed_response_alg,
            access_token_signed_response_alg: client.access_token_signed_response_alg,
            enabled: client.enabled,
            redirect_uris: &client.redirect_uris,
            about: &client.about,
            keys: &client.keys,
            codes: &client.codes,
            tokens: &client.tokens,
            client_id_issued_at: client.history.created_at.map(Timestamp::seconds),
            client_secret_expires_at: expires,
            previous_client_secret_expires_at: previous,
            changed_at: client.history.changed_at.map(Timestamp::seconds),
            version: client.history.version,
            registered_by: client.registered_by,
            last_used_at: client.used_at.map(Timestamp::seconds),
        }
    }
}

/// Returns the expected subject of a certificate, and when the secret and the replaced secret end.
fn credentials(authentication: &Authentication) -> (Option<&str>, Option<u64>, Option<u64>) {
    match authentication {
        // RFC 7591 §3.2.1: 0 if the secret does not expire.
        Authentication::Secret { previous, .. } => {
            (None, Some(0), previous.as_ref().map(|secret| secret.until.seconds()))
        }
        Authentication::TlsClientAuth { subject_dn } => (Some(subject_dn.as_str()), None, None),
        Authentication::None | Authentication::PrivateKeyJwt | Authentication::SelfSignedTlsClientAuth => {
            (None, None, None)
        }
    }
}
