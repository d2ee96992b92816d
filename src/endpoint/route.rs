//! The routes and the terms on which each one is served.

use crate::settings::Settings;
use crate::settings::issuer::Issuer;

/// Path of the logos, relative to the issuer, up to the name of the image.
pub(super) const LOGO_PREFIX: &str = "/logo/";

/// Path of SCIM, relative to the issuer.
pub(super) const SCIM_PREFIX: &str = "/scim/v2";
/// Path of the back-channel logout of providers, relative to the issuer, up to the provider's identifier.
pub(super) const LOGOUT_PREFIX: &str = "/backchannel-logout/";

/// Path of the security events of providers, relative to the issuer, up to the provider's identifier.
pub(super) const EVENTS_PREFIX: &str = "/security-events/";

/// Path of the callbacks of providers, relative to the issuer, up to the provider's identifier.
pub(super) const CALLBACK_PREFIX: &str = "/callback/";

/// Path of the signed roots, relative to the issuer, up to the day.
pub(super) const ROOTS_PREFIX: &str = "/ledger/roots/";

/// Path of the admin API, relative to the issuer.
pub(super) const ADMIN_PREFIX: &str = "/admin/api";

/// Path of the console, relative to the issuer. The admin API is below it.
pub(super) const CONSOLE_PREFIX: &str = "/admin";

/// A route. Paths are relative to the issuer, except for the metadata of RFC 8414 §3 and RFC 9728 §3.1: their
/// `/.well-known/` path comes between the issuer's host and its path.
#[derive(Clone, Copy)]
pub(super) enum Route {
    DeviceAuthorization,
    Token,
    Instant,
    Introspection,
    Revocation,
    UserInfo,
    Verify,
    Account,
    Passkeys,
    AccessRequests,
    Console,
    Invitation,
    Qr,
    Logo,
    Authorize,
    Callback,
    BackchannelLogout,
    SecurityEvents,
    Metadata,
    ProtectedResource,
    Keys,
    LedgerRoots,
    Metrics,
    Health,
    Admin,
    Scim,
    Registration,
}

/// The terms on which a route is served.
pub(super) struct Terms {
    /// The methods that the route accepts.
    pub(super) methods: &'static [&'static str],
    /// Whether the mTLS host serves the route as well (RFC 8705 §5). It serves those where clients
    /// authenticate or present a bound token.
    pub(super) mtls: bool,
    /// Whether the route accepts DPoP proofs (RFC 9449 §4).
    pub(super) proofs: bool,
    /// The sites whose scripts may call the route and read its responses.
    pub(super) scripts: Scripts,
    /// The optional parts of a request that the route reads.
    pub(super) reads: Reads,
}

/// The sites whose scripts may call a route and read its responses (CORS). None of these routes uses cookies.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Scripts {
    /// No site, as for the pages (RFC 9700 §2.6).
    NoSite,
    /// Every site, for documents that are public anyway, and for resources that need a token.
    EverySite,
    /// The origins in a client's `allowed_origins`, where clients start grants and get tokens.
    ListedOrigins,
}

/// The optional parts of a request, which only some routes read. The others never see them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a header of its own")]
pub struct Reads {
    /// The headers by which browsers tell sites apart.
    pub browser: BrowserHeaders,
    /// `User-Agent`.
    pub user_agent: bool,
    /// `If-Match`.
    pub if_match: bool,
    /// `Accept-Language`.
    pub language: bool,
    /// `Accept`.
    pub accept: bool,
    /// `Cf-Access-Jwt-Assertion`.
    pub access_assertion: bool,
    /// `Upgrade`.
    pub upgrade: bool,
    /// The client certificate. Only requests to the mTLS host have one that counts.
    pub certificate: bool,
}

/// The headers by which browsers tell sites apart. Each variant adds one to those before it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum BrowserHeaders {
    /// None of them.
    Nothing,
    /// `Origin`, to decide whether a script may read the response.
    Origin,
    /// `Sec-Fetch-Site`, to tell pages from programs.
    Site,
    /// `Cookie`.
    Cookie,
}

impl Reads {
    /// No optional part.
    pub const NOTHING: Self = Self {
        browser: BrowserHeaders::Nothing,
        user_agent: false,
        if_match: false,
        language: false,
        accept: false,
        access_assertion: false,
        upgrade: false,
        certificate: false,
    };
    /// All headers.
    pub(super) const EVERYTHING: Self = Self {
        browser: BrowserHeaders::Cookie,
        user_agent: true,
        if_match: true,
        language: true,
        accept: true,
        access_assertion: true,
        upgrade: true,
        certificate: true,
    };
    /// What tells people from programs, at a path without a route, and the language of the page for them.
    pub(super) const WITHOUT_ROUTE: Self =
        Self { browser: BrowserHeaders::Cookie, language: true, accept: true, ..Self::NOTHING };
}

const GET: &[&str] = &["GET"];
const READ: &[&str] = &["GET", "HEAD"];
const POST: &[&str] = &["POST"];
const BOTH: &[&str] = &["GET", "HEAD", "POST"];
const ANY: &[&str] = &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

const NONE: Terms =
    Terms { methods: READ, mtls: false, proofs: false, scripts: Scripts::NoSite, reads: Reads::NOTHING };
const OPEN: Terms = Terms { scripts: Scripts::EverySite, ..NONE };
const LISTED: Terms = Terms {
    methods: POST,
    mtls: true,
    scripts: Scripts::ListedOrigins,
    reads: Reads { browser: BrowserHeaders::Origin, ..Reads::NOTHING },
    ..NONE
};
const PAGE: Reads = Reads { browser: BrowserHeaders::Cookie, language: true, ..Reads::NOTHING };

