//! The documents in which the server describes itself: metadata (RFC 8414, OpenID Connect Discovery, RFC
//! 9728) and public keys (RFC 7517).

use serde::Serialize;

use super::client_auth::client_metadata::ClientAuthentication;
use super::error::Error;
use super::http::Response;
use super::instant;
use super::platform::Platform;
use super::server::Context;
use crate::client::{DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT};
use crate::format::is_false;
use crate::grant::pkce;
use crate::identity::acr;
use crate::language::Language;
use crate::token::signing_key::{Algorithm, PublicKey};

/// The response of `/healthz`.
#[derive(Serialize)]
pub(super) struct Health {
    pub version: String,
    pub named_wasm: String,
}

/// Metadata of the server (RFC 8414 §2). §3.2 forbids empty arrays; `response_types_supported` is one all the
/// same: see `docs/decisions/0003-discovery-for-strict-clients.md`.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of the document")]
struct Metadata<'a> {
    issuer: String,
    device_authorization_endpoint: String,
    token_endpoint: String,
    introspection_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    revocation_endpoint: String,
    userinfo_endpoint: String,
    authorization_endpoint: String,
    /// RFC 9207 §3.
    authorization_response_iss_parameter_supported: bool,
    jwks_uri: String,
    response_types_supported: [&'static str; 0],
    grant_types_supported: [&'static str; 2],
    #[serde(flatten)]
    authentication: ClientAuthentication,
    scopes_supported: Vec<&'a str>,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [Algorithm; 6],
    userinfo_signing_alg_values_supported: [Algorithm; 6],
    acr_values_supported: [&'static str; 2],
    ui_locales_supported: [&'static str; Language::ALL.len()],
    claims_supported: [&'static str; 16],
    request_uri_parameter_supported: bool,
    /// RFC 9449 §5.1.
    dpop_signing_alg_values_supported: [&'static str; 7],
    /// Our extension: a DPoP proof or `dpop_jkt` at the device authorization endpoint binds the device code
    /// to a key. See `docs/dpop.md`.
    device_authorization_dpop_supported: bool,
    /// Our extension: see `docs/verification.md`.
    initiation_verification_supported: bool,
    /// Our extension: see `docs/instant.md`.
    #[serde(skip_serializing_if = "Option::is_none")]
    devicegrant_instant_uri: Option<String>,
    /// draft-ietf-oauth-refresh-token-expiration.
    refresh_token_expiration_types_supported: [&'static str; 2],
    /// draft-ietf-oauth-client-id-metadata-document; only if a document is let in.
    #[serde(skip_serializing_if = "is_false")]
    client_id_metadata_document_supported: bool,
    /// Applies to the device authorization endpoint.
    code_challenge_methods_supported: [&'static str; 1],
}

/// The claims of tokens and of `/userinfo`, without those that claim mappings of scopes and clients add.
const CLAIMS: [&str; 16] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "at_hash",
    "sid",
    "name",
    "preferred_username",
    "email",
    "email_verified",
    "client_id",
];

/// Serves the metadata document, which is the same for RFC 8414 and OpenID Connect Discovery.
pub(super) async fn discovery<P: Platform>(context: Context<'_, P>) -> Response {
    let Ok(outline) = context.server.outline(context.now).await else {
        return Error::Unavailable.response();
    };
    let issuer = context.issuer.as_str();
    let at = |path: &str| format!("{issuer}{path}");
    let document = Metadata {
        issuer: issuer.to_owned(),
        device_authorization_endpoint: at("/device_authorization"),
        token_endpoint: at("/token"),
        introspection_endpoint: at("/introspect"),
        registration_endpoint: context.server.settings.registration.as_ref().map(|_| at("/register")),
        revocation_endpoint: at("/revoke"),
        userinfo_endpoint: at("/userinfo"),
        authorization_endpoint: at("/authorize"),
        authorization_response_iss_parameter_supported: true,
        jwks_uri: at("/jwks.json"),
        response_types_supported: [],
        grant_types_supported: [DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT],
        authentication: ClientAuthentication::of(context),
        scopes_supported: outline.scopes.keys().map(String::as_str).collect(),
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: Algorithm::ALL,
        userinfo_signing_alg_values_supported: Algorithm::ALL,
        acr_values_supported: acr::SUPPORTED,
        ui_locales_supported: Language::ALL.map(Language::tag),
        claims_supported: CLAIMS,
        request_uri_parameter_supported: false,
        dpop_signing_alg_values_supported: Algorithm::NAMES,
        device_authorization_dpop_supported: true,
        initiation_verification_supported: true,
        devicegrant_instant_uri: instant::address(context),
        refresh_token_expiration_types_supported: ["authorization", "token_timeout"],
        client_id_metadata_document_supported: outline.documents.iter().any(|entry| entry.enabled),
        code_challenge_methods_supported: [pkce::METHOD],
    };
    cacheable(&document)
}

/// Metadata of a protected resource (RFC 9728 §2).
#[derive(Serialize)]
struct ProtectedResource<'a> {
    resource: String,
    authorization_servers: [&'a str; 1],
    scopes_supported: Vec<&'a str>,
    bearer_methods_supported: [&'static str; 2],
    resource_name: &'static str,
    #[serde(skip_serializing_if = "is_false")]
    tls_client_certificate_bound_access_tokens: bool,
    dpop_signing_alg_values_supported: [&'static str; 7],
    dpop_bound_access_tokens_required: bool,
}

/// Serves the metadata of `/userinfo` as a protected resource (RFC 9728).
pub(super) async fn protected_resource<P: Platform>(context: Context<'_, P>) -> Response {
    let Ok(outline) = context.server.outline(context.now).await else {
        return Error::Unavailable.response();
    };
    let issuer = context.issuer.as_str();
    cacheable(&ProtectedResource {
        resource: format!("{issuer}/userinfo"),
        authorization_servers: [issuer],
        scopes_supported: outline.scopes.keys().map(String::as_str).collect(),
        bearer_methods_supported: ["header", "body"],
        resource_name: "userinfo",
        tls_client_certificate_bound_access_tokens: context.server.settings.mtls.is_some(),
        dpop_signing_alg_values_supported: Algorithm::NAMES,
        dpop_bound_access_tokens_required: false,
    })
}

#[derive(Serialize)]
struct KeySet<'a> {
    keys: &'a [PublicKey],
}

/// Serves the public keys as a JWK Set (RFC 7517 §5).
pub(super) async fn keys<P: Platform>(context: Context<'_, P>) -> Response {
    match context.server.verifying_keys(context.now).await {
        Ok(keys) => cacheable(&KeySet { keys: &keys }),
        Err(_) => Error::Unavailable.response(),
    }
}

fn cacheable(document: &impl Serialize) -> Response {
    Response::json(200, document)
        .with_only("cache-control", "public, max-age=300".to_owned())
        .without("pragma")
}
