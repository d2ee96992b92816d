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

    pub(super) const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::DeviceAuthorization
            | Self::Token
            | Self::Introspection
            | Self::Revocation
            | Self::Registration => &["POST"],
            Self::Verify | Self::Authorize | Self::UserInfo => &["GET", "HEAD", "POST"],
            Self::Metadata | Self::ProtectedResource | Self::Keys | Self::Health => &["GET", "HEAD"],
            // Each address there has its own.
            Self::Admin => &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
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

    /// Whether it is at the mTLS host, too (RFC 8705 §5): where clients authenticate, or show a bound token.
    pub(super) const fn has_mtls_alias(self) -> bool {
        match self {
            Self::DeviceAuthorization
            | Self::Token
            | Self::Introspection
            | Self::Revocation
            | Self::UserInfo => true,
            Self::Verify
            | Self::Authorize
            | Self::Metadata
            | Self::ProtectedResource
            | Self::Keys
            | Self::Health
            | Self::Admin
            | Self::Registration => false,
        }
    }

    /// Whether a DPoP proof may come with a request (RFC 9449 §4).
    pub(super) const fn takes_proofs(self) -> bool {
        match self {
            Self::DeviceAuthorization | Self::Token | Self::UserInfo => true,
            Self::Introspection
            | Self::Revocation
            | Self::Verify
            | Self::Authorize
            | Self::Metadata
            | Self::ProtectedResource
            | Self::Keys
            | Self::Health
            | Self::Admin
            | Self::Registration => false,
        }
    }

    /// Whether a script on another site may call it: what a browser client needs, and never the pages
    /// (RFC 9700 §2.6). Nothing here goes by a cookie, so any origin may.
    pub(super) const fn is_open_to_scripts(self) -> bool {
        match self {
            Self::DeviceAuthorization
            | Self::Token
            | Self::Revocation
            | Self::UserInfo
            | Self::Metadata
            | Self::ProtectedResource
            | Self::Keys => true,
            Self::Introspection
            | Self::Verify
            | Self::Authorize
            | Self::Health
            | Self::Admin
            | Self::Registration => false,
        }
    }
}
