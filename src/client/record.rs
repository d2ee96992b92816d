//! Reads a client from its record.
//!
//! A record is flat, while [`Client`] has groups. A group that serde flattens is read last, from a copy of every member that
//! no field before it has taken. Each start of a device reads a record, so one struct reads all members directly.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::history::History;
use super::registered_by::RegisteredBy;
use super::rules::{
    About, AccessTokenFormat, ClientKeys, CodeRules, RedemptionPlace, TokenRules, UserCodeType,
};
use super::{Authentication, Client, Retiring, SecretBy};
use crate::format::Format;
use crate::identity::demand::Demand;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::mapping::Rules;
use crate::token::signing_key::Algorithm;
use crate::web_origin::WebOrigin;

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of the record")]
struct Record {
    format: Format<1>,
    client_id: String,
    client_name: String,
    client_uri: Option<String>,
    grant_types: Vec<String>,
    scope: Scope,
    authentication: Authentication,
    id_token_signed_response_alg: Algorithm,
    access_token_signed_response_alg: Algorithm,
    enabled: bool,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    registered_by: RegisteredBy,
    used_at: Option<Timestamp>,
    logo: Option<String>,
    #[serde(default)]
    history: History,
    // `About`
    logo_uri: Option<String>,
    policy_uri: Option<String>,
    tos_uri: Option<String>,
    #[serde(default)]
    contacts: Vec<String>,
    owner: Option<String>,
    consent_text: Option<String>,
    // `ClientKeys`
    jwks: Option<Value>,
    jwks_uri: Option<String>,
    // `CodeRules`
    code_lifetime: Option<u64>,
    polling_interval: Option<u64>,
    #[serde(default)]
    user_code_type: UserCodeType,
    #[serde(default = "yes")]
    verification_uri_complete: bool,
    device_client_authentication: Option<bool>,
    #[serde(default)]
    allowed_origins: Vec<WebOrigin>,
    #[serde(default)]
    redemption_place: RedemptionPlace,
    #[serde(default = "one")]
    shards_per_network: u8,
    #[serde(default)]
    sign_in: Demand,
    // `TokenRules`
    #[serde(default)]
    access_token_format: AccessTokenFormat,
    #[serde(default)]
    audience: Vec<String>,
    access_token_lifetime: Option<u64>,
    id_token_lifetime: Option<u64>,
    refresh_token_idle_lifetime: Option<u64>,
    refresh_token_lifetime: Option<u64>,
    userinfo_signed_response_alg: Option<Algorithm>,
    #[serde(default)]
    dpop_bound_access_tokens: bool,
    #[serde(default)]
    tls_client_certificate_bound_access_tokens: bool,
    #[serde(default)]
    claims: Rules,
}

/// An [`Authentication`] as a record has it: flat, too.
#[derive(Deserialize)]
struct WrittenAuthentication {
    method: Method,
    digest: Option<Digest>,
    previous: Option<Retiring>,
    #[serde(default)]
    by: SecretBy,
    subject_dn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    None,
    Secret,
    PrivateKeyJwt,
    TlsClientAuth,
    SelfSignedTlsClientAuth,
}

impl WrittenAuthentication {
    fn authentication(self) -> Option<Authentication> {
        let Self { method, digest, previous, by, subject_dn } = self;
        Some(match method {
            Method::None => Authentication::None,
            Method::Secret => Authentication::Secret { digest: digest?, previous, by },
            Method::PrivateKeyJwt => Authentication::PrivateKeyJwt,
            Method::TlsClientAuth => Authentication::TlsClientAuth { subject_dn: subject_dn? },
            Method::SelfSignedTlsClientAuth => Authentication::SelfSignedTlsClientAuth,
        })
    }
}

impl<'de> Deserialize<'de> for Authentication {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let authentication = WrittenAuthentication::deserialize(deserializer)?.authentication();
        authentication.ok_or_else(|| de::Error::custom("an authentication lacks a member"))
    }
}

const fn yes() -> bool {
    true
}

const fn one() -> u8 {
    1
}

impl<'de> Deserialize<'de> for Client {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Record::deserialize(deserializer).map(Self::from)
    }
}

impl From<Record> for Client {
    fn from(record: Record) -> Self {
        Self {
            format: record.format,
            client_id: record.client_id,
            client_name: record.client_name,
            client_uri: record.client_uri,
            grant_types: record.grant_types,
            scope: record.scope,
            authentication: record.authentication,
            id_token_signed_response_alg: record.id_token_signed_response_alg,
            access_token_signed_response_alg: record.access_token_signed_response_alg,
            enabled: record.enabled,
            redirect_uris: record.redirect_uris,
            registered_by: record.registered_by,
            used_at: record.used_at,
            logo: record.logo,
            about: About {
                logo_uri: record.logo_uri,
                policy_uri: record.policy_uri,
                tos_uri: record.tos_uri,
                contacts: record.contacts,
                owner: record.owner,
                consent_text: record.consent_text,
            },
            keys: ClientKeys { jwks: record.jwks, jwks_uri: record.jwks_uri },
            codes: CodeRules {
                code_lifetime: record.code_lifetime,
                polling_interval: record.polling_interval,
                user_code_type: record.user_code_type,
                verification_uri_complete: record.verification_uri_complete,
                device_client_authentication: record.device_client_authentication,
                allowed_origins: record.allowed_origins,
                redemption_place: record.redemption_place,
                shards_per_network: record.shards_per_network,
                sign_in: record.sign_in,
            },
            tokens: TokenRules {
                access_token_format: record.access_token_format,
                audience: record.audience,
                access_token_lifetime: record.access_token_lifetime,
                id_token_lifetime: record.id_token_lifetime,
                refresh_token_idle_lifetime: record.refresh_token_idle_lifetime,
                refresh_token_lifetime: record.refresh_token_lifetime,
                userinfo_signed_response_alg: record.userinfo_signed_response_alg,
                dpop_bound_access_tokens: record.dpop_bound_access_tokens,
                tls_client_certificate_bound_access_tokens: record.tls_client_certificate_bound_access_tokens,
                claims: record.claims,
            },
            history: record.history,
        }
    }
}