impl Route {
    pub(super) fn find(path: &str, issuer: &Issuer) -> Option<Self> {
        let base = issuer.path();
        if path.strip_prefix("/.well-known/oauth-authorization-server") == Some(base) {
            return Some(Self::Metadata);
        }
        // RFC 9728 §3.1: the path of the resource, which is `/userinfo`, comes last.
        let resource = path.strip_prefix("/.well-known/oauth-protected-resource");
        if resource.and_then(|rest| rest.strip_prefix(base)) == Some("/userinfo") {
            return Some(Self::ProtectedResource);
        }
        let path = path.strip_prefix(base)?;
        if path.strip_prefix(ADMIN_PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Some(Self::Admin);
        }
        if path.strip_prefix(CONSOLE_PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Some(Self::Console);
        }
        if path.strip_prefix(SCIM_PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Some(Self::Scim);
        }
        match path {
            "/device_authorization" => Some(Self::DeviceAuthorization),
            "/token" => Some(Self::Token),
            "/instant" => Some(Self::Instant),
            "/introspect" => Some(Self::Introspection),
            "/revoke" => Some(Self::Revocation),
            "/userinfo" => Some(Self::UserInfo),
            "/device" => Some(Self::Verify),
            "/device/qr" => Some(Self::Qr),
            "/account" => Some(Self::Account),
            "/account/passkeys" => Some(Self::Passkeys),
            "/account/access" => Some(Self::AccessRequests),
            "/invitation" => Some(Self::Invitation),
            "/authorize" => Some(Self::Authorize),
            "/.well-known/openid-configuration" => Some(Self::Metadata),
            "/jwks.json" => Some(Self::Keys),
            "/register" => Some(Self::Registration),
            "/healthz" => Some(Self::Health),
            "/ledger/roots" => Some(Self::LedgerRoots),
            "/metrics" => Some(Self::Metrics),
            _ if path.starts_with(ROOTS_PREFIX) => Some(Self::LedgerRoots),
            _ if path.starts_with(LOGO_PREFIX) => Some(Self::Logo),
            _ if path.starts_with(CALLBACK_PREFIX) => Some(Self::Callback),
            _ if path.starts_with(LOGOUT_PREFIX) => Some(Self::BackchannelLogout),
            _ if path.starts_with(EVENTS_PREFIX) => Some(Self::SecurityEvents),
            _ => None,
        }
    }

    pub(super) const fn terms(self) -> Terms {
        match self {
            Self::DeviceAuthorization => {
                let reads = Reads { browser: BrowserHeaders::Site, user_agent: true, ..Reads::NOTHING };
                Terms { proofs: true, reads, ..LISTED }
            }
            Self::Token => Terms { proofs: true, ..LISTED },
            Self::Instant => {
                let reads = Reads { browser: BrowserHeaders::Site, upgrade: true, ..Reads::NOTHING };
                Terms { methods: GET, proofs: true, reads, ..NONE }
            }
            Self::Revocation => LISTED,
            Self::UserInfo => Terms { methods: BOTH, mtls: true, proofs: true, ..OPEN },
            Self::Introspection => Terms { methods: POST, mtls: true, ..NONE },
            Self::Metadata | Self::ProtectedResource | Self::Keys | Self::LedgerRoots | Self::Qr => OPEN,
            Self::Health | Self::Logo | Self::Metrics => NONE,
            Self::Verify | Self::Account | Self::Passkeys | Self::AccessRequests | Self::Console => {
                let reads = Reads { user_agent: true, access_assertion: true, ..PAGE };
                Terms { methods: BOTH, reads, ..NONE }
            }
            Self::Invitation => Terms { methods: BOTH, reads: Reads { user_agent: true, ..PAGE }, ..NONE },
            // Not HEAD, because the response of a provider counts once.
            Self::Callback => Terms { methods: GET, reads: Reads { user_agent: true, ..PAGE }, ..NONE },
            Self::Authorize => Terms { methods: BOTH, reads: PAGE, ..NONE },
            // SCIM checks the method of each of its own addresses.
            Self::Scim => Terms { methods: ANY, ..NONE },
            Self::Registration | Self::BackchannelLogout | Self::SecurityEvents => {
                Terms { methods: POST, ..NONE }
            }
            // The admin API checks the method of each of its own routes.
            Self::Admin => Terms { methods: ANY, reads: Reads { if_match: true, ..Reads::NOTHING }, ..NONE },
        }
    }

    /// Returns whether the settings enable the route.
    pub(super) const fn is_served(self, settings: &Settings) -> bool {
        match self {
            Self::Admin => settings.admin_token.is_some(),
            Self::Registration => settings.registration.is_some(),
            Self::Metrics => settings.metrics_token.is_some(),
            Self::Instant => settings.instant_sockets > 0,
            Self::DeviceAuthorization
            | Self::Token
            | Self::Introspection
            | Self::Revocation
            | Self::UserInfo
            | Self::Verify
            | Self::Account
            | Self::Passkeys
            | Self::AccessRequests
            | Self::Console
            | Self::Invitation
            | Self::Qr
            | Self::Logo
            | Self::Authorize
            | Self::Callback
            | Self::BackchannelLogout
            | Self::SecurityEvents
            | Self::Metadata
            | Self::ProtectedResource
            | Self::Keys
            | Self::LedgerRoots
            | Self::Scim
            | Self::Health => true,
        }
    }
}
