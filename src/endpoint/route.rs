//! The routes, and on which terms each is served.

use super::admin;
use crate::settings::{Issuer, Settings};

/// The routes. Each is relative to the issuer; the metadata stands where RFC 8414 §3 puts it.
#[derive(Clone, Copy)]
pub(super) enum Route {
    DeviceAuthorization,
    Token,
    Introspection,
    Revocation,
    UserInfo,
    Verify,
    Authorize,
    Metadata,
    ProtectedResource,
    Keys,
    Health,
    Admin,
    Registration,
}

/// On which terms a route is served.
pub(super) struct Terms {
    /// What may be sent there.
    pub(super) methods: &'static [&'static str],
    /// Whether it is at the mTLS host, too (RFC 8705 §5): where clients authenticate, or show a bound token.
    pub(super) mtls: bool,
    /// Whether a DPoP proof may come with a request (RFC 9449 §4).
    pub(super) proofs: bool,
    /// Whether a script on another site may call it: what a browser client needs, and never the pages
    /// (RFC 9700 §2.6). Nothing there goes by a cookie, so any origin may.
    pub(super) scripts: bool,
}

const READ: &[&str] = &["GET", "HEAD"];
const POST: &[&str] = &["POST"];
const BOTH: &[&str] = &["GET", "HEAD", "POST"];
const ANY: &[&str] = &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

impl Route {
    pub(super) fn find(path: &str, issuer: &Issuer) -> Option<Self> {
        let base = issuer.path();
        if path.strip_prefix("/.well-known/oauth-authorization-server") == Some(base) {
            return Some(Self::Metadata);
        }
        // RFC 9728 §3.1: between the host and the path of the resource, which is `/userinfo`.
        let resource = path.strip_prefix("/.well-known/oauth-protected-resource");
        if resource.and_then(|rest| rest.strip_prefix(base)) == Some("/userinfo") {
            return Some(Self::ProtectedResource);
        }
        let path = path.strip_prefix(base)?;
        if path.strip_prefix(admin::PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Some(Self::Admin);
        }
        match path {
            "/device_authorization" => Some(Self::DeviceAuthorization),
            "/token" => Some(Self::Token),
            "/introspect" => Some(Self::Introspection),
            "/revoke" => Some(Self::Revocation),
            "/userinfo" => Some(Self::UserInfo),
            "/device" => Some(Self::Verify),
            "/authorize" => Some(Self::Authorize),
            "/.well-known/openid-configuration" => Some(Self::Metadata),
            "/jwks.json" => Some(Self::Keys),
            "/register" => Some(Self::Registration),
            "/healthz" => Some(Self::Health),
            _ => None,
        }
    }

    /// On which terms it is served.
    pub(super) const fn terms(self) -> Terms {
        const NONE: Terms = Terms { methods: READ, mtls: false, proofs: false, scripts: false };
        match self {
            Self::DeviceAuthorization | Self::Token => {
                Terms { methods: POST, mtls: true, proofs: true, scripts: true }
            }
            Self::UserInfo => Terms { methods: BOTH, mtls: true, proofs: true, scripts: true },
            Self::Revocation => Terms { methods: POST, mtls: true, scripts: true, ..NONE },
            Self::Introspection => Terms { methods: POST, mtls: true, ..NONE },
            Self::Metadata | Self::ProtectedResource | Self::Keys => Terms { scripts: true, ..NONE },
            Self::Health => NONE,
            Self::Verify | Self::Authorize => Terms { methods: BOTH, ..NONE },
            Self::Registration => Terms { methods: POST, ..NONE },
            // Each address there has its own.
            Self::Admin => Terms { methods: ANY, ..NONE },
        }
    }

    /// Whether it is there at all, with these settings.
    pub(super) const fn is_served(self, settings: &Settings) -> bool {
        match self {
            Self::Admin => settings.admin_token.is_some(),
            Self::Registration => settings.registration.is_some(),
            Self::DeviceAuthorization
            | Self::Token
            | Self::Introspection
            | Self::Revocation
            | Self::UserInfo
            | Self::Verify
            | Self::Authorize
            | Self::Metadata
            | Self::ProtectedResource
            | Self::Keys
            | Self::Health => true,
        }
    }
}
