//! The part of the metadata about client authentication (RFC 8414 §2, RFC 8705 §3.3, §5).

use serde::Serialize;

use crate::endpoint::server::Context;
use crate::format::is_false;
use crate::settings::issuer::Issuer;
use crate::token::signing_key::Algorithm;

/// Members of the metadata. A list of methods that has `private_key_jwt` requires a list of algorithms next
/// to it.
#[derive(Serialize)]
pub(crate) struct ClientAuthentication {
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 7],
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 7],
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 7],
    #[serde(skip_serializing_if = "is_false")]
    tls_client_certificate_bound_access_tokens: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtls_endpoint_aliases: Option<Aliases>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "RFC 8414 gives them these names")]
struct Aliases {
    device_authorization_endpoint: String,
    token_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    userinfo_endpoint: String,
}

impl ClientAuthentication {
    pub(crate) fn of<P>(context: Context<'_, P>) -> Self {
        let mtls = context.server.settings.mtls.as_ref();
        let by_certificate: &[_] =
            if mtls.is_some() { &["tls_client_auth", "self_signed_tls_client_auth"] } else { &[] };
        // Introspection is not for public clients (RFC 7662 §2.1).
        let proven =
            [&["client_secret_basic", "client_secret_post", "private_key_jwt"], by_certificate].concat();
        let any = [&["none"], proven.as_slice()].concat();
        Self {
            token_endpoint_auth_methods_supported: any.clone(),
            token_endpoint_auth_signing_alg_values_supported: Algorithm::NAMES,
            revocation_endpoint_auth_methods_supported: any,
            revocation_endpoint_auth_signing_alg_values_supported: Algorithm::NAMES,
            introspection_endpoint_auth_methods_supported: proven,
            introspection_endpoint_auth_signing_alg_values_supported: Algorithm::NAMES,
            tls_client_certificate_bound_access_tokens: mtls.is_some(),
            mtls_endpoint_aliases: mtls.map(|mtls| Aliases::at(mtls, context.issuer)),
        }
    }
}

impl Aliases {
    fn at(mtls: &Issuer, issuer: &Issuer) -> Self {
        let at = |path: &str| format!("{}{}{path}", mtls.origin(), issuer.path());
        Self {
            device_authorization_endpoint: at("/device_authorization"),
            token_endpoint: at("/token"),
            introspection_endpoint: at("/introspect"),
            revocation_endpoint: at("/revoke"),
            userinfo_endpoint: at("/userinfo"),
        }
    }
}
